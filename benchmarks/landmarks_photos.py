"""The 68-point error of headform on the annotated photos, beside its peers.

Run:

    python -m benchmarks.landmarks_photos -o OUT [--data ../shared/data] [--formats png] [--landmarks FILE]

Every photo is reconstructed with all its faces, as `headform reconstruct --people all` does, and the
written `landmarks.json` files are measured. Beside them: headform's own dense network alone, each
member of the committee as published with its crop placed by that network, the mean head posed by the
detector's five points, and the published networks of `benchmarks.critics` with crops from the true points. With
`--landmarks`, a network of `headform train landmarks`, such as a student, stands beside them in place of committee and dense
network.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from benchmarks.critics import judge_critics
from benchmarks.environment import default_data, describe
from headform import Reconstruction, Reconstructor, images
from headform.errors import FaceError
from headform.evaluate.landmarks68.landmark_files import read_annotations
from headform.evaluate.landmarks68.landmarks import (
    LandmarkTable,
    compare,
    evaluate_folder,
    evaluate_points,
)
from headform.evaluate.landmarks68.mean_head import posed_mean_head
from headform.export.writers import write_reconstruction
from headform.nets.landmarks.committee import MEMBERS, Committee


@dataclass(frozen=True)
class Arguments:
    """Where results go, and what to compare with."""

    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    data: Path = field(default_factory=default_data)
    formats: tuple[str, ...] = ()
    baselines: bool = True
    landmarks: Path | None = None


def main(arguments: Arguments) -> None:
    """Reconstruct, write, measure; print the tables and keep them as `OUT/landmarks68.json`."""
    if arguments.out.exists() and any(arguments.out.iterdir()):
        raise SystemExit(f"{arguments.out} is not empty; old results would be measured too")
    photos = arguments.data / "photos"
    annotations = photos / "landmarks68.json"
    truth = read_annotations(annotations)
    names = list(dict.fromkeys(face.photo for face in truth))
    arguments.out.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    reconstructor = Reconstructor.load(texture_size=1024 if arguments.formats else 0)
    alone, committee = Reconstructor.load(landmarks_net="own", texture_size=0), Committee.load()
    given = None
    if arguments.landmarks is not None:
        given = Reconstructor.load(dense=arguments.landmarks, landmarks_net="own", texture_size=0)
    posed, own_network, by_given = {}, {}, {}
    members: dict[str, dict[str, list[np.ndarray]]] = {name: {} for name in MEMBERS}
    for name in names:
        photo = images.read(photos / name)
        results = _faces(reconstructor, photo)
        _write(results, photo, arguments)
        posed[name] = [posed_mean_head(r.head, r.face.points5) for r in results]
        own_network[name] = [r.points68 for r in _faces(alone, photo)]
        if given is not None:
            by_given[name] = [r.points68 for r in _faces(given, photo)]
        guides = [r.dense[:68] for r in results]
        readings = [r.points68 for r in committee.read([photo.rgb] * len(results), guides)]
        for k, member in enumerate(MEMBERS):
            members[member][name] = [reading[k] for reading in readings]
    seconds = time.perf_counter() - began
    own = evaluate_folder(arguments.out, annotations)
    tables: dict[str, LandmarkTable] = {"headform": own}
    tables["headform, own network alone"] = evaluate_points(own_network, truth)
    if given is not None:
        tables["headform, given network"] = evaluate_points(by_given, truth)
    tables |= {f"{m} as published": evaluate_points(p, truth) for m, p in members.items()}
    tables["mean head posed by five points"] = evaluate_points(posed, truth)
    if arguments.baselines:
        found = judge_critics(arguments.data)
        tables |= {f"{name} (true crop)": table for name, table in found.items()}
    print(compare(tables))
    print(own.to_markdown())
    worst = sorted(own.scores, key=lambda s: np.inf if s.error is None else s.error)[-8:]
    shown = [f"{s.photo} {'missed' if s.error is None else f'{s.error:.2%}'}" for s in worst[::-1]]
    print(f"worst: {', '.join(shown)}")
    print(f"{own.unmatched} faces found that are not annotated; {len(names)} photos, {seconds:.0f} s")
    print(describe())
    content = {name: json.loads(table.to_json()) for name, table in tables.items()}
    (arguments.out / "landmarks68.json").write_text(json.dumps(content, indent=1))


def _faces(reconstructor: Reconstructor, photo: images.Photo) -> Sequence[Reconstruction]:
    try:
        return reconstructor.reconstruct(photo, people="all")
    except FaceError:
        return []


def _write(results: Sequence[Reconstruction], photo: images.Photo, arguments: Arguments) -> None:
    for index, result in enumerate(results):
        name = photo.name if len(results) == 1 else f"{photo.name}_{index}"
        folder = arguments.out / name
        write_reconstruction(result, folder, arguments.formats, photo_rgb=photo.rgb)


if __name__ == "__main__":
    main(tyro.cli(Arguments))
