"""Submission to the NoW benchmark from results of `headform reconstruct`.

V vertices, F triangles.

    OUT/SUBJECT/CHALLENGE/IMAGE.obj     the neutral head: identity alone, no expression, no pose, no colors
    OUT/SUBJECT/CHALLENGE/IMAGE.npy     (7, 3) float32, the seven landmarks on it

Subject, challenge and image are the last three parts of the photo's path in the results' `manifest.jsonl`; without one, of
the path of the folder that holds `parameters.npz`. Of several faces in a photo the first (largest) is taken.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Shaped

from headform.errors import InputError, WeightsError
from headform.export import parameters
from headform.export.manifest import MANIFEST, read_manifest
from headform.export.result_folder import PARAMETERS, read_parameters
from headform.geometry.units import OUTER_EYES_M, MeshUnit, units_per_meter
from headform.heads.linear import LinearHead
from headform.io.atomic import make_folder, remove_old, write_bytes
from headform.io.json_file import is_file_name
from headform.io.mesh import obj
from headform.io.mesh.triangle_mesh import TriangleMesh

_WANTED = {"neutral": (None, 3), "faces": (None, 3), "head_name": None, "head_sha256": None}


_AGAIN = "reconstruct the photo again"
_FARTHEST = 0.1
"""Meters from a vertex of the mean head to a person's beyond which it is none: half a face."""
_EYES = 1.6
"""Largest factor by which the distance of people's outer eye corners differs from that of a mean head."""


@dataclass(frozen=True)
class Result:
    """Result of one photo.

    Attributes:
        image: `SUBJECT/CHALLENGE/STEM`.
        file: `parameters.npz` of its first face, None where the reconstruction failed.
    """

    image: str
    file: Path | None


def find_results(folders: Sequence[Path]) -> list[Result]:
    """Find results in folders that `headform reconstruct` wrote, or in folders of such.

    Raises:
        InputError: `results_missing` (nothing there), `results_invalid` (a damaged manifest, a path with fewer than three
            parts), `results_clash` (two results for one image).
    """
    found: dict[str, Result] = {}
    for folder in folders:
        manifests = sorted(folder.rglob(MANIFEST)) if folder.is_dir() else []
        listed = [result for path in manifests for result in _of_manifest(path.parent)]
        covered = [path.parent for path in manifests]
        files = sorted(folder.rglob(PARAMETERS)) if folder.is_dir() else []
        loose = [p for p in files if not any(p.is_relative_to(parent) for parent in covered)]
        listed += [Result(_image(p.parent.resolve().parts, str(p)), p) for p in loose]
        if not listed:
            what, fix = "the folder holds no results of headform reconstruct", "name the folder given to its -o"
            raise InputError("results_missing", what, str(folder), fix)
        for result in listed:
            if result.image in found:
                what = f"two results for {result.image}"
                raise InputError("results_clash", what, str(folder), "export one run at a time")
            found[result.image] = result
    return list(found.values())


def write_submission(
    results: Iterable[Result], head: LinearHead, out: Path, *, unit: MeshUnit
) -> tuple[list[str], list[str]]:
    """Write the meshes and landmarks.

    Args:
        results: Results as from `find_results`.
        head: Model they were made with; gives the landmarks.
        out: Folder of the submission.
        unit: Unit of the written meshes and landmarks; results are in meters.

    Returns:
        Names of the images written, and of those without a result.

    Raises:
        InputError: `results_invalid` for a damaged `parameters.npz` or a mesh that is no head of its model,
            `results_incomplete` for a missing one.
        WeightsError: `model_mismatch` when a result was made with another head; `head_lacks` without landmarks.
        ResourceError: `write_failed`.
    """
    head.require_fields("now7")
    written, absent = [], []
    for result in results:
        path = out / f"{result.image}.obj"
        remove_old(path, path.with_suffix(".npy"))  # of an earlier export, which a failure must not leave as this one's
        if result.file is None:
            absent.append(result.image)
            continue
        mesh = _neutral(result.file, head, units_per_meter(unit))
        make_folder(path.parent)
        landmarks = mesh.vertices[head.now7.numpy()]
        write_bytes(path.with_suffix(".npy"), parameters.encode_array(landmarks))
        # last, since a mesh without landmarks is a fault and landmarks without a mesh are nothing
        write_bytes(path, obj.encode(mesh, comment=f"neutral head, {unit}"))
        written.append(result.image)
    return written, absent


def _neutral(file: Path, head: LinearHead, factor: float) -> TriangleMesh:
    arrays = read_parameters(file, _WANTED)
    sha256 = str(arrays["head_sha256"])
    if sha256 != head.sha256 or arrays["neutral"].shape != tuple(head.mean.shape):
        what = (
            f"the result was made with the head {arrays['head_name']!s} ({sha256[:12]}), "
            f"not with {head.name} ({head.sha256[:12]})"
        )
        raise WeightsError("model_mismatch", what, str(file), "give that head's file with --head")
    neutral = arrays["neutral"].astype(np.float64)
    wrong = _flaw(neutral, arrays["faces"], head)
    if wrong:
        raise InputError("results_invalid", f"the result is no head to submit: {wrong}", str(file), _AGAIN)
    return TriangleMesh(np.asarray(neutral * factor, np.float32), head.faces.numpy().astype(np.int64))


def _flaw(neutral: Float64[np.ndarray, "V 3"], faces: Shaped[np.ndarray, "F 3"], head: LinearHead) -> str:
    """Say in what a neutral mesh differs from all heads of its model; empty if in nothing."""
    if not np.array_equal(faces, head.faces.numpy()):
        return "its triangles are not those of its head model"
    farthest = float(np.linalg.norm(neutral - head.mean.double().numpy(), axis=1).max())
    if not farthest < _FARTHEST:
        return f"a vertex lies {farthest:.3g} m from the mean head's"
    eyes = neutral[head.now7.numpy()[[0, 3]]]
    apart = float(np.linalg.norm(eyes[0] - eyes[1]))
    if not 1 / _EYES < apart / OUTER_EYES_M < _EYES:
        return f"the outer eye corners are {apart:.3g} m apart"
    return ""


def _of_manifest(folder: Path) -> list[Result]:
    where = str(folder / MANIFEST)
    return [
        Result(
            _image(Path(entry.input).parts, where), folder / entry.faces[0].folder / PARAMETERS if entry.faces else None
        )
        for entry in read_manifest(folder)
    ]


def _image(parts: tuple[str, ...], where: str) -> str:
    """SUBJECT/CHALLENGE/STEM from the last three parts of a path."""
    last = parts[-3:]
    if len(last) < 3 or not all(map(is_file_name, last)):
        what = f"the path {'/'.join(parts)!a:.300} names no subject and challenge"
        fix = "reconstruct the photos by their paths SUBJECT/CHALLENGE/IMAGE.jpg"
        raise InputError("results_invalid", what, where, fix)
    return f"{last[0]}/{last[1]}/{Path(last[2]).stem}"
