"""How well small classifiers tell synthetic faces from official portraits, and what differs.

Run:

    python -m benchmarks.synthetic_realism --out DIR [--count 300] [--seed 0] [--data ../shared/data]

Writes to DIR: `realism.json` and `realism.md` (areas under the ROC curve, Fréchet distances, statistics side by side),
`side_by_side_*.png` (60 synthetic faces left, 60 portraits right; for looking, not for publishing), `synthetic_*.png` (the
left half alone) and `portraits.npz` (the crops of the portraits, found again by the next run).

Both kinds are cut alike: the dense landmark network's 68 points, `loose_square`, one resampling. `alike` stands for pictures
scaled to 64 pixels and compressed alike, so that codec and blur alone decide nothing; `as they are` for 128 pixels. `full`
are faces of `randomization.FULL`, `portrait` those of `PORTRAIT`, so that neither pose nor occluders decide. `inner face` is
cut from the brows to the lips, so that neither hair nor what is behind the head decides. The Fréchet distance, of
mobilefacenet's features, has that of two halves of the portraits as its floor.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import tyro
from PIL import Image

from benchmarks.environment import default_data, describe
from benchmarks.face_statistics import gradients_histogram, statistics
from benchmarks.two_sample_tests import convolutional, cross_validated, frechet_distance, logistic
from benchmarks.verification import CRITIC
from headform import images
from headform.errors import FaceError
from headform.geometry.landmarks68 import INNER_FACE, five_points
from headform.heads import load_open
from headform.images.photo import Photo
from headform.images.warp import apply, square_matrix, warp
from headform.nets.crop_geometry import loose_square
from headform.nets.detection.detector import load_detector
from headform.nets.landmarks.dense_predictor import DensePredictor, average
from headform.nets.recognition.embedder import roc_area
from headform.nets.recognition.embedder_files import load_embedder
from headform.nets.shipped import load_dense, load_face_mesh
from headform.pipeline.crops import crop_of_points
from headform.pipeline.face_finder import ZOOMS, FaceFinder
from headform.synth.generator import Generator
from headform.synth.randomization import FULL, PORTRAIT, RandomizationConfig

PORTRAITS = "photos/congress"
MASTER, SHOWN, ALIKE, INNER = 256, 128, 64, 48
"""Sides of the crops: as cut, as shown and measured, as classifiers see them when codec and blur shall not count, and of the
inner face."""
_QUALITY = 80
_LEAST_FACE = 110.0
"""Side of the loose square, pixels, below which a portrait is left out as too coarse."""
_MOST_OUTSIDE = 0.02
"""Share of the loose square that may lie outside of the portrait."""
_SHEET = 60
_MESH_BLOCKS = (9, 14, 19)
"""Blocks of the face mesh network whose outputs, averaged over the crop, are features."""
_MASTERS_IN_PICTURE = 9 / 8
"""Side of a loose picture of the generator over that of the loose square."""


def framed(config: RandomizationConfig) -> RandomizationConfig:
    """Return the configuration without random framing."""
    return config.with_changes(camera={"crop_scale_sd": 0.0, "crop_shift_sd": 0.0})


@dataclass(frozen=True)
class Crops:
    """Faces of one kind: (N, 256, 256, 3) sRGB and their (N, 68, 2) points, pixels."""

    images: np.ndarray
    points: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


class Cutter:
    """Cuts the loose square about the points of the dense landmark network."""

    def __init__(self) -> None:
        self._dense = DensePredictor(load_dense()[0], load_open())
        self._finder = FaceFinder(load_detector(), self._dense)

    def portrait(self, photo: Photo) -> tuple[np.ndarray, np.ndarray] | None:
        """Crop and points of the largest face; None without one that is large enough and within the picture."""
        outcome = self._finder.find([photo])[0]
        if isinstance(outcome, FaceError):
            return None
        rgb, points = photo.rgb, outcome[0].prediction.points[:68]
        x, y, size = loose_square(points)
        outside = max(-x, -y, x + size - rgb.shape[1], y + size - rgb.shape[0])
        if size < _LEAST_FACE or outside > _MOST_OUTSIDE * size:
            return None
        return self._cut(rgb, points)

    def synthetic(self, rgb: np.ndarray, points: np.ndarray, rotation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Crop and points of a synthetic face whose true points place the network's crop."""
        crops = [crop_of_points(points, rotation, zoom=zoom) for zoom in ZOOMS]
        return self._cut(rgb, average(self._dense.predict([rgb] * len(ZOOMS), crops)).points[:68])

    def _cut(self, rgb: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        square = square_matrix(*loose_square(points), MASTER)
        return warp(rgb, square, MASTER), apply(square, points)


def read_portraits(cutter: Cutter, folder: Path, count: int, keep: Path) -> Crops:
    """Cut up to `count` portraits, spread over the folder; kept in a file."""
    if keep.is_file():
        with np.load(keep) as stored:
            if max(len(stored["images"]), int(stored["searched"])) >= count:
                return Crops(stored["images"][:count], stored["points"][:count])
    files = sorted(folder.glob("*.jpg"))
    order = np.random.default_rng(0).permutation(len(files))
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for k in order:
        cut = cutter.portrait(images.read(files[k]))
        if cut is not None:
            found.append(cut)
        if len(found) == count:
            break
    crops = _stacked(found)
    np.savez(keep, images=crops.images, points=crops.points, searched=count)
    return crops


def draw_synthetic(cutter: Cutter, config: RandomizationConfig, count: int, seed: int) -> Crops:
    """Draw faces and cut them."""
    generator = Generator(load_open(), size=round(MASTER * _MASTERS_IN_PICTURE), randomization=config)
    found = []
    for first in range(0, count, 8):
        batch = generator.batch(np.random.default_rng((seed, first)), min(8, count - first))
        rows = zip(batch.images, batch.points, batch.rotation, strict=True)
        found += [cutter.synthetic(rgb, points[:68].astype(np.float64), turn) for rgb, points, turn in rows]
    return _stacked(found)


def _stacked(found: list[tuple[np.ndarray, np.ndarray]]) -> Crops:
    return Crops(np.stack([crop for crop, _ in found]), np.stack([points for _, points in found]))


def scaled(crops: np.ndarray, side: int, quality: int | None = None) -> np.ndarray:
    """Scale crops by box averages; with a quality they are compressed as JPEG then."""
    out = []
    for crop in crops:
        picture = Image.fromarray(crop).resize((side, side), Image.Resampling.BOX)
        if quality is not None:
            packed = io.BytesIO()
            picture.save(packed, "JPEG", quality=quality)
            picture = Image.open(packed)
        out.append(np.asarray(picture))
    return np.stack(out)


def inner_faces(crops: Crops) -> np.ndarray:
    """Cut the square about brows, eyes, nose and lips, (N, 48, 48, 3), compressed alike."""
    found = []
    for picture, points in zip(crops.images, crops.points, strict=True):
        low, high = points[INNER_FACE].min(0), points[INNER_FACE].max(0)
        size = float((high - low).max())
        x, y = (low + high - size) / 2
        found.append(warp(picture, square_matrix(float(x), float(y), size, 2 * INNER), 2 * INNER))
    return scaled(np.stack(found), INNER, _QUALITY)


class Features:
    """Features of a set of crops for each classifier."""

    def __init__(self, data: Path) -> None:
        self._mesh = load_face_mesh()[0]
        self._embedder = load_embedder(f"onnx:{data / CRITIC}")

    def of(self, crops: Crops, pictures: np.ndarray) -> dict[str, np.ndarray]:
        """Inputs of the classifiers from pictures of any side, which show the crops."""
        points = crops.points * (pictures.shape[1] / MASTER)
        small = scaled(pictures, ALIKE) if pictures.shape[1] != ALIKE else pictures
        large = scaled(pictures, MASTER)
        five = [five_points(p) for p in crops.points]
        faces = np.stack([self._embedder.crop.crop(x, p) for x, p in zip(large, five, strict=True)])
        return {
            "statistics": np.array([list(statistics(x, p).values()) for x, p in zip(pictures, points, strict=True)]),
            **plain_features(small),
            "face mesh features": self._middle(large),
            "mobilefacenet": self._embedder.embed(faces).astype(np.float64),
        }

    @torch.inference_mode()
    def _middle(self, pictures: np.ndarray) -> np.ndarray:
        found: list[np.ndarray] = []
        for k in range(0, len(pictures), 16):
            part: list[torch.Tensor] = []
            hooks = [
                self._mesh.blocks[b].register_forward_hook(lambda _, __, out, part=part: part.append(out))
                for b in _MESH_BLOCKS
            ]
            self._mesh(torch.from_numpy(pictures[k : k + 16]).permute(0, 3, 1, 2).float() / 255)
            for hook in hooks:
                hook.remove()
            found.append(torch.cat([x.mean((2, 3)) for x in part] + [x.std((2, 3)) for x in part], 1).double().numpy())
        return np.concatenate(found)


def plain_features(pictures: np.ndarray) -> dict[str, np.ndarray]:
    """Inputs of the classifiers that need neither points nor another network."""
    rows = [np.concatenate([gradients_histogram(x), _colors(x)]) for x in pictures]
    return {"gradients and colors": np.stack(rows), "small network": pictures}


def _colors(rgb: np.ndarray) -> np.ndarray:
    """Mean and standard deviation of the colors of a grid of 4 x 4 cells."""
    step = len(rgb) // 4
    cells = rgb[: 4 * step, : 4 * step].reshape(4, step, 4, step, 3).astype(np.float64) / 255
    return np.concatenate([cells.mean((1, 3)).ravel(), cells.std((1, 3)).ravel()])


def tell_apart(real: Mapping[str, np.ndarray], drawn: Mapping[str, np.ndarray], epochs: int) -> dict[str, float]:
    """Cross-validated area under the ROC curve of each classifier."""
    found = {}
    for name, values in real.items():
        scorer = convolutional(epochs) if name == "small network" else logistic(10.0 if values.shape[1] > 64 else 1.0)
        found[name] = cross_validated(drawn[name], values, scorer)
    return found


def compare_statistics(real: Crops, drawn: Crops) -> dict[str, dict[str, float]]:
    """Medians, spreads over the pictures, and how well each number alone tells the two apart (0.5 not, 1 always)."""
    rows: list[list[dict[str, float]]] = []
    for crops in (drawn, real):
        pictures, points = scaled(crops.images, SHOWN), crops.points * (SHOWN / MASTER)
        rows.append([statistics(x, p) for x, p in zip(pictures, points, strict=True)])
    table = {}
    for name in rows[0][0]:
        a, b = (np.array([row[name] for row in part]) for part in rows)
        area = roc_area(np.concatenate([a, b]), np.repeat([True, False], [len(a), len(b)]))
        table[name] = {
            "synthetic": float(np.median(a)) if name != "mouth_open" else float(a.mean()),
            "synthetic_spread": _spread(a),
            "portraits": float(np.median(b)) if name != "mouth_open" else float(b.mean()),
            "portraits_spread": _spread(b),
            "area": max(area, 1 - area),
        }
    return table


def _spread(values: np.ndarray) -> float:
    """Half the distance of the 16th and 84th percentiles."""
    return float(np.diff(np.percentile(values, [16, 84]))[0] / 2)


def sheet(synthetic: np.ndarray, real: np.ndarray | None = None, columns: int = 6) -> Image.Image:
    """Tile pictures; with a second set beside the first."""
    parts = [synthetic[:_SHEET]] + ([real[:_SHEET]] if real is not None else [])
    side, gap = synthetic.shape[1], 8
    rows = -(-max(map(len, parts)) // columns)
    canvas = Image.new("RGB", (len(parts) * (columns * side + gap) - gap, rows * side), (255, 255, 255))
    for n, part in enumerate(parts):
        for k, picture in enumerate(part):
            place = n * (columns * side + gap) + k % columns * side, k // columns * side
            canvas.paste(Image.fromarray(picture), place)
    return canvas


@dataclass(frozen=True)
class Arguments:
    """Compare synthetic faces with portraits."""

    out: Path
    count: int = 300
    """Faces of each kind."""
    seed: int = 0
    data: Path = field(default_factory=default_data)
    epochs: int = 12
    """Passes of the small network over its training pictures."""
    brief: bool = False
    """Leave out the pictures as they are."""


def main(arguments: Arguments) -> None:
    """Measure, print and write."""
    arguments.out.mkdir(parents=True, exist_ok=True)
    cutter, features = Cutter(), Features(arguments.data)
    keep = arguments.out / "portraits.npz"
    real = read_portraits(cutter, arguments.data / PORTRAITS, arguments.count, keep)
    configs = {"full": framed(FULL), "portrait": framed(PORTRAIT)}
    drawn = {name: draw_synthetic(cutter, config, arguments.count, arguments.seed) for name, config in configs.items()}
    result: dict[str, object] = {"count": arguments.count, "seed": arguments.seed, "environment": describe()}
    lines = [f"{len(real)} portraits, {arguments.count} synthetic faces of each kind", ""]
    treatments = (("alike", ALIKE, _QUALITY), ("as they are", SHOWN, None))
    for treatment, side, quality in treatments[: 1 if arguments.brief else 2]:
        of_real = features.of(real, scaled(real.images, side, quality))
        half = len(real) // 2
        for name, crops in drawn.items():
            of_drawn = features.of(crops, scaled(crops.images, side, quality))
            areas = tell_apart(of_real, of_drawn, arguments.epochs)
            a, b = of_drawn["mobilefacenet"], of_real["mobilefacenet"]
            distance, floor = (
                frechet_distance(a[:half], b[half : 2 * half]),
                frechet_distance(b[:half], b[half : 2 * half]),
            )
            result[f"{name}, {treatment}"] = {"areas": areas, "frechet": distance, "frechet_floor": floor}
            told = ", ".join(f"{k} {v:.3f}" for k, v in areas.items())
            lines.append(
                f"{name}, {treatment}: {told}; Fréchet {distance:.3f} (portraits among themselves {floor:.3f})"
            )
            print(lines[-1], flush=True)
    inner = plain_features(inner_faces(real))
    for name, crops in drawn.items():
        areas = tell_apart(inner, plain_features(inner_faces(crops)), arguments.epochs)
        result[f"{name}, inner face"] = {"areas": areas}
        lines.append(f"{name}, inner face: " + ", ".join(f"{k} {v:.3f}" for k, v in areas.items()))
        print(lines[-1], flush=True)
    for name, crops in drawn.items():
        table = compare_statistics(real, crops)
        result[f"statistics of {name}"] = table
        lines += ["", f"| statistic ({name}) | synthetic | portraits | area alone |", "|---|---|---|---|"]
        for key, row in sorted(table.items(), key=lambda item: -item[1]["area"]):
            lines.append(
                f"| {key} | {row['synthetic']:.3f} ± {row['synthetic_spread']:.3f} | "
                f"{row['portraits']:.3f} ± {row['portraits_spread']:.3f} | {row['area']:.3f} |"
            )
    (arguments.out / "realism.json").write_text(json.dumps(result, indent=1))
    (arguments.out / "realism.md").write_text("\n".join([*lines, "", describe(), ""]))
    shown = {name: scaled(crops.images[:_SHEET], SHOWN) for name, crops in (*drawn.items(), ("real", real))}
    for name in configs:
        sheet(shown[name], shown["real"]).save(arguments.out / f"side_by_side_{name}.png")
        sheet(shown[name], columns=10).save(arguments.out / f"synthetic_{name}.png")
    print("\n".join(lines))


if __name__ == "__main__":
    main(tyro.cli(Arguments))
