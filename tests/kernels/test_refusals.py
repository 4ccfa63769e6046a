"""Public functions above compiled kernels refuse wrong arrays by name; nothing is read outside of an array.

The calls run in a child process: a fault would end it, and there no annotation is checked before our own checks are.
"""

import os
import subprocess
import sys
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
import torch

from headform.errors import InputError, MeshWarning
from headform.geometry import array_checks
from headform.graph import ChebConv, Resample, ScaledLaplacian, cheb_conv
from headform.graph.activation import BiasedELU
from headform.mesh import closest_points, simplify, vertex_normals
from headform.mesh.scaled_laplacian import scaled_laplacian
from headform.render import visible_points
from headform.render.rasterize import rasterize
from tests.mesh.surfaces import face_sheet, joined

ROOT = Path(__file__).resolve().parents[2]
VERTICES, FACES = face_sheet(5, 6)
COUNT = len(VERTICES)


def run_child(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `call_wrongly` without the checks of annotations that the tests switch on."""
    env = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"} | environment
    command = [sys.executable, "-m", "tests.kernels.call_wrongly", *arguments]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)


def test_every_wrong_argument_is_refused_and_every_unusual_layout_is_read() -> None:
    child = run_child()
    lines = child.stdout.splitlines()
    assert child.returncode == 0, (lines[-1:], child.stderr[-2000:])
    done = [line.split("\t") for line in lines if line.startswith("DONE\t")]
    assert sum(int(count) for _, _, count, _ in done) > 2000
    assert {name: faults for _, name, _, faults in done if faults} == {}


def test_no_kernel_reads_outside_with_right_arguments() -> None:
    """Every kernel once with numba's bounds checks; those on addresses (`graph`, `heads.flame`) have none.

    The code that is compiled for this is kept beside the other, under names of its own (`kernels.jit`).
    """
    child = run_child("--rightly", NUMBA_BOUNDSCHECK="1")
    assert child.returncode == 0, (child.stdout.splitlines()[-1:], child.stderr[-2000:])
    lines = child.stdout.splitlines()
    assert lines[0] == "CHECKED\tTrue"
    assert len(lines) > 40


@pytest.fixture(autouse=True)
def _no_checks_of_annotations(monkeypatch):
    """Run as where headform is installed: the test run checks annotations before our own checks are reached."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.mark.parametrize(
    ("faces", "says"),
    [
        (np.zeros((3, 1280), np.int64), r"^faces of shape \(3, 1280\), expected \(F, 3\); turn it: give faces\.T$"),
        (np.zeros((9, 4), np.int64), r"faces of shape \(9, 4\), expected \(F, 3\); split each quad into two triangles"),
        (np.zeros((9, 2), np.int64), r"faces of shape \(9, 2\), expected \(F, 3\); give triangles, not edges"),
        (FACES.tolist(), r"^faces is a list, expected a numpy array; give np\.asarray\(faces\)$"),
        (torch.from_numpy(FACES), r"^faces is a torch tensor, expected a numpy array"),
        (FACES.astype(float), r"^faces of dtype float64, expected whole numbers$"),
        (FACES + 1, r"^faces must index 30 vertices, got indices from 1 to 30; number the vertices from 0"),
        (FACES - 1, r"^faces must index 30 vertices, got indices from -1 to 28$"),
        (None, r"^faces is None, expected a numpy array$"),
    ],
)
def test_wrong_faces_are_named_alike_everywhere(faces, says) -> None:
    points = VERTICES + 1.0
    for call in (
        lambda: scaled_laplacian(faces, COUNT),
        lambda: vertex_normals(VERTICES, faces),
        lambda: closest_points(VERTICES, VERTICES, faces),
        lambda: simplify(VERTICES[None], faces, 10),
        lambda: rasterize(points, faces, 8, 8),
    ):
        with pytest.raises(InputError, match=says):
            call()


def test_points_of_a_plane_are_no_points_in_space() -> None:
    says = r"points of shape \(30, 2\), expected \((V|P), 3\)"
    with pytest.raises(InputError, match=says):
        rasterize(VERTICES[:, :2], FACES, 8, 8)
    with pytest.raises(InputError, match=says):
        closest_points(VERTICES[:, :2], VERTICES, FACES)


def test_the_faces_of_another_mesh_are_named() -> None:
    points = VERTICES * 40 + [4.0, 5.0, 1.0]
    fragments = rasterize(points, FACES, 8, 8)
    with pytest.raises(InputError, match=r"fragments\.face_index must index 5 faces, got indices from -1 to") as caught:
        visible_points(points, points, FACES[:5], fragments)
    assert caught.value.code == "mesh_index"


def test_simplify_refuses_partners_and_texture_corners_that_are_not_there() -> None:
    with pytest.raises(InputError, match="mirror must index 30 vertices, got indices from 1000000 to 1000000"):
        simplify(VERTICES[None], FACES, 10, mirror=np.full(COUNT, 10**6))
    with pytest.raises(InputError, match="uv_faces must index 30 texture vertices"):
        simplify(VERTICES[None], FACES, 10, uv=VERTICES[:, :2], uv_faces=FACES + 10**6)
    with pytest.raises(InputError, match="vertex 0 has the partner 1, but not in turn") as caught:
        simplify(VERTICES[None], FACES, 10, mirror=np.roll(np.arange(COUNT), -1))
    assert caught.value.code == "mesh_mirror"
    flat = np.concatenate([FACES, [[3, 3, 4]]])
    with pytest.raises(InputError, match="1 triangles name a vertex twice, the first is triangle 40") as caught:
        simplify(VERTICES[None], flat, 10)
    assert caught.value.code == "mesh_degenerate"


def test_operators_refuse_what_their_kernels_would_follow_outside() -> None:
    rows, columns, ones = torch.tensor([0, 1, 2]), torch.tensor([0, 7]), torch.ones(2)
    with pytest.raises(InputError, match="col_indices must index 4 columns, got indices from 0 to 7"):
        Resample(rows, columns, ones, 4)
    with pytest.raises(InputError, match="crow_indices must rise from 0 to the number of entries, 2"):
        Resample(torch.tensor([0, 9, 2]), columns, ones, 8)
    with pytest.raises(InputError, match="an entry is NaN or infinite"):
        ScaledLaplacian(rows, torch.tensor([0, 1]), ones * torch.nan)
    operator = Resample(rows, columns, ones, 8)
    operator.col_indices = columns * 1000  # a buffer can be assigned; the kernel looks at it once more
    with pytest.raises(InputError, match="col_indices must index 8 columns"):
        operator(torch.ones(8, 16))
    lap = ScaledLaplacian.from_csr(scaled_laplacian(FACES, COUNT))
    x, weight = torch.ones(1, COUNT, 3), torch.ones(2, 3, 16)
    with pytest.raises(InputError, match=r"bias of shape \(4,\), expected \(16,\)"):
        cheb_conv(x, weight, torch.ones(4), lap)
    with pytest.raises(InputError, match="the signal is a numpy array, expected a torch tensor"):
        cheb_conv(x.numpy(), weight, None, lap)
    with pytest.raises(InputError, match="the operator is a csr_matrix, expected a ScaledLaplacian"):
        cheb_conv(x, weight, None, lap.to_scipy())
    with pytest.raises(InputError, match="differ in dtype: float32, float64"):
        cheb_conv(x, weight.double(), None, lap)
    with pytest.raises(InputError, match="num_terms must be at least 1, got 0"):
        ChebConv(3, 4, 0)
    with torch.inference_mode(), pytest.raises(InputError, match=r"the other signal .* \(1, 1, 3\)"):
        BiasedELU(3)(x, x[:, :1])


def test_a_mesh_without_vertices_or_with_nan_is_refused() -> None:
    with pytest.raises(InputError, match="the mesh has no vertices") as caught:
        scaled_laplacian(np.zeros((0, 3), np.int64), 0)
    assert caught.value.code == "mesh_empty"
    broken = VERTICES.copy()
    broken[17, 1] = np.nan
    with pytest.raises(InputError, match="vertices must be finite: row 17 holds") as caught:
        vertex_normals(broken, FACES)
    assert caught.value.code == "mesh_not_finite"


def test_loose_triangles_and_unused_vertices_are_noted_where_an_operator_is_built() -> None:
    soup, corners = VERTICES[FACES].reshape(-1, 3), np.arange(3 * len(FACES)).reshape(-1, 3)
    with pytest.warns(MeshWarning, match="40 of 40 triangles are loose, sharing no vertex.*the first is triangle 0"):
        scaled_laplacian(corners, len(soup))
    with pytest.warns(MeshWarning, match="2 of 32 vertices belong to no triangle, the first is vertex 30"):
        scaled_laplacian(FACES, COUNT + 2)
    vertices, faces = joined((VERTICES, FACES), (VERTICES[:3], np.array([[0, 1, 2]])))
    with pytest.warns(MeshWarning, match="1 of 41 triangles are loose.*the first is triangle 40"):
        scaled_laplacian(faces, len(vertices))


def test_a_check_costs_a_pass_over_the_array_and_no_copy() -> None:
    faces = np.zeros((1000, 3), np.int32)
    assert array_checks.require_faces("faces", faces, 1, np.int32) is faces
    points = np.zeros((1000, 3))
    assert array_checks.kernel_array(array_checks.require_array("points", points, ("V", 3)), np.float64) is points
