"""A FLAME model of true size decodes as the published decoder does: `smplx`, which may be run here but not shipped.

Its license forbids commercial use, so no extra names it: `pip install smplx` where that does not matter.
"""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from headform.heads.flame.head import FlameHead, FlamePose
from headform.importers import flame
from tests.heads import flame_file
from tests.heads.flame_file import FlameModel

smplx = pytest.importorskip("smplx", reason="the oracle smplx (non-commercial) is not installed")

METERS = 1e-6
STATIC = slice(5, 5 + 51)  # of the oracle's joints, which end in landmarks
CONTOUR = slice(5 + 51, 5 + 51 + 17)


@pytest.fixture(scope="module")
def model() -> FlameModel:
    return flame_file.flame_model()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, model: FlameModel) -> Path:
    """What both decoders read."""
    folder = tmp_path_factory.mktemp("flame")
    flame_file.write_npz(folder / "FLAME_NEUTRAL.npz", model)
    flame_file.write_static_embedding(folder / "flame_static_embedding.pkl", model)
    flame_file.write_dynamic_embedding(folder / "flame_dynamic_embedding.npy", model)
    flame_file.write_landmark_embedding(folder / "landmark_embedding.npy", model)
    return folder


@pytest.fixture(scope="module")
def head(folder: Path) -> FlameHead:
    return flame.read(folder / "FLAME_NEUTRAL.npz", [folder / "landmark_embedding.npy"])


@pytest.fixture(scope="module", params=[torch.float32, torch.float64], ids=["single", "double"])
def pair(request: pytest.FixtureRequest, folder: Path, head: FlameHead) -> tuple[FlameHead, Any]:
    """Our head and their decoder, of the same dtype; single precision is the kernel's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the oracle's own
        oracle = smplx.FLAME(
            str(folder), ext="npz", num_betas=300, num_expression_coeffs=100, use_face_contour=True,
            dtype=request.param,
        )  # fmt: skip
    return replace(head).to(dtype=request.param), oracle


def drawn(dtype: torch.dtype, items: int, seed: int = 0) -> dict[str, Tensor]:
    """Codes of about one standard deviation, turns of about 20 degrees."""
    rng = np.random.default_rng(seed)
    widths = {"identity": 300, "expression": 100, "global_rotation": 3, "neck": 3, "jaw": 3}
    widths |= {"eyes": 6, "translation": 3}
    return {
        name: torch.from_numpy(rng.normal(0, 1 if width > 6 else 0.35, (items, width))).to(dtype)
        for name, width in widths.items()
    }


def theirs(oracle: Any, given: dict[str, Tensor]) -> Any:
    right, left = given["eyes"][:, 3:], given["eyes"][:, :3]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the oracle's own
        return oracle(
            betas=given["identity"], expression=given["expression"],
            global_orient=given["global_rotation"], neck_pose=given["neck"], jaw_pose=given["jaw"],
            leye_pose=left, reye_pose=right, transl=given["translation"],
        )  # fmt: skip


def assert_within(got: Tensor, want: Tensor) -> None:
    assert got.shape == want.shape
    assert float((got - want).detach().abs().max()) < METERS


@pytest.mark.parametrize("items", [1, 5, 20])
def test_vertices_joints_and_landmarks(pair, items) -> None:
    head, oracle = pair
    given = drawn(head.mean.dtype, items)
    given["neck"] = given["neck"] * 0  # see the test of the jaw line
    pose, want = head.pose(**given), theirs(oracle, given)
    assert_within(pose.vertices, want.vertices)
    assert_within(pose.joints, want.joints[:, :5])
    landmarks = torch.cat([want.joints[:, CONTOUR], want.joints[:, STATIC]], dim=1)
    assert_within(head.landmarks2d(pose), landmarks)
    assert (head.vertices(given["identity"]) - pose.vertices).abs().max() > 0.01  # it moved


def test_all_joints_turning(pair) -> None:
    head, oracle = pair
    given = drawn(head.mean.dtype, 4, seed=1)
    pose, want = head.pose(**given), theirs(oracle, given)
    assert_within(pose.vertices, want.vertices)
    assert_within(pose.joints, want.joints[:, :5])
    assert_within(head.static_landmarks(pose), want.joints[:, STATIC])


DEGREES = [-120, -75, -39.6, -39.4, -30, -10.2, -0.6, -0.4, 0, 0.4, 0.6, 12.4, 30, 38.6, 45, 100]


def test_the_jaw_line_at_every_side(pair) -> None:
    head, oracle = pair
    given = {n: v * 0 for n, v in drawn(head.mean.dtype, len(DEGREES)).items()}
    given["global_rotation"][:, 1] = torch.deg2rad(torch.tensor(DEGREES, dtype=head.mean.dtype))
    pose, want = head.pose(**given), theirs(oracle, given)
    assert_within(head.contour_landmarks(pose), want.joints[:, CONTOUR])
    assert len(set(head.contour_bins(pose).tolist())) == 9


def test_the_jaw_line_follows_the_neck_too(pair) -> None:
    """As in the decoders of published networks; smplx looks at the root alone until it is told the chain."""
    head, oracle = pair
    given = drawn(head.mean.dtype, 12, seed=2)
    pose, want = head.pose(**given), theirs(oracle, given)
    assert not torch.allclose(head.contour_landmarks(pose), want.joints[:, CONTOUR], atol=METERS)
    alone = oracle.neck_kin_chain.clone()
    try:
        oracle.neck_kin_chain = torch.tensor([1, 0])
        want = theirs(oracle, given)
    finally:
        oracle.neck_kin_chain = alone
    assert_within(head.contour_landmarks(pose), want.joints[:, CONTOUR])


def test_the_full_landmarks_are_those_of_the_file(pair, model) -> None:
    head, oracle = pair
    given = drawn(head.mean.dtype, 2, seed=3)
    full = flame_file.full_embedding(model)
    vertices = theirs(oracle, given).vertices.numpy()
    points = np.einsum("bpkc,pk->bpc", vertices[:, model.f[full.faces]], full.weights)
    assert_within(head.landmarks3d(head.pose(**given)), torch.from_numpy(points).to(head.mean))


@pytest.mark.parametrize("items", [1, 5, 20])
def test_gradients(pair, items) -> None:
    head, oracle = pair
    draw = torch.Generator().manual_seed(0)
    dtype = head.mean.dtype
    shapes = [(items, 5023, 3), (items, 5, 3), (items, 51, 3)]
    passed = [torch.randn(s, generator=draw).to(dtype) for s in shapes]

    def gradients(decode: Any) -> dict[str, Tensor]:
        given = {n: v.requires_grad_() for n, v in drawn(dtype, items, seed=4).items()}
        torch.autograd.backward(decode(given), passed)
        return {n: v.grad for n, v in given.items() if v.grad is not None}

    def ours(given: dict[str, Tensor]) -> list[Tensor]:
        pose: FlamePose = head.pose(**given)
        return [pose.vertices, pose.joints, head.static_landmarks(pose)]

    def of_oracle(given: dict[str, Tensor]) -> list[Tensor]:
        found = theirs(oracle, given)
        return [found.vertices, found.joints[:, :5], found.joints[:, STATIC]]

    got, want = gradients(ours), gradients(of_oracle)
    assert got.keys() == want.keys()
    assert len(got) == 7
    for name, value in want.items():
        error = (got[name] - value).abs().max() / value.abs().max()
        assert error < (2e-5 if dtype == torch.float32 else 1e-6), (name, float(error))
