"""Turn the output of another system into predictions for NoW: find, mark, measure, write.

OUT/SUBJECT/CHALLENGE/IMAGE.obj    the mesh, y up, without colors, in the unit asked for
OUT/SUBJECT/CHALLENGE/IMAGE.npy    (7, 3) float64, its landmarks
OUT/import.json                    what was found out about the files, and which could not be used
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int

from headform.errors import HeadformError, InputError, UsageError, check_choice
from headform.evaluate.now.layout import Image
from headform.evaluate.peers.coefficient_files import (
    COEFFICIENTS,
    CoefficientFiles,
    check_head,
    decoded,
    read_identity,
)
from headform.evaluate.peers.output_tree import Output, find_outputs
from headform.evaluate.peers.seven_points import Finder, Marked, SevenPoints, find_by_drawing
from headform.evaluate.peers.system_names import SystemName
from headform.evaluate.peers.systems import MESHES, PIXELS, SYSTEMS, System
from headform.evaluate.scan.landmark7_files import Landmarks
from headform.evaluate.scan.mesh_files import Surface, read_surface
from headform.evaluate.scan.sanity_checks import HUMAN_SIZE
from headform.evaluate.tables import json_text
from headform.export import parameters
from headform.geometry.units import METERS_PER, OUTER_EYES_M, MeshUnit, infer_unit, units_per_meter
from headform.heads.linear import LinearHead
from headform.io.atomic import make_folder, remove_old, write_bytes
from headform.io.mat_file import read_mat
from headform.io.mesh import obj
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.mesh.soundness import flaw

REPORT = "import.json"


@dataclass(frozen=True)
class Line:
    """Outcome of one mesh.

    Attributes:
        image: Photo of the benchmark.
        mesh: File of the system.
        unit: Unit found in the file, or `pixels`; empty for a mesh that could not be used, as the next two.
        outer_eyes_m: Distance of the outer eye corners, meters; NaN in pixels, which say nothing of size.
        landmarks: Origin of the landmarks.
        upside_down: y pointed down in the file.
        neutral: True if the file, or the system, says that there is no expression; None where neither does.
        note: Remark on the mesh.
        code: Code of the error; empty where it was written.
        message: Message of the error.
    """

    image: Image
    mesh: str
    unit: str = ""
    outer_eyes_m: float = float("nan")
    landmarks: str = ""
    upside_down: bool = False
    neutral: bool | None = None
    note: str = ""
    code: str = ""
    message: str = ""


@dataclass(frozen=True)
class Imported:
    """Result of an import.

    Attributes:
        system: The system.
        unit: Unit of the meshes that were written.
        lines: One line for each mesh.
        strays: Meshes that belong to no photo of the list.
        missing: Photos of the list without a mesh.
    """

    system: SystemName
    unit: MeshUnit
    lines: tuple[Line, ...]
    strays: tuple[str, ...]
    missing: tuple[Image, ...]

    @property
    def written(self) -> list[Line]:
        """Lines of the meshes that were written."""
        return [line for line in self.lines if not line.code]

    def to_json(self) -> str:
        """Format as JSON text."""
        lines = [{**vars(line), "image": line.image.name} for line in self.lines]
        content = {"system": self.system, "unit": self.unit, "meshes": lines, "strays": self.strays}
        return json_text({**content, "missing": [image.name for image in self.missing]})


def import_predictions(
    folder: Path,
    system: SystemName,
    out: Path,
    *,
    images: Sequence[Image] | None = None,
    unit: MeshUnit = "mm",
    head: LinearHead | None = None,
    finder: Finder | None = None,
    coefficients: bool = False,
    done: Callable[[Line], None] = lambda line: None,
) -> Imported:
    """Write the meshes of a system as predictions for NoW.

    Args:
        folder: Folder that the system's demo wrote.
        system: Name of the system.
        out: Folder of the predictions.
        images: Photos of the benchmark; without them paths must end in SUBJECT/CHALLENGE/NAME.
        unit: Unit to write. Meshes in pixels get the outer eye corners of a mean adult.
        head: Head model whose seven landmarks are those of meshes with as many vertices; it decodes coefficients.
        finder: Finder of landmarks on meshes without any; the shipped networks if absent.
        coefficients: Decode the system's coefficients to neutral heads, in place of reading its meshes.
        done: Called with each line as it is ready.

    Raises:
        InputError: see `find_outputs`; `peer_outputs_unusable` if no mesh could be used, with the first's reason.
        WeightsError: `head_lacks`: the head has no landmarks.
        UsageError: `option_unknown`; `same_folder`: the predictions would lie among the meshes; `coefficients_unknown` for
            a system that is not known to write any; those of `coefficient_files.check_head`.
        ResourceError: `write_failed`.
    """
    check_choice(system, SYSTEMS, "system", "import_predictions")
    layout = SYSTEMS[system]
    if out.resolve() == folder.resolve():
        raise UsageError(
            "same_folder", "the predictions would be written among the meshes", str(out), "name another -o"
        )
    codes = _coefficient_files(system, head) if coefficients else None
    outputs, strays = find_outputs(folder, layout, images, codes)
    vertices: dict[int, tuple[Int[np.ndarray, 7], str]] = {}
    if head is not None:
        head.require_fields("now7")
        vertices[len(head.mean)] = head.now7.numpy(), f"vertices of {head.name}"

    def examples() -> Iterator[Surface]:
        for output in outputs:
            try:
                yield _read(output, layout)
            except HeadformError:  # its own line will say what is wrong
                continue

    points = SevenPoints(vertices, finder or find_by_drawing(), examples)
    remove_old(out / REPORT)
    lines = []
    for output in outputs:
        if codes is not None and head is not None:
            line = _decoded(output, codes, head, out, unit)
        else:
            line = _converted(output, layout, points, out, unit)
        lines.append(line)
        done(line)
    if outputs and all(line.code for line in lines):
        kind = "meshes" if codes is None else "files of coefficients"
        what = f"none of {len(lines)} {kind} is one of {layout.title}'s: {lines[0].message}"
        raise InputError("peer_outputs_unusable", what, "", "name the system that wrote them with --from")
    if not outputs:
        what = f"none of {len(strays)} meshes belongs to a photo of the list, {strays[0].name!a:.100} for one"
        raise InputError("peer_outputs_unusable", what, str(folder), "keep the names of the benchmark's photos")
    there = {line.image for line in lines if not line.code}
    absent = tuple(image for image in images or () if image not in there)
    result = Imported(system, unit, tuple(lines), tuple(map(str, strays)), absent)
    write_bytes(out / REPORT, result.to_json().encode())
    return result


def _converted(output: Output, system: System, points: SevenPoints, out: Path, unit: MeshUnit) -> Line:
    """Write one mesh; where it cannot be used, say why, and leave no older one in its place."""
    _clear(output, out)
    try:
        marked = points.mark(_read(output, system), _landmark_files(output, system))
        found, meters = _meters_per_unit(marked, system, str(output.mesh))
    except HeadformError as error:
        return Line(output.image, str(output.mesh), code=error.code, message=str(error))
    scale = meters * units_per_meter(unit)
    _write(output, out, marked.mesh, marked.landmarks, scale, f"{system.title}, {unit}")
    return Line(
        output.image,
        str(output.mesh),
        unit=found,
        outer_eyes_m=float("nan") if found == PIXELS else marked.outer_eyes * meters,
        landmarks=marked.origin,
        upside_down=marked.was_upside_down,
        neutral=True if output.says_neutral else system.neutral,
        note="the refined mesh, for want of the plain one" if output.is_last_choice else "",
    )


def _coefficient_files(system: SystemName, head: LinearHead | None) -> CoefficientFiles:
    title = SYSTEMS[system].title
    if system not in COEFFICIENTS:
        what = f"{title} is not known to write coefficients"
        raise UsageError("coefficients_unknown", what, "", f"use its meshes; known are {', '.join(COEFFICIENTS)}")
    check_head(head, COEFFICIENTS[system], title)
    return COEFFICIENTS[system]


def _decoded(output: Output, files: CoefficientFiles, head: LinearHead, out: Path, unit: MeshUnit) -> Line:
    """Decode one file of coefficients and write the neutral head; see `_converted`."""
    _clear(output, out)
    try:
        code = read_identity(output.mesh, files, len(head.identity))
    except HeadformError as error:
        return Line(output.image, str(output.mesh), code=error.code, message=str(error))
    surface, landmarks = decoded(head, code, str(output.mesh))
    _write(output, out, surface, landmarks, units_per_meter(unit), f"{head.name}, {unit}")
    return Line(
        output.image,
        str(output.mesh),
        unit="m",
        outer_eyes_m=float(np.linalg.norm(landmarks[0] - landmarks[3])),
        landmarks=f"vertices of {head.name}",
        neutral=True,
        note=f"decoded from {len(code)} identity coefficients",
    )


def _clear(output: Output, out: Path) -> None:
    path = out / f"{output.image.name}.obj"
    remove_old(path, path.with_suffix(".npy"), path.with_suffix(".ply"), path.with_suffix(".txt"))


def _write(output: Output, out: Path, mesh: Surface, landmarks: Landmarks, scale: float, comment: str) -> None:
    path = out / f"{output.image.name}.obj"
    make_folder(path.parent)
    write_bytes(path.with_suffix(".npy"), parameters.encode_array(landmarks * scale))
    # last, since a mesh without landmarks is a fault and landmarks without a mesh are nothing
    scaled = TriangleMesh(np.asarray(mesh.vertices * scale, np.float64), mesh.faces)
    write_bytes(path, obj.encode(scaled, comment=comment))


def _read(output: Output, system: System) -> Surface:
    """Read a mesh and check that it is one of the system's.

    Raises:
        InputError: what reading raises; `peer_mesh_foreign`; `mesh_degenerate`.
        WeightsError: a `.mat` file that cannot be read.
    """
    mesh = _read_mat(output.mesh) if output.mesh.suffix.lower() == ".mat" else read_surface(output.mesh)
    count = len(mesh.vertices)
    if not system.accepts(count):
        theirs = " or ".join(f"{n} ({MESHES[n]})" for n in system.counts)
        known = f", which is {MESHES[count]}" if count in MESHES else ""
        what = f"the mesh has {count} vertices{known}; those of {system.title} have {theirs}"
        raise InputError("peer_mesh_foreign", what, mesh.name, "name the system that wrote it with --from")
    wrong = flaw(mesh.vertices, mesh.faces)
    if wrong:
        raise InputError("mesh_degenerate", f"the mesh is no surface to measure to: {wrong}", mesh.name)
    return mesh


def _read_mat(path: Path) -> Surface:
    """PRNet's `NAME_mesh.mat`: `vertices` (V, 3) and `triangles` (F, 3), from 0 or from 1."""
    found = read_mat(path, ("vertices", "triangles"))
    vertices, triangles = np.asarray(found["vertices"], np.float64), np.asarray(found["triangles"])
    shapes = vertices.ndim == triangles.ndim == 2 and vertices.shape[1:] == triangles.shape[1:] == (3,)
    if not shapes or not len(triangles) or not np.isfinite(vertices).all() or triangles.dtype.kind not in "iuf":
        what = (
            f"`vertices` is {vertices.shape}, `triangles` {triangles.dtype} {triangles.shape}, expected rows of three"
        )
        raise InputError("mesh_shape", what, str(path))
    faces = triangles.astype(np.int64)
    if faces.max() == len(vertices):
        faces = faces - 1
    if not 0 <= faces.min() <= faces.max() < len(vertices):
        raise InputError("mesh_index", "a triangle names a vertex that is not there", str(path))
    return Surface(vertices, faces, str(path))


def _landmark_files(output: Output, system: System) -> dict[str, Path]:
    """Paths of the landmark files that there may be, by their names in `System.landmarks`."""
    stem = output.mesh.stem
    return {
        pattern: output.mesh.with_name(pattern.replace("NAME", output.name).replace("FILE", stem))
        for pattern in system.landmarks
    }


def _meters_per_unit(marked: Marked, system: System, where: str) -> tuple[str, float]:
    """Unit of a mesh by the distance of its outer eye corners, and the meters in it.

    Raises:
        InputError: `peer_unit`: no unit makes it a head.
    """
    if system.unit == PIXELS:
        return PIXELS, OUTER_EYES_M / marked.outer_eyes
    unit = infer_unit(marked.outer_eyes)
    ratio = marked.outer_eyes * METERS_PER[unit] / OUTER_EYES_M
    if not 1 / HUMAN_SIZE < ratio < HUMAN_SIZE:
        units = ", ".join(METERS_PER)
        what = f"the outer eye corners are {marked.outer_eyes:.4g} apart: a head in none of {units}"
        raise InputError("peer_unit", what, where, f"give meshes as the demo of {system.title} writes them")
    return unit, METERS_PER[unit]


def summary(result: Imported) -> str:
    """Report what was found out about the files, most of it probed, and what could not be used."""
    system, written = SYSTEMS[result.system], result.written
    texts = [f"{len(written)} of {len(result.lines)} meshes of {system.title}, in {result.unit}"]
    sizes = [line.outer_eyes_m for line in written]
    for unit, count in Counter(line.unit for line in written).most_common():
        if unit == PIXELS:
            texts.append(
                f"unit: pixels in {count}: scaled to an adult's outer eye corners, so that metrical errors say nothing"
            )
            continue
        told = {None: "not documented", unit: "as documented"}.get(system.unit, f"documented is {system.unit}")
        mean = float(np.median([s for line, s in zip(written, sizes, strict=True) if line.unit == unit]))
        texts.append(f"unit: {unit} in {count} ({told}); outer eye corners {1000 * mean:.1f} mm apart (median)")
    turned = sum(line.upside_down for line in written)
    texts.append(f"axes: y down in {turned}, turned" if turned else "axes: y up")
    texts += [f"landmarks: {text} in {count}" for text, count in Counter(x.landmarks for x in written).most_common()]
    kinds = Counter(line.neutral for line in written)
    words = {True: "neutral", False: "the photo's, where the benchmark asks for neutral faces", None: "not documented"}
    texts += [f"expression: {words[kind]} in {count}" for kind, count in kinds.most_common()]
    texts += [f"note: {note} in {count}" for note, count in Counter(x.note for x in written).items() if note]
    return "\n".join(texts) + "\n"
