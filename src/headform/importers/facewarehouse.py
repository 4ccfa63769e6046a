"""FaceWarehouse: identities and expressions of its raw tensor, of ``Blendshape/shape.bs`` files or of OBJ folders.

N identities, V vertices, F triangles, K modes, 46 expressions.

FaceWarehouse is a bilinear model: an expression looks different on everyone. A `LinearHead` adds the two, so that the import
is an approximation: identity modes are the principal components of the neutral faces, expressions the mean displacement over
all identities. The triangles are in none of the binary files; they are taken from an OBJ of the same set.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from headform.errors import WeightsError
from headform.heads.checks import check_finite
from headform.heads.linear import LinearHead
from headform.importers import _facewarehouse_files as layouts
from headform.importers._arrays import unit_by_height
from headform.importers._companions import Companions
from headform.importers._facewarehouse_files import SHAPES, Shapes
from headform.importers._model_mesh import read_mesh
from headform.importers._sniff import size_of
from headform.importers.importing import ImportedModel, linear_head
from headform.importers.licenses import license_of
from headform.io.mesh.triangle_mesh import TriangleMesh

KIND = "facewarehouse"
LICENSE = "FaceWarehouse (Zhejiang University): on request, non-commercial research only"


def recognizes(path: Path) -> bool:
    """Return whether a file is a ``shape.bs`` or a tensor, or a folder holds Testers or the shapes of one."""
    try:
        if path.is_dir():
            return bool(layouts.shape_folders(path)[0])
        return layouts.is_shape_file(path) or layouts.is_tensor(path)
    except OSError:
        return False


def read(path: Path, companions: Sequence[Path] = ()) -> LinearHead:
    """Read a tensor, one ``shape.bs``, or a folder: of Testers, of one Tester, or its ``Blendshape``.

    The triangles come from an ``.obj`` that is given, else from ``shape_0.obj`` of the folder. Quads are split in two.

    Raises:
        WeightsError: see `registry.Importer.read`; ``model_missing_key``: no triangles; ``model_mismatch``: an OBJ or
            identities with another number of vertices.
    """
    files = Companions(path, companions)
    given = files.fetch(("*.obj",), lambda p: (p, read_mesh(p)))
    files.close()
    if files.path.is_dir():
        files.sources = []
    mean, identity, sigma, expression, count = _reduce(files.where, _identities(files))
    mesh_path, mesh = given or _mesh(files)
    if len(mesh.vertices) != len(mean):
        what = f"the mesh has {len(mesh.vertices)} vertices, the shapes {len(mean)}"
        raise WeightsError("model_mismatch", what, repr(str(mesh_path)), "use a mesh of this set")
    if mesh_path not in files.sources:
        files.sources.append(mesh_path)
    unit = unit_by_height(mean)
    files.notes += [
        f"bilinear data made linear: identity modes are the principal components of {count} neutral faces, "
        "expressions the mean displacement over them",
        f"the publisher names no unit; it is {unit} by the height",
        "no landmarks",
    ]
    uv, uv_faces = mesh.uv, mesh.uv_faces
    if uv is None or uv_faces is None or (uv_faces < 0).any() or uv.min() < 0 or uv.max() > 1:
        uv, uv_faces = None, None
        files.notes.append("no texture coordinates")
    license = license_of(KIND, LICENSE, len(mean), len(mean) == layouts.VERTICES, files.notes)
    return linear_head(
        ImportedModel(
            provenance=files.provenance(KIND, license, str(count)),
            unit=unit,
            mean=mean,
            faces=mesh.faces,
            identity=identity,
            sigma=sigma,
            expression=expression,
            expression_names=tuple(f"shape_{k}" for k in range(1, SHAPES)),
            uv=uv,
            uv_faces=uv_faces,
        )
    )


def _identities(files: Companions) -> Iterator[Shapes]:
    """Yield one identity after the other; the files of a folder become sources as they are read."""
    path = files.path
    if path.is_dir():
        folders, empty = layouts.shape_folders(path)
        if not folders:
            what = "no Tester_<k>/Blendshape and no shape.bs or shape_0.obj ... shape_46.obj"
            raise WeightsError("model_kind", what, files.where, "name the folder of Testers")
        if empty:
            files.notes.append(f"left out without shapes: {', '.join(empty)}")
        for folder in folders:
            shapes, sources = layouts.read_folder(folder)
            files.sources += sources
            yield shapes
    elif layouts.is_shape_file(path) or path.suffix.lower() == ".bs":
        yield layouts.shape_file(path)
    else:
        yield from layouts.tensor(path)


def _reduce(
    where: str, identities: Iterable[Shapes]
) -> tuple[
    Float[np.ndarray, "V 3"],
    Float[np.ndarray, "K V 3"],
    Float[np.ndarray, " K"],
    Float[np.ndarray, "46 V 3"],
    int,
]:
    """Return mean, identity modes, their standard deviations, expressions, and the number of identities.

    One identity at a time is in memory, besides all neutral faces.
    """
    neutral = list[np.ndarray]()
    moved: np.ndarray | None = None
    for number, shapes in enumerate(identities, start=1):
        check_finite(f"{where}, identity {number}", shapes=shapes)
        if neutral and shapes.shape[1] != len(neutral[0]):
            what = f"identity {number} has {shapes.shape[1]} vertices, the first {len(neutral[0])}"
            raise WeightsError("model_mismatch", what, where, "use one set of shapes")
        neutral.append(shapes[0].astype(np.float64))
        step = shapes[1:] - shapes[:1]
        moved = step.astype(np.float64) if moved is None else moved + step
    if moved is None:
        raise WeightsError("weights_damaged", "there are no identities", where)
    count = len(neutral)
    mean = np.mean(neutral, axis=0)
    centered = (np.array(neutral) - mean).reshape(count, -1)
    # principal components from the (N, N) Gram matrix, strongest first; N faces span N - 1 of them
    freedom = max(count - 1, 1)
    power, mix = np.linalg.eigh(centered @ centered.T / freedom)
    modes = mix[:, ::-1].T @ centered / np.sqrt(freedom)
    sigma = np.sqrt(np.maximum(power[::-1], 0))[: count - 1]
    identity = modes[: count - 1].reshape(count - 1, len(mean), 3).astype(np.float32)
    return mean, identity, sigma, (moved / count).astype(np.float32), count


def _mesh(files: Companions) -> tuple[Path, TriangleMesh]:
    """Read the triangles from the first ``shape_0.obj`` beside the shapes."""
    places = layouts.shape_folders(files.path)[0] if files.path.is_dir() else [files.path.parent]
    path = next((p for p in (folder / "shape_0.obj" for folder in places) if size_of(p) >= 0), None)
    if path is None:
        raise WeightsError(
            "model_missing_key",
            "the triangles of FaceWarehouse are in none of its binary files",
            files.where,
            "give shape_0.obj of any Tester's Blendshape folder with --with",
        )
    return path, read_mesh(path)
