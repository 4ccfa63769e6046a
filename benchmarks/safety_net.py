"""Record what the program computes, and compare after a change that should change nothing.

Run:

    python -m benchmarks.safety_net record BEFORE.json [--data ../shared/data]
    python -m benchmarks.safety_net compare BEFORE.json [--data ../shared/data]

Recorded are: every array of the demo's reconstruction; the 68 points of every face found in the annotated photos; the digits
of the golden NoW scan; head models converted from published and from generated files; the shipped mesh autoencoder on
sampled heads. An array is recorded as its shape, a digest of its bytes, and numbers that tell how far it moved where that
differs. What the data folder lacks is left out and said.
"""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import tyro

from benchmarks.environment import default_data, describe
from headform import Reconstruction, Reconstructor, heads, images
from headform.errors import FaceError
from headform.evaluate.landmarks68.landmark_files import read_annotations
from headform.heads.linear import LinearHead
from headform.importers.registry import convert
from headform.nets.shipped import load_mesh_autoencoder

ROOT = Path(__file__).resolve().parents[1]
SEED = 5
_SAMPLES = 64

Arrays = Iterator[tuple[str, np.ndarray]]


@dataclass(frozen=True)
class Arguments:
    """What to do, with which file, on which data."""

    action: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="record|compare")]]
    file: tyro.conf.Positional[Path]
    data: Path = field(default_factory=default_data)


def demo(_: Path) -> Arrays:
    """The reconstruction of the shipped photo."""
    result = Reconstructor.load().reconstruct(ROOT / "examples" / "astronaut.jpg")[0]
    yield from _fields(result)


def annotated_faces(data: Path) -> Arrays:
    """Points of every face in the annotated photos, by the committee and by the dense network alone."""
    photos = data / "photos"
    truth = read_annotations(photos / "landmarks68.json")
    for way in ("committee", "own"):
        reconstructor = Reconstructor.load(landmarks_net=way, texture_size=0)
        for name in dict.fromkeys(face.photo for face in truth):
            try:
                found = reconstructor.reconstruct(images.read(photos / name), people="all")
            except FaceError:
                found = []
            points = [result.points68 for result in found]
            yield f"{way}/{name}", np.array(points).reshape(-1, 68, 2)


def golden_now(data: Path) -> Arrays:
    """Median, mean and standard deviation of the golden scan, non-metrical and metrical."""
    from headform.cli.main import main as command
    from tests.evaluate.scan.golden import arrays, write_all

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_all(folder, arrays(data))
        words = ["evaluate", "scan", "--unit", "m"]
        for flag, name in (
            ("scan", "scan.obj"),
            ("scan-landmarks", "scan.pp"),
            ("prediction", "head.obj"),
        ):
            words += [f"--{flag}", str(folder / name)]
        words += [
            "--prediction-landmarks",
            str(folder / "head.npy"),
            "--json",
            str(folder / "o.json"),
        ]
        for way in ([], ["--metrical"]):
            if command(words + way) != 0:
                raise SystemExit("the golden scan could not be measured")
            found = json.loads((folder / "o.json").read_text())
            yield (
                "metrical" if way else "non-metrical",
                np.array([found["median"], found["mean"], found["std"]]),
            )


def conversions(data: Path) -> Arrays:
    """Heads read from published files and from made ones of true layout."""
    import scipy.io

    from tests.heads.flame_file import flame_model, write_pkl
    from tests.importers.test_lyhm import table

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_pkl(folder / "generic_model.pkl", flame_model())
        scipy.io.savemat(folder / "LYHM_global.mat", table(11510, 22800, 5))
        sources = {
            "flame": folder / "generic_model.pkl",
            "lyhm": folder / "LYHM_global.mat",
            "surrey": data / "models" / "eos_sfm" / "sfm_shape_3448.bin",
            "bfm2017": data / "models" / "scalismo_random_momo" / "random-momo.h5",
            "ict": data / "ict_facekit" / "all_modes.npz",
        }
        for name, source in sources.items():
            yield from ((f"{name}/{key}", value) for key, value in _fields(convert(source)))


def autoencoder(_: Path) -> Arrays:
    """The shipped mesh autoencoder's answer to 16 sampled heads."""
    net, _card = load_mesh_autoencoder()
    head = heads.load_open()
    generator = torch.Generator().manual_seed(SEED)
    codes = torch.randn(16, len(head.identity), generator=generator)
    with torch.inference_mode():
        vertices = head.vertices(codes)
        yield "vertices", net(vertices).numpy()
        yield "error", torch.linalg.norm(net(vertices) - vertices, dim=-1).mean(1).numpy()


PARTS: dict[str, tuple[Callable[[Path], Arrays], str]] = {
    "demo": (demo, ""),
    "annotated faces": (annotated_faces, "photos/landmarks68.json"),
    "golden NoW": (golden_now, "now_golden/fixture.npz"),
    "conversions": (conversions, "models/eos_sfm/sfm_shape_3448.bin"),
    "autoencoder": (autoencoder, ""),
}
"""What is recorded, and the file of the data folder without which it is left out."""


def main(arguments: Arguments) -> None:
    """Write the record, or print each array that differs from it; exits with 1 where one does."""
    if arguments.action not in ("record", "compare"):
        raise SystemExit("say record or compare")
    torch.set_num_threads(1)
    found: dict[str, dict[str, Any]] = {}
    for part, (collect, needed) in PARTS.items():
        if needed and not (arguments.data / needed).exists():
            print(f"{part}: left out, {arguments.data / needed} is absent")
            continue
        rows = {f"{part}: {name}": _noted(value) for name, value in collect(arguments.data)}
        print(f"{part}: {len(rows)} arrays", flush=True)
        found |= rows
    if arguments.action == "record":
        arguments.file.write_text(json.dumps({"on": describe(), "arrays": found}, indent=1) + "\n")
        return
    before = json.loads(arguments.file.read_text())["arrays"]
    differences = [line for name in {**before, **found} if (line := _difference(name, before, found))]
    print("\n".join(differences) or f"all {len(found)} arrays are the same")
    raise SystemExit(1 if differences else 0)


def _fields(value: Reconstruction | LinearHead) -> Arrays:
    for name, field_value in vars(value).items():
        if isinstance(field_value, torch.Tensor):
            yield name, field_value.numpy()
        elif isinstance(field_value, np.ndarray) and name != "photo":
            yield name, field_value


def _noted(array: np.ndarray) -> dict[str, Any]:
    plain = np.ascontiguousarray(array)
    flat = plain.astype(np.float64).ravel()
    rows = np.linspace(0, max(len(flat) - 1, 0), min(_SAMPLES, len(flat))).astype(int)
    return {
        "shape": list(plain.shape),
        "sha256": hashlib.sha256(plain.tobytes()).hexdigest(),
        "mean": float(flat.mean()) if len(flat) else 0.0,
        "spread": float(flat.std()) if len(flat) else 0.0,
        "samples": flat[rows].tolist(),
    }


def _difference(name: str, before: dict[str, Any], after: dict[str, Any]) -> str:
    if name not in before or name not in after:
        return f"{name}: {'new' if name in after else 'gone'}"
    old, new = before[name], after[name]
    if old["shape"] != new["shape"]:
        return f"{name}: shape {old['shape']}, now {new['shape']}"
    if old["sha256"] == new["sha256"]:
        return ""
    apart = np.abs(np.array(old["samples"]) - np.array(new["samples"])).max(initial=0.0)
    scale = max(old["spread"], 1e-12)
    return f"{name}: differs, samples by up to {apart:.3g} ({apart / scale:.2g} of the spread)"


if __name__ == "__main__":
    main(tyro.cli(Arguments))
