"""Meshes or coefficients in the output folder of a system, and the photos that they belong to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from headform.errors import InputError
from headform.evaluate.now.layout import Image
from headform.evaluate.peers.coefficient_files import CoefficientFiles
from headform.evaluate.peers.systems import NEUTRAL_MARKS, System
from headform.io.json_file import is_file_name

_MESHES = (".ply", ".obj")  # the first that is there counts: PLY has all digits
_MAT = "_mesh.mat"
_SHOWN = 5
_SEPARATORS = "_-.@+ "
"""Characters between the parts of a photo's name in a flat folder."""


@dataclass(frozen=True)
class Output:
    """Mesh, or file of coefficients, of one photo.

    Attributes:
        image: Photo of the benchmark.
        mesh: File of the mesh.
        name: Name of the photo in the system's files.
        says_neutral: The file's or its folder's name says that it has no expression.
        is_last_choice: Taken only because there is no other mesh of this photo.
    """

    image: Image
    mesh: Path
    name: str
    says_neutral: bool
    is_last_choice: bool


@dataclass(frozen=True)
class _Found:
    mesh: Path
    above: tuple[str, ...]  # folders from the output folder to the photo's
    name: str
    tag: str
    says_neutral: bool


def find_outputs(
    folder: Path, system: System, images: Sequence[Image] | None, coefficients: CoefficientFiles | None = None
) -> tuple[list[Output], list[Path]]:
    """Find one mesh, or one file of coefficients, for each photo.

    Args:
        folder: Output folder of the system's demo, or a folder of such.
        system: Names of its files.
        images: Photos of the benchmark; None takes the last three parts of each path as SUBJECT/CHALLENGE/NAME.
        coefficients: Names of coefficient files, to find these in place of meshes.

    Returns:
        One output for each photo, in the order of the images; and meshes that belong to no photo of the list.

    Raises:
        InputError: `peer_outputs_missing` (no mesh), `peer_outputs_unnamed` (without a list, a path without subject and
            challenge), `peer_outputs_ambiguous` (a name that several photos of the list have, or two meshes for one).
    """
    files = [] if not folder.is_dir() else sorted(path for path in folder.rglob("*") if path.is_file())
    if coefficients is None:
        found = [_parse(path, folder, system) for path in files if _is_mesh(path, folder, system)]
    else:
        own = replace(
            system, fixed=(coefficients.fixed,), folders=(*system.folders, "params"), tags=(), last=()
        )  # no tags: `x_coarse` may be a photo's name
        shown = [path for path in files if not _is_hidden(path, folder) and coefficients.includes(path)]
        found = [_parse(path, folder, own) for path in shown]
    if not found:
        meshes = "obj, ply or _mesh.mat" if system.mat else "obj or ply"
        wanted = (
            meshes if coefficients is None else " or ".join(f"{coefficients.fixed}{s}" for s in coefficients.suffixes)
        )
        what = f"the folder holds no {wanted} file of {system.title}"
        raise InputError("peer_outputs_missing", what, str(folder), "name the folder that its demo wrote into")
    by_image: dict[Image, list[_Found]] = {}
    strays = []
    for item in found:
        image = _from_path(item) if images is None else _listed(item, images)
        if image is None:
            strays.append(item.mesh)
        else:
            by_image.setdefault(image, []).append(item)
    chosen = [_chosen(image, items, system) for image, items in by_image.items()]
    if images is not None:
        order = {image: number for number, image in enumerate(images)}
        chosen.sort(key=lambda output: order[output.image])
    return chosen, strays


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _is_mesh(path: Path, folder: Path, system: System) -> bool:
    if _is_hidden(path, folder):
        return False
    return path.suffix.lower() in _MESHES or (system.mat and path.name.lower().endswith(_MAT))


def _parse(path: Path, folder: Path, system: System) -> _Found:
    """Split a path into the photo's name and what the system adds to it."""
    above, stem = list(path.relative_to(folder).parts[:-1]), path.stem
    if stem in system.fixed and above:
        return _Found(path, tuple(above[:-1]), above[-1], "", says_neutral=False)
    tag = max((t for t in system.tags if stem.endswith(t) and len(stem) > len(t)), key=len, default="")
    name = stem.removesuffix(tag)
    added = [tag, *(part for part in above if part in system.folders)]  # a challenge is called neutral, too
    neutral = any(mark in part for part in added for mark in NEUTRAL_MARKS)
    above = [part for part in above if part not in system.folders]
    if above and above[-1] == name:
        del above[-1]
    return _Found(path, tuple(above), name, tag, neutral)


def _from_path(item: _Found) -> Image:
    parts = (*item.above[-2:], item.name)
    if len(parts) != 3 or not all(map(is_file_name, parts)):
        what = f"the path of {item.mesh.name!a:.100} names no subject and challenge"
        fix = "name the benchmark's folder or list with --images, or keep one folder per subject and challenge"
        raise InputError("peer_outputs_unnamed", what, str(item.mesh), fix)
    return Image(*parts)


def _listed(item: _Found, images: Iterable[Image]) -> Image | None:
    """The photo of the list that a mesh belongs to: by its name, then by the folders and the rest of the name."""
    same = [image for image in images if _ends_with(item.name, image.stem)]
    longest = max((len(image.stem) for image in same), default=0)
    same = [image for image in same if len(image.stem) == longest]
    if len(same) > 1:
        around = [*item.above, item.name]
        same = [i for i in same if any(i.subject in part for part in around)] or same
        same = [i for i in same if any(i.challenge in part for part in around)] or same
    if len(same) > 1:
        listed = ", ".join(image.name for image in same[:_SHOWN])
        what = f"{item.name!a:.100} may be any of {len(same)} photos of the list: {listed}"
        fix = "keep subject and challenge in the folders' or the files' names"
        raise InputError("peer_outputs_ambiguous", what, str(item.mesh), fix)
    return same[0] if same else None


def _ends_with(name: str, stem: str) -> bool:
    """True for a name that is the stem, or ends or begins with it at a separator."""
    if name == stem:
        return True
    before, after = name.removesuffix(stem), name.removeprefix(stem)
    return (before != name and before[-1:] in _SEPARATORS) or (after != name and after[:1] in _SEPARATORS)


def _chosen(image: Image, items: Sequence[_Found], system: System) -> Output:
    """The best mesh of a photo: neutral before others, plain before last choices, PLY before OBJ."""

    def rank(item: _Found) -> tuple[bool, bool, int]:
        suffix = item.mesh.suffix.lower()
        return not item.says_neutral, item.tag in system.last, (*_MESHES, ".mat", ".npy").index(suffix)

    ordered = sorted(items, key=rank)
    best = ordered[0]
    if len(ordered) > 1 and rank(ordered[1]) == rank(best) and ordered[1].tag == best.tag:
        what = f"two meshes for {image.name}: {best.mesh.name!a} and {ordered[1].mesh}"
        raise InputError("peer_outputs_ambiguous", what, str(best.mesh), "import one run at a time")
    return Output(image, best.mesh, best.name, best.says_neutral, best.tag in system.last and bool(best.tag))
