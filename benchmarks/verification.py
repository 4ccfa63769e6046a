"""Telling people apart on photos: recognition networks, and the identity coefficients of encoders and of the pipeline.

Run:

    python -m benchmarks.verification [--embedder KIND:FILE …] [--identity-net FILE …] [--no-pipeline] [--picture crops.png]

Three sets, none of which may teach a network that is judged here: deepface's 300 pairs of celebrities' photos; dlib's
`johns`, five people on eleven small photos each; the neutral and the smiling photo of each of London's people, where the
neutral ones are the gallery. The score is the cosine, of embeddings and of coefficients (standard deviations of the head
model, not whitened); photos in which no face is found are left out, and counted. MobileFaceNet as shipped, dlib's
recognizer and the face encoder that ships are always judged.
"""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from PIL import Image

from benchmarks.environment import default_data, describe
from headform import Reconstructor, images
from headform.errors import FaceError
from headform.nets.detection.detector import load_detector
from headform.nets.recognition.crops import ARCFACE, IMAGENET_112, CropSpec
from headform.nets.recognition.embedder import Embedder, TorchEmbedder, best_accuracy, roc_area
from headform.nets.recognition.embedder_files import load_embedder
from headform.nets.recognition.verification import leave_one_out_rank_1, rank_1, verification_auc
from headform.nets.shipped import load_mobilefacenet

CRITIC = "nets/critics/mobilefacenet.onnx"
DLIB = "nets/faceapi"
DEEPFACE, JOHNS, LONDON = "photos/deepface", "photos/dlib_faces/johns", "photos/london"
_COLUMNS = 17
"""Faces in a row of the picture."""
_SETS = ("deepface AUC", "accuracy", "johns AUC", "rank 1", "London AUC", "rank 1")


@dataclass(frozen=True)
class Photos:
    """Photos of a set.

    Attributes:
        names: path of each.
        people: label of each; the name of the photo where no label is known.
        pairs: numbers of two photos, and True for one person; all pairs count where there are none.
        gallery: True for photos of the gallery; None where every other photo is it.
    """

    names: list[Path]
    people: list[str]
    pairs: list[tuple[int, int, bool]] | None = None
    gallery: np.ndarray | None = None


def read_pairs(folder: Path) -> Photos:
    """Read deepface's `master.csv`: two photos, and whether they show one person."""
    with (folder / "master.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    names = sorted({name for row in rows for name in row[:2]})
    place = {name: number for number, name in enumerate(names)}
    pairs = [(place[a], place[b], decision == "Yes") for a, b, decision in rows]
    return Photos([folder / name for name in names], names, pairs)


def read_people(folder: Path) -> Photos:
    """Read a folder with a folder for each person."""
    names = sorted(folder.glob("*/*.jpg"))
    return Photos(names, [name.parent.name for name in names])


def read_london(folder: Path) -> Photos:
    """Read the people with a neutral and a smiling photo."""
    names = sorted(folder.glob("*_neutral.jpg")) + sorted(folder.glob("*_smiling.jpg"))
    people = [name.name[:3] for name in names]
    both = [person for person in people if people.count(person) == 2]
    kept = [name for name, person in zip(names, people, strict=True) if person in both]
    return Photos(kept, [n.name[:3] for n in kept], gallery=np.array(["neutral" in n.name for n in kept]))


Judged = Callable[[Sequence[Path]], np.ndarray]
"""Function from photos to a vector of each; NaN where no face was found."""


class Faces:
    """Crops of the most prominent face of each photo, detected once."""

    def __init__(self) -> None:
        self._detector, self._points = load_detector(), dict[Path, np.ndarray | None]()

    def crop(self, name: Path, spec: CropSpec) -> np.ndarray | None:
        """Cut the face; None without one."""
        rgb = images.read(name).rgb
        if name not in self._points:
            faces = self._detector.detect(rgb)
            self._points[name] = faces[0].points5 if faces else None
        points = self._points[name]
        return None if points is None else spec.crop(rgb, points)


def embedding_of(embedder: Embedder, faces: Faces) -> Judged:
    """Return the embedding of the most prominent face of each photo."""

    def judge(names: Sequence[Path]) -> np.ndarray:
        found = [faces.crop(name, embedder.crop) for name in names]
        known = embedder.embed(np.stack([crop for crop in found if crop is not None])).astype(np.float64)
        vectors = iter(known)
        return np.stack([np.full(known.shape[1], np.nan) if crop is None else next(vectors) for crop in found])

    return judge


class Coefficients:
    """Identity coefficients of photos, by the network alone and by the whole pipeline, from one look at each."""

    def __init__(self, file: Path | None) -> None:
        self._reconstructor = Reconstructor.load(texture_size=0, identity=file)
        self._known: dict[Path, np.ndarray] = {}

    def network(self, names: Sequence[Path]) -> np.ndarray:
        """Return what the network reads."""
        return np.stack([self._look(name)[0] for name in names])

    def pipeline(self, names: Sequence[Path]) -> np.ndarray:
        """Return the reconstruction's."""
        return np.stack([self._look(name)[1] for name in names])

    def _look(self, name: Path) -> np.ndarray:
        if name not in self._known:
            predictor = self._reconstructor.identity_predictor
            if predictor is None:
                raise TypeError("the reconstructor has no identity network")
            rgb = images.read(name).rgb
            try:
                result = self._reconstructor.reconstruct(rgb)[0]
                network = predictor.predict([rgb], [result.dense[:68]])[0]
                self._known[name] = np.stack([network, result.identity])
            except FaceError:
                self._known[name] = np.full((2, len(self._reconstructor.head.identity)), np.nan)
        return self._known[name]


def pair_cosines(vectors: np.ndarray, pairs: Sequence[tuple[int, int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    """Return the cosine of each pair of photos with faces, and True for one person."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    kept = [(a, b, same) for a, b, same in pairs if np.isfinite(unit[[a, b]]).all()]
    return np.array([unit[a] @ unit[b] for a, b, _ in kept]), np.array([same for *_, same in kept])


def measure(vectors: np.ndarray, photos: Photos) -> tuple[float, float, int]:
    """Return area, accuracy of the best threshold (pairs) or rank 1 (people), and how many photos have no face."""
    there = np.isfinite(vectors).all(1)
    lost = int((~there).sum())
    if photos.pairs is not None:
        scores, same = pair_cosines(vectors, photos.pairs)
        return roc_area(scores, same), best_accuracy(scores, same)[0], lost
    labels = np.unique(np.array(photos.people), return_inverse=True)[1]
    if photos.gallery is None:
        return (
            verification_auc(vectors[there], labels[there]),
            leave_one_out_rank_1(vectors[there], labels[there]),
            lost,
        )
    gallery, probes = there & photos.gallery, there & ~photos.gallery
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    scores, same = unit[probes] @ unit[gallery].T, labels[probes][:, None] == labels[gallery]
    right = rank_1(vectors[probes], labels[probes], vectors[gallery], labels[gallery])
    return roc_area(scores.ravel(), same.ravel()), right, lost


@dataclass(frozen=True)
class Arguments:
    """Tell people apart."""

    embedder: tuple[str, ...] = ()
    """Further recognition networks, such as mobilefacenet:runs/identity/recognition.safetensors."""
    identity_net: tuple[Path, ...] = ()
    """Weights of face encoders, beside those that ship."""
    pipeline: bool = True
    """Also judge what the reconstruction makes of each face encoder."""
    data: Path = field(default_factory=default_data)
    picture: Path | None = None
    """Write London's aligned faces here, to look at: the neutral ones, then the smiling."""


def shipped_embedder() -> TorchEmbedder:
    """Return MobileFaceNet as it ships."""
    return TorchEmbedder("MobileFaceNet, shipped", load_mobilefacenet()[0], IMAGENET_112)


def methods(arguments: Arguments) -> dict[str, Judged]:
    """List what is judged."""
    faces = Faces()
    embedders: list[Embedder] = [shipped_embedder(), load_embedder(f"dlib:{arguments.data / DLIB}")]
    found = {each.name: embedding_of(each, faces) for each in embedders + [*map(load_embedder, arguments.embedder)]}
    for file in (None, *arguments.identity_net):
        name = "shipped face encoder" if file is None else file.name
        coefficients = Coefficients(file)
        found[f"{name}, coefficients"] = coefficients.network
        if arguments.pipeline:
            found[f"{name}, pipeline"] = coefficients.pipeline
    return found


def main(arguments: Arguments) -> None:
    """Print the table."""
    sets = [
        read_pairs(arguments.data / DEEPFACE),
        read_people(arguments.data / JOHNS),
        read_london(arguments.data / LONDON),
    ]
    print("| | " + " | ".join(_SETS) + " | no face |\n|---|" + "---|" * (len(_SETS) + 1))
    for name, judge in methods(arguments).items():
        rows: list[Any] = [measure(judge(photos.names), photos) for photos in sets]
        cells = " | ".join(f"{area:.4f} | {100 * share:.1f} %" for area, share, _ in rows)
        print(f"| {name} | {cells} | {', '.join(str(lost) for *_, lost in rows)} |", flush=True)
    for name, photos in zip(("deepface", "johns", "London"), sets, strict=True):
        known = photos.pairs
        pairs = "" if known is None else f", {len(known)} pairs, {sum(same for *_, same in known)} of one person"
        print(f"{name}: {len(photos.names)} photos, {len(set(photos.people))} labels{pairs}")
    print(describe())
    if arguments.picture:
        faces, blank = Faces(), np.full((ARCFACE.side, ARCFACE.side, 3), 255, np.uint8)
        crops = [faces.crop(name, ARCFACE) for name in sets[2].names]
        cells = [blank if crop is None else crop for crop in crops]
        cells += [blank] * (-len(cells) % _COLUMNS)
        lines = [np.concatenate(cells[k : k + _COLUMNS], axis=1) for k in range(0, len(cells), _COLUMNS)]
        Image.fromarray(np.concatenate(lines)).save(arguments.picture)


if __name__ == "__main__":
    main(tyro.cli(Arguments))
