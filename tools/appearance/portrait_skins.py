"""Bake the skin of open portraits into the open head's atlas, and read the colors of eyes, lips and hair.

    python -m tools.appearance.portrait_skins DATA -o WORK [--set congress]

DATA is the folder of test data (its open portraits in `photos/london`, `canada` and `congress`); one file per portrait
is kept in WORK, so that a second run computes what is missing. What is in WORK shows people and never ships.

S side of the atlas, V vertices.
"""

import argparse
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float, UInt8

from headform import images
from headform.errors import HeadformError
from headform.fit.fitted_photo import FittedPhoto
from headform.fit.plain_skin import face_skin
from headform.fit.texture import bake_textures, surface_of
from headform.geometry.spherical_harmonics import sh_basis
from headform.nets.landmarks.committee import CommitteeReading
from headform.nets.landmarks.dense_predictor import DensePrediction
from headform.pipeline._mask import mask_in_photo, openings_in_photo
from headform.pipeline.reconstructor import Reconstructor
from headform.synth.skin_bank import SIDE
from headform.synth.skin_fields import SkinFields, skin_fields

SETS = ("london", "canada", "congress")
IRIS_CM, PUPIL_CM = 0.5, 0.3
"""Radii between which an eyeball shows the iris and neither pupil nor limbus, cm."""
HAIR_CM = (0.8, 4.0)
"""Band above the mean hairline that shows hair, cm."""
LIP = 0.9
"""Membership above which a vertex is on the vermilion."""
LEAST = 6
"""Fewest vertices of which a color is the median."""


@dataclass(frozen=True)
class PortraitSkin:
    """Skin and colors of one portrait; colors are linear RGB without the light, NaN where they are not seen."""

    albedo: UInt8[np.ndarray, "S S 3"]  # sRGB, without light
    weight: UInt8[np.ndarray, "S S"]  # 255 where the portrait shows the texel's skin
    bare: UInt8[
        np.ndarray, "S S 3"
    ]  # the same where the network's mask of skin, which ends below the hair, is not asked
    bare_weight: UInt8[np.ndarray, "S S"]
    name: str
    confidence: float
    covered: float  # share of the face that something covers
    yaw: float  # degrees
    pitch: float
    eye_pixels: float  # distance of the outer corners of the eyes in the portrait
    smile: float  # weight of the expression
    jaw_open: float
    skin: Float[np.ndarray, "3"]
    lips: Float[np.ndarray, "3"]
    iris: Float[np.ndarray, "3"]
    sclera: Float[np.ndarray, "3"]
    hair: Float[np.ndarray, "3"]
    exposure: float  # mean shading of the face's skin

    def save(self, file: Path) -> None:
        """Write to an NPZ file."""
        np.savez_compressed(file, allow_pickle=False, **asdict(self))

    @classmethod
    def load(cls, file: Path) -> "PortraitSkin":
        """Read what `save` wrote."""
        with np.load(file) as stored:
            values = {f.name: stored[f.name] for f in fields(cls)}
        return cls(**{k: v.item() if v.ndim == 0 else v for k, v in values.items()})


class SkinReader(Reconstructor):
    """A reconstructor that bakes its own texture, with the weights of the photo."""

    def read(self, file: Path, areas: SkinFields) -> PortraitSkin:
        """Reconstruct the largest face and read its skin.

        Raises:
            HeadformError: no usable face.
        """
        (result,) = self.reconstruct(images.read(file))
        (prediction, reading, clear, share) = self._seen
        size = result.image_size
        mask = mask_in_photo(prediction, size)
        skin_mask = mask if clear is None else mask * clear
        photo = FittedPhoto(self.head, result.vertices, result.camera, result.photo, skin_mask, clear)
        openings = None if self._calibration is None else openings_in_photo(self._calibration, reading)
        mean = self.head.albedo_of(torch.from_numpy(result.albedo_code).float()).numpy()
        _, baked = bake_textures(photo, result.light, mean, SIDE, openings)
        turn = result.camera.R @ np.diag([1.0, -1.0, -1.0])
        forward = turn @ np.array([0.0, 0.0, 1.0])
        bare = bake_textures(replace(photo, skin_mask=clear), result.light, mean, SIDE, openings)[1]
        weights = dict(zip(self.head.expression_names, result.expression, strict=True))
        corners = result.points68[[36, 45]]
        return PortraitSkin(
            albedo=baked.rgb,
            weight=np.rint(255 * baked.photo_weight).astype(np.uint8),
            bare=bare.rgb,
            bare_weight=np.rint(255 * bare.photo_weight).astype(np.uint8),
            name=f"{file.parent.name}/{file.name}",
            confidence=result.confidence,
            covered=share,
            yaw=float(np.degrees(np.arctan2(forward[0], abs(forward[2])))),
            pitch=float(np.degrees(np.arcsin(np.clip(forward[1], -1, 1)))),
            eye_pixels=float(np.linalg.norm(corners[1] - corners[0])),
            smile=float(max(weights["mouthSmileLeft"], weights["mouthSmileRight"])),
            jaw_open=float(weights["jawOpen"]),
            **self._colors(photo, result.light, areas),
        )

    def _one(self, photo, found, reading, cover, prior, clock):  # type: ignore[no-untyped-def]
        size = photo.rgb.shape[1], photo.rgb.shape[0]
        clear, share = (None, 0.0) if cover is None else (cover.clear(size), cover.share)
        self._seen: tuple[DensePrediction, CommitteeReading, np.ndarray | None, float] = (
            found.prediction,
            reading,
            clear,
            share,
        )
        return super()._one(photo, found, reading, cover, prior, clock)

    def _colors(self, photo: FittedPhoto, light: Float[np.ndarray, "9 3"], areas: SkinFields) -> dict[str, Any]:
        """Median colors of skin, lips, eyes and hair, divided by the shading."""
        bare = FittedPhoto(photo.head, photo.vertices, photo.camera, photo.rgb)
        seen, masked = surface_of(bare), surface_of(photo)
        shading = np.maximum(sh_basis(seen.normals) @ light, 0.15)
        colors, skin_colors = seen.colors, masked.colors
        albedo = colors.color / shading
        shown, skin_shown = colors.weight > 0.5, skin_colors.weight > 0.5
        skin = face_skin(self.head) & skin_shown
        above = (areas.hairline > HAIR_CM[0]) & (areas.hairline < HAIR_CM[1])
        eye = areas.iris_distance < 9
        within = shown & eye
        groups = {
            "skin": skin,
            "lips": shown & (areas.lip > LIP),
            "iris": within & (areas.iris_distance > PUPIL_CM) & (areas.iris_distance < IRIS_CM),
            "sclera": within & (areas.iris_distance > 0.75) & (areas.iris_distance < 1.0),
            "hair": above & (colors.weight > 0.1) & (skin_colors.weight < 0.05),
        }
        found: dict[str, Any] = {name: _median(albedo, chosen) for name, chosen in groups.items()}
        found["exposure"] = float(shading[skin].mean()) if skin.any() else float("nan")
        return found


def read_skins(data: Path, work: Path, sets: tuple[str, ...] = SETS, limit: int = 0) -> list[Path]:
    """Read the skin of each open portrait that is not in `work` yet, and return the files there."""
    work.mkdir(parents=True, exist_ok=True)
    reader = cast(SkinReader, SkinReader.load(texture_size=0))
    areas = skin_fields(reader.head)
    photos = [file for name in sets for file in sorted((data / "photos" / name).glob("*.jpg"))]
    photos.sort(key=lambda file: (sets.index(file.parent.name), -file.stat().st_size))  # the sharp ones first
    photos = photos[:limit] if limit else photos
    for number, photo in enumerate(photos):
        kept, refused = (work / f"{photo.parent.name}_{photo.stem}{ending}" for ending in (".npz", ".none"))
        if kept.is_file() or refused.is_file():
            continue
        try:
            reader.read(photo, areas).save(kept)
        except HeadformError as error:
            refused.write_text(error.code)
        if number % 50 == 0:
            print(number, len(photos), flush=True)
    return sorted(work.glob("*.npz"))


def _median(albedo: Float[np.ndarray, "V 3"], chosen: np.ndarray) -> Float[np.ndarray, "3"]:
    enough = int(chosen.sum()) >= LEAST
    return np.median(albedo[chosen], axis=0) if enough else np.full(3, np.nan)


def main() -> None:
    """Read the portraits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True, help="what was read is kept here")
    parser.add_argument("--set", choices=SETS, action="append", help="all sets if absent")
    parser.add_argument("--limit", type=int, default=0, help="first photos only")
    given = parser.parse_args()
    print(len(read_skins(given.data, given.out, tuple(given.set or SETS), given.limit)), "portraits")


if __name__ == "__main__":
    main()
