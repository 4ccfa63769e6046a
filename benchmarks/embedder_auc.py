"""How well a recognition network tells people apart: deepface's 300 pairs, aligned by our detector's five points.

Run:

    python -m benchmarks.embedder_auc [--embedder KIND:FILE] [--data ../shared/data] [--picture crops.png]

The default network judges in the tests, too; it needs the extra `onnx`. The photos are of celebrities, and few (25 in 300
pairs): this finds a wrong alignment, color order or normalization, and says little on how good a network is.
"""

import csv
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tyro
from PIL import Image

from benchmarks.environment import default_data, describe
from headform import images
from headform.nets.detection.detector import Detector, load_detector
from headform.nets.recognition.embedder import Embedder, best_accuracy, roc_area
from headform.nets.recognition.embedder_files import load_embedder

CRITIC = "nets/critics/mobilefacenet.onnx"
FOLDER = "photos/deepface"
_COLUMNS = 9


@dataclass(frozen=True)
class Pairs:
    """Scored pairs.

    Attributes:
        scores: (P,) cosines.
        same: (P,) whether both photos show one person.
        crops: (N, S, S, 3) uint8, one per photo.
    """

    scores: np.ndarray
    same: np.ndarray
    crops: np.ndarray


def read_pairs(folder: Path) -> list[tuple[str, str, bool]]:
    """The pairs of `master.csv`: two photos, and whether they show one person."""
    with (folder / "master.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [(first, second, decision == "Yes") for first, second, decision in rows]


def score_pairs(embedder: Embedder, folder: Path, detector: Detector | None = None) -> Pairs:
    """The cosine of every pair; each photo's most prominent face is taken."""
    detector = detector or load_detector()
    pairs = read_pairs(folder)
    names = sorted({name for pair in pairs for name in pair[:2]})
    crops = []
    for name in names:
        rgb = images.read(folder / name).rgb
        crops.append(embedder.crop.crop(rgb, detector.detect(rgb)[0].points5))
    place = {name: number for number, name in enumerate(names)}
    vectors = embedder.embed(np.stack(crops)).astype(np.float64)
    scores = np.array([vectors[place[a]] @ vectors[place[b]] for a, b, _ in pairs])
    return Pairs(scores, np.array([same for *_, same in pairs]), np.stack(crops))


@dataclass(frozen=True)
class Arguments:
    """Tell people apart."""

    embedder: str | None = None
    data: Path = field(default_factory=default_data)
    picture: Path | None = None
    """Also write the aligned faces here."""


def main(arguments: Arguments) -> None:
    """Print area, accuracy and margin."""
    embedder = load_embedder(arguments.embedder or f"onnx:{arguments.data / CRITIC}")
    found = score_pairs(embedder, arguments.data / FOLDER)
    accuracy, threshold = best_accuracy(found.scores, found.same)
    same, other = found.scores[found.same], found.scores[~found.same]
    print(f"{embedder.name}: {len(same)} pairs of one person, {len(other)} of two")
    print(f"area under the curve {roc_area(found.scores, found.same):.4f}")
    print(f"best accuracy {accuracy:.4f}, at cosine {threshold:.3f}")
    print(f"one person: mean {same.mean():.3f}, least {same.min():.3f}")
    print(f"two people: mean {other.mean():.3f}, most {other.max():.3f}")
    print(describe())
    if arguments.picture:
        rows = [found.crops[i : i + _COLUMNS] for i in range(0, len(found.crops), _COLUMNS)]
        side = found.crops.shape[1]
        sheet = np.full((side * len(rows), side * _COLUMNS, 3), 255, np.uint8)
        for number, row in enumerate(rows):
            strip = np.concatenate(list(row), axis=1)
            sheet[number * side : (number + 1) * side, : strip.shape[1]] = strip
        Image.fromarray(sheet).save(arguments.picture)


if __name__ == "__main__":
    main(tyro.cli(Arguments))
