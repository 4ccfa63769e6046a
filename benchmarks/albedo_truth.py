"""Albedo of synthetic people against the truth: the model's, the texture network's, and what is baked with each.

Run:

    headform data synthetic -o people --people 60 --photos 1 --seed 307 --albedo
    python -m benchmarks.albedo_truth --data people [--texture-net FILE]

Each photo is reconstructed, and the albedo compared at the vertices of the face's skin: mean distance in sRGB (0 to 1) after
one gain a channel, that makes the medians equal, since one photo does not tell light from albedo. *Seen*: where the photo
counts by more than a half; *hidden*: by less than a twentieth, among them lids and what hair covers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from jaxtyping import Bool, Float

from headform.data.sample import Sample
from headform.data.shards import ShardSet
from headform.errors import HeadformError, InputError
from headform.evaluate.tables import markdown_table
from headform.fit.filled_vertices import fill_vertices
from headform.fit.fitted_photo import FittedPhoto
from headform.fit.plain_skin import face_skin
from headform.images.transfer import LINEAR_FROM_SRGB8, srgb_from_linear
from headform.pipeline.appearance import PhotoAppearance, PhotoMasks
from headform.pipeline.reconstructor import Reconstructor

SEEN, HIDDEN = 0.5, 0.05
"""Weights of the photo above which a vertex counts as seen, and below which as hidden."""
LEAST = 0.01
"""Added to both albedos before their quotient is taken."""
FEWEST = 30
"""Vertices that a photo must have of a kind to count."""


@dataclass(frozen=True)
class Arguments:
    """Photos with the true albedo, and the texture networks."""

    data: tuple[Path, ...]
    texture_net: Path | None = None
    most: int = 0


def albedos(
    reconstructor: Reconstructor, sample: Sample
) -> tuple[Float[np.ndarray, " V"], dict[str, Float[np.ndarray, "V 3"]]]:
    """Return the weight of the photo at the vertices, and the albedos by name.

    Raises:
        HeadformError: the face is not found, or doubtful.
    """
    (face,) = reconstructor.reconstruct(sample.image)
    if face.status != "ok" or face.evidence is None or face.refined_albedo is None:
        raise InputError("low_confidence", "the face is doubtful", sample.name, "use another")
    photo = FittedPhoto(face.head, face.vertices, face.camera, sample.image, rest=face.neutral)
    masks = PhotoMasks.of(sample.image, face.evidence, reconstructor.calibration)
    appearance = PhotoAppearance.of(photo, masks)
    lit = appearance.light()
    model, found = appearance.albedo(lit), {}
    surface = appearance.surface(1024)
    weight = surface.colors.weight
    for name, skin, refined in (("model", model, False), ("network", face.refined_albedo, True)):
        filled = fill_vertices(face.head, surface, lit.light, skin, appearance.gauges, refined=refined)
        share = (weight * filled.detail.kept * (1 - filled.detail.folds))[:, None]
        found[name] = np.asarray(skin, np.float64)
        found[f"baked, {name}"] = share * filled.seen.color / filled.shading + (1 - share) * filled.fill
    return weight, found


def distance(
    albedo: Float[np.ndarray, "V 3"], truth: Float[np.ndarray, "V 3"], rows: Bool[np.ndarray, " V"]
) -> float | None:
    """Compute the mean distance of some vertices after a gain; None for too few of them."""
    if rows.sum() < FEWEST:
        return None
    own, wanted = np.clip(albedo[rows], 0, 1), truth[rows]
    gain = np.exp(np.median(np.log((wanted + LEAST) / (own + LEAST)), axis=0))
    first, second = (srgb_from_linear(torch.from_numpy(np.clip(c, 0, 1))).numpy() for c in (own * gain, wanted))
    return float(np.linalg.norm(first - second, axis=1).mean())


def measure(arguments: Arguments) -> Iterator[tuple[str, str, float]]:
    """Yield texture, kind of vertices and distance, for each photo."""
    reconstructor = Reconstructor.load(texture_net=arguments.texture_net, texture_size=256)
    samples, skin = ShardSet.open(*arguments.data), face_skin(reconstructor.head)
    for number in range(min(arguments.most or len(samples), len(samples))):
        sample = samples[number]
        if sample.albedo is None:
            raise InputError(
                "sample_unusable", "the true albedo is unknown", sample.name, "use data synthetic --albedo"
            )
        try:
            weight, found = albedos(reconstructor, sample)
        except HeadformError as error:
            print(f"{sample.name}: {error.code}")
            continue
        truth = LINEAR_FROM_SRGB8[sample.albedo].astype(np.float64)
        for name, albedo in found.items():
            for kind, rows in (("seen", weight > SEEN), ("hidden", weight < HIDDEN)):
                off = distance(albedo, truth, rows & skin)
                if off is not None:
                    yield name, kind, off


def main(arguments: Arguments) -> None:
    """Print the table."""
    values: dict[tuple[str, str], list[float]] = {}
    for name, kind, off in measure(arguments):
        values.setdefault((name, kind), []).append(off)
    if not values:
        raise InputError("sample_unusable", "no face of these photos is found for certain", "", "use other samples")
    names = list(dict.fromkeys(name for name, _ in values))
    cells = [[name, *(f"{np.mean(values[name, kind]):.4f}" for kind in ("seen", "hidden"))] for name in names]
    print(f"{max(map(len, values.values()))} photos\n")
    print(markdown_table(["albedo", "seen", "hidden"], cells))


if __name__ == "__main__":
    main(tyro.cli(Arguments))
