"""FaceWarehouse: identities and expressions of its raw tensor, of ``Blendshape/shape.bs`` files or of OBJ folders.

N identities, V vertices, F triangles, K modes, 46 expressions.

FaceWarehouse is a bilinear model: an expression looks different on everyone. A `LinearHead` adds the two, so that the import
is an approximation: identity modes are the principal components of the neutral faces, expressions the mean displacement over
all identities. The triangles are in none of the binary files; they are taken from an OBJ of the same set.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from headform.errors import WeightsError
from headform.heads.checks import check_finite
from headform.heads.linear import LinearHead
from headform.heads.provenance import provenance_of
from headform.importers import _facewarehouse_files as files
from headform.importers._companions import Companions
from headform.importers._components import unit_by_height
from headform.importers._model_mesh import read_mesh
from headform.importers._sniff import size_of
from headform.importers.importing import ImportedModel, linear_head
from headform.io.mesh.triangle_mesh import TriangleMesh

KIND = "facewarehouse"
LICENSE = "FaceWarehouse (Zhejiang University): on request, non-commercial research only"
_RULE = (
    "bilinear data made linear: identity modes are the principal components of {} neutral faces, expressions the mean "
    "displacement over them"
)
Shapes = Float[np.ndarray, "47 V 3"]


def recognizes(path: Path) -> bool:
    """Whether a file is a ``shape.bs`` or a tensor, or a folder holds Testers or the shapes of one."""
    try:
        if path.is_dir():
            return bool(_folders(path))
        return files.is_shape_file(path) or files.is_tensor(path)
    except OSError:
        return False


def read(path: Path, companions: Sequence[Path] = ()) -> LinearHead:
    """Read a tensor, one ``shape.bs``, or a folder: of Testers, of one Tester, or its ``Blendshape``.

    The triangles come from an ``.obj`` that is given, else from ``shape_0.obj`` of the folder. Quads are cut in two.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_kind``, ``model_missing_key`` (no triangles),
            ``model_mismatch`` (an OBJ or identities with another number of vertices), ``model_index``,
            ``model_not_finite``.
    """
    path = Path(path)
    beside = Companions(path, companions)
    given = beside.fetch(("*.obj",), lambda p: (p, read_mesh(p)))
    beside.close()
    notes: list[str] = []
    readers, sources, mesh_path = _readers(path, notes)
    mean, identity, sigma, expression, count = _reduce(path, readers)
    mesh_path, mesh = given or (mesh_path, _mesh(path, mesh_path))
    if len(mesh.vertices) != len(mean):
        what = f"the mesh has {len(mesh.vertices)} vertices, the shapes {len(mean)}"
        raise WeightsError("model_mismatch", what, repr(str(mesh_path)), "use a mesh of this set")
    if mesh_path not in sources:
        sources = [*sources, mesh_path]
    unit = unit_by_height(mean)
    notes += [_RULE.format(count), f"the publisher names no unit; it is {unit} by the height"]
    uv, uv_faces = mesh.uv, mesh.uv_faces
    if uv is None or uv_faces is None or (uv_faces < 0).any() or uv.min() < 0 or uv.max() > 1:
        uv, uv_faces = None, None
    notes += ["no landmarks"] + (["no texture coordinates"] if uv is None else [])
    return linear_head(
        ImportedModel(
            name=KIND,
            license=LICENSE,
            provenance=provenance_of(KIND, sources, version=str(count), license=LICENSE, notes=notes),
            unit=unit,
            mean=mean,
            faces=mesh.faces,
            identity=identity,
            sigma=sigma,
            expression=expression,
            expression_names=tuple(f"shape_{k}" for k in range(1, files.SHAPES)),
            uv=uv,
            uv_faces=uv_faces,
        )
    )


def _readers(path: Path, notes: list[str]) -> tuple[Iterable[Callable[[], Shapes]], list[Path], Path]:
    """One reader for each identity, the files they read, and where the triangles may be."""
    if path.is_dir():
        folders = _folders(path)
        if not folders:
            what = "no Tester_<k>/Blendshape and no shape.bs or shape_0.obj ... shape_46.obj"
            raise WeightsError("model_kind", what, repr(str(path)), "name the folder of Testers")
        empty = [str(f.parent.name) for f in _blendshapes(path) if f not in folders]
        if empty:
            notes.append(f"left out without shapes: {', '.join(empty)}")
        binary = [(f / "shape.bs").is_file() for f in folders]
        paths = [
            p for f, b in zip(folders, binary, strict=True) for p in ([f / "shape.bs"] if b else files.mesh_paths(f))
        ]
        readers = [
            (lambda f=f: files.shape_file(f / "shape.bs"))
            if b
            else (lambda f=f: files.shape_meshes(files.mesh_paths(f)))
            for f, b in zip(folders, binary, strict=True)
        ]
        meshes = [f / "shape_0.obj" for f in folders if (f / "shape_0.obj").is_file()]
        return readers, paths, (meshes or [path / "shape_0.obj"])[0]
    if files.is_shape_file(path) or path.suffix.lower() == ".bs":
        return [lambda: files.shape_file(path)], [path], path.parent / "shape_0.obj"
    stream = ((lambda shapes=shapes: shapes) for shapes in files.tensor(path))
    return stream, [path], path.parent / "shape_0.obj"


def _reduce(
    path: Path, readers: Iterable[Callable[[], Shapes]]
) -> tuple[
    Float[np.ndarray, "V 3"],
    Float[np.ndarray, "K V 3"],
    Float[np.ndarray, " K"],
    Float[np.ndarray, "46 V 3"],
    int,
]:
    """Mean, identity modes, their standard deviations, expressions, and how many identities; one at a time in memory."""
    neutral = list[np.ndarray]()
    moved: np.ndarray | None = None
    for number, read_one in enumerate(readers):
        shapes = read_one()
        check_finite(f"{path}, identity {number + 1}", shapes=shapes)
        if neutral and shapes.shape[1] != len(neutral[0]):
            what = f"identity {number + 1} has {shapes.shape[1]} vertices, the first {len(neutral[0])}"
            raise WeightsError("model_mismatch", what, repr(str(path)), "use one set of shapes")
        neutral.append(shapes[0].astype(np.float64))
        step = shapes[1:] - shapes[:1]
        moved = step.astype(np.float64) if moved is None else moved + step
    if moved is None:
        raise WeightsError("weights_damaged", "there are no identities", repr(str(path)))
    count = len(neutral)
    mean = np.mean(neutral, axis=0)
    centered = (np.array(neutral) - mean).reshape(count, -1)
    power, mix = np.linalg.eigh(centered @ centered.T / max(count - 1, 1))
    modes = mix[:, ::-1].T @ centered / np.sqrt(max(count - 1, 1))
    used = max(count - 1, 0)
    sigma = np.sqrt(np.maximum(power[::-1], 0))[:used]
    identity = modes[:used].reshape(used, len(mean), 3).astype(np.float32)
    return mean, identity, sigma, (moved / count).astype(np.float32), count


def _mesh(path: Path, mesh_path: Path) -> TriangleMesh:
    if size_of(mesh_path) < 0:
        raise WeightsError(
            "model_missing_key",
            "the triangles of FaceWarehouse are in none of its binary files",
            repr(str(path)),
            "give shape_0.obj of any Tester's Blendshape folder with --with",
        )
    return read_mesh(mesh_path)


def _blendshapes(path: Path) -> list[Path]:
    """Folders that may hold the shapes of an identity, in the order of their numbers."""
    testers = [p for p in path.glob("Tester_*") if p.name[7:].isdigit()]
    if testers:
        return [p / "Blendshape" for p in sorted(testers, key=lambda p: int(p.name[7:]))]
    return [path / "Blendshape", path]


def _folders(path: Path) -> list[Path]:
    """Those of `_blendshapes` that do."""
    return [
        folder
        for folder in _blendshapes(path)
        if (folder / "shape.bs").is_file() or all(p.is_file() for p in files.mesh_paths(folder))
    ][: None if list(path.glob("Tester_*")) else 1]
