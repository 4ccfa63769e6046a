"""See the package's text."""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import safetensors.numpy
import torch
from PIL import Image

from headform.heads import load_open
from headform.io import atomic
from headform.synth.appearance import FORMAT, POSITION_STEP_M
from headform.train.export_weights import source_commit
from tools.appearance import brows, pictures
from tools.appearance.alignment import align, body_landmarks
from tools.appearance.binding import Binder
from tools.appearance.makehuman import read_obj
from tools.appearance.pieces import FittedPiece, hair, hat, lashes, shoulders
from tools.appearance.skins import SkinCarrier
from tools.appearance.wrinkles import WrinklePainter

_LANDMARK_SKIN = "young_lightskinned_male_diffuse.jpg"
_CURLY = ("afro01",)
_SKIN_QUALITY, _EYE_QUALITY = 88, 88


def main() -> None:
    """Make asset and card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with makehuman/ and environments/")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arrays, text, residual = build(arguments.data)
    ordered = {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}
    data = safetensors.numpy.save(ordered, {"headform": json.dumps(text, sort_keys=True)})
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_bytes(arguments.out, bytes(data))
    card = {
        "name": "Appearance of synthetic faces",
        "file": arguments.out.name,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "license": "CC0 1.0",
        "data": {
            "hair, brows, lashes, hats, shoulders, eyes, skins": "MakeHuman's assets (CC0, Data Collection AB and others), "
            "carried to the open head",
            "wrinkles": "headform's own, painted",
            "panoramas": "18 of Poly Haven (CC0), reduced to 128 x 64",
        },
        "command": "python -m tools.appearance --data ../shared/data --out src/headform/synth/assets/appearance.safetensors",
        "commit": source_commit(),
        "counts": {kind: len(names) for kind, names in text.items() if isinstance(names, dict)},
        "alignment_residual_mm": round(1000 * residual, 3),
    }
    atomic.write_bytes(arguments.out.with_suffix(".json"), (json.dumps(card, indent=2) + "\n").encode())


def build(data: Path) -> tuple[dict[str, np.ndarray], dict[str, object], float]:
    """Collect arrays and text of the asset, and the residual of the alignment in meters."""
    source = data / "makehuman"
    head, base = load_open(), read_obj(source / "base.obj")
    skins = sorted((source / "skins/textures").glob("*.jpg"))
    alignment = align(head, base, body_landmarks(base, source / "skins/textures" / _LANDMARK_SKIN))
    binder = Binder(head)
    arrays: dict[str, np.ndarray] = {}
    text: dict[str, dict[str, object]] = {
        k: {} for k in ("hair", "lashes", "hats", "worn", "brows", "eyes", "skins", "panoramas", "wrinkles")
    }
    for k, folder in enumerate(sorted((source / "hair").iterdir())):
        piece = hair(folder, base, alignment, binder)
        found = sorted(folder.glob("*.png"))
        mesh = read_obj(folder / f"{folder.name}.obj")
        if found:
            picture = pictures.hair_picture(np.asarray(Image.open(found[0]).convert("RGBA")), mesh.uv, mesh.uv_faces)
        else:
            picture = pictures.strand_picture(mesh.uv, mesh.uv_faces, 512, curly=folder.name in _CURLY, seed=k)
        text["hair"][folder.name] = {}
        _put(arrays, f"hair.{folder.name}", piece)
        arrays[f"hair.{folder.name}.picture"] = pictures.webp(picture)
    for folder in sorted((source / "eyelashes").iterdir()):
        picture = np.asarray(Image.open(folder / f"{folder.name}.png").convert("RGBA"))
        text["lashes"][folder.name] = {}
        _put(arrays, f"lashes.{folder.name}", lashes(folder, base, alignment, binder))
        arrays[f"lashes.{folder.name}.picture"] = pictures.webp(picture, 70)
    for path in sorted((source / "clothes").glob("*/*.obj")):
        text["hats"][path.stem] = {}
        _put(arrays, f"hats.{path.stem}", hat(path, base, alignment, binder))
    for name, group in (("shoulders", "body"), ("shirt", "helper-tights")):
        text["worn"][name] = {}
        _put(arrays, f"worn.{name}", shoulders(base, alignment, binder, group))
    for folder in sorted((source / "eyebrows").iterdir()):
        brow = brows.straighten(folder, base, alignment)
        text["brows"][folder.name] = {}
        for field in ("alpha", "spine", "length", "half_height", "middle"):
            arrays[f"brows.{folder.name}.{field}"] = getattr(brow, field)
    for path in sorted((source / "eyes/materials").glob("*.png")):
        picture, iris, pupil = pictures.eye_picture(np.asarray(Image.open(path).convert("RGB")))
        name = path.stem.removesuffix("_eye")
        text["eyes"][name] = {"iris": round(iris, 4), "pupil": round(pupil, 4)}
        arrays[f"eyes.{name}.picture"] = pictures.webp(picture, _EYE_QUALITY)
    carrier = SkinCarrier(head, alignment.on_body, base)
    for path in skins:
        name = path.stem.replace("_diffuse", "")
        text["skins"][name] = {}
        arrays[f"skins.{name}.picture"] = pictures.webp(carrier.carry(path), _SKIN_QUALITY)
    for name, group in WrinklePainter(head).groups().items():
        text["wrinkles"][name] = list(group.drivers)
        arrays[f"wrinkles.{name}.picture"] = pictures.lossless_webp(group.map)
    with np.load(data / "environments/environments.npz") as places:
        for name in places.files:
            text["panoramas"][name] = {}
            arrays[f"panoramas.{name}"] = pictures.panorama(places[name])
    return arrays, {"format": FORMAT, "head_sha256": head.sha256, **text}, alignment.residual


def _put(arrays: dict[str, np.ndarray], name: str, piece: FittedPiece) -> None:
    """Store a piece in its file's types."""
    arrays[f"{name}.position"] = np.round(piece.position / POSITION_STEP_M).astype(np.int16)
    arrays[f"{name}.uv"] = np.round(piece.uv.clip(0, 1) * 65535).astype(np.uint16)
    arrays[f"{name}.faces"] = piece.faces.astype(np.uint16)
    arrays[f"{name}.anchor"] = piece.binding.anchor.astype(np.uint16)
    arrays[f"{name}.weight"] = piece.binding.weight.astype(np.float16)
    if piece.root is not None:
        arrays[f"{name}.root"] = piece.root.astype(np.uint16)


if __name__ == "__main__":
    torch.set_num_threads(1)  # the bits do not depend on the machine
    main()
