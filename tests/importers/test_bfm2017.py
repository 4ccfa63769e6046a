"""Statismo's HDF5: Basel 2017 at its true size, both versions and layouts, real bytes, AlbedoMM; refusals."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from headform.errors import WeightsError
from headform.heads.linear import LinearHead
from headform.heads.validation import check_head
from headform.importers import bfm2017
from headform.importers._basel_landmarks import BASEL_2017
from tests.importers.basel_files import NAMES, statismo

NOMOUTH = "model2017-1_bfm_nomouth.h5"
SOME = np.array([0, 1, 8165, 30000, 53148])
SMALL = (40, 60, (3, 2, 2))
Values = dict[str, np.ndarray]


def rows(vertices: np.ndarray) -> np.ndarray:
    return (3 * vertices[:, None] + np.arange(3)).ravel()


def code_of(path: Path, *companions: Path) -> tuple[str, str]:
    with pytest.raises(WeightsError) as caught:
        bfm2017.read(path, companions)
    return caught.value.code, str(caught.value)


def decoded(values: Values, some: np.ndarray, identity: np.ndarray, expression: np.ndarray) -> np.ndarray:
    """The formula of the publisher, mm."""
    total = values["shape/mean"][rows(some)] + values["expression/mean"][rows(some)].astype(float)
    for group, code in (("shape", identity), ("expression", expression)):
        spread = np.sqrt(values[f"{group}/variance"].astype(float)) * code
        total = total + values[f"{group}/basis"][rows(some)].astype(float) @ spread
    return total.reshape(-1, 3)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Values, LinearHead]:
    """53149 vertices, 105694 triangles, 199 / 199 / 100 modes, landmarks that bear out the table."""
    path = tmp_path_factory.mktemp("bfm2017") / NOMOUTH
    mean = statismo(path, 53149, 105694, (1, 1, 1))["points"]
    named = {name: mean[BASEL_2017[k]].tolist() for k, name in NAMES.items()}
    values = statismo(path, 53149, 105694, (199, 199, 100), named=named)
    assert bfm2017.recognizes(path)
    head = bfm2017.read(path)
    path.unlink()
    return values, head


def test_a_code(whole: tuple[Values, LinearHead]) -> None:
    values, head = whole
    check_head(head)
    rng = np.random.default_rng(0)
    identity, expression, color = (rng.normal(size=k) * 0.5 for k in (199, 100, 199))
    got = head.vertices(torch.from_numpy(identity).float(), torch.from_numpy(expression).float())
    want = decoded(values, SOME, identity, expression)
    np.testing.assert_allclose(got[SOME].numpy(), want / 1000, rtol=0, atol=1e-7)
    spread = np.sqrt(values["color/variance"].astype(float)) * color
    shown = 0.5 + (values["color/basis"][rows(SOME)] @ spread).reshape(-1, 3)
    got = head.albedo_of(torch.from_numpy(color).float())[SOME].numpy()
    np.testing.assert_allclose(got, ((shown + 0.055) / 1.055) ** 2.4, atol=1e-5)
    np.testing.assert_array_equal(head.faces.numpy(), values["faces"])
    np.testing.assert_allclose(head.sigma.numpy() ** 2, values["shape/variance"], rtol=1e-5)
    assert head.provenance.version == "2017"
    assert head.name == "bfm2017-2017"
    assert head.landmark_vertices[:, 0].tolist() == list(BASEL_2017)
    assert any("8 landmarks of the file confirm" in note for note in head.provenance.notes)


def test_the_table_of_landmarks_is_not_believed_without_proof(tmp_path: Path) -> None:
    """Not where the file's own points lie elsewhere, nor where it has none."""
    path = tmp_path / NOMOUTH
    mean = statismo(path, 53149, 105694, (1, 1, 1))["points"]
    head = bfm2017.read(path)
    assert not head.has_field("landmark_vertices")
    assert any("not confirmed" in note for note in head.provenance.notes)
    named = {name: mean[BASEL_2017[k]].tolist() for k, name in NAMES.items()}
    named["center.nose.tip"] = (mean[BASEL_2017[30]] * 0.8).tolist()
    statismo(path, 53149, 105694, (1, 1, 1), named=named)
    head = bfm2017.read(path)
    assert int(head.landmark_known.sum()) == len(NAMES)
    own = np.linalg.norm(mean - named["center.nose.tip"], axis=1).argmin()
    assert int(head.landmark_vertices[30, 0]) == own
    assert int(head.landmark_vertices[36, 0]) == BASEL_2017[36]
    for far in (10**400, 1e300, float("inf")):
        named["center.nose.tip"] = [far, 0, 0]
        statismo(path, 53149, 105694, (1, 1, 1), named=named)
        assert not bfm2017.read(path).has_field("landmark_vertices")


@pytest.mark.parametrize(
    ("major", "minor", "legacy"),
    [(0, 8, False), (0, 9, False), (1, 0, False), (0, 9, True), (0, 8, True)],
)
def test_versions_and_layouts_decode_alike(tmp_path: Path, major: int, minor: int, legacy: bool) -> None:
    """0.8 has its components multiplied already, 0.9 and 1.x have unit columns."""
    path = tmp_path / "m.h5"
    values = statismo(path, *SMALL, major=major, minor=minor, legacy=legacy)
    head = bfm2017.read(path)
    check_head(head)
    identity, expression = np.array([0.5, -1, 2]), np.array([1.0, -0.5])
    got = head.vertices(torch.from_numpy(identity).float(), torch.from_numpy(expression).float())
    want = decoded(values, np.arange(40), identity, expression)
    np.testing.assert_allclose(got.numpy(), want / 1000, rtol=0, atol=1e-7)
    np.testing.assert_array_equal(head.faces.numpy(), values["faces"])
    assert not any("long" in note for note in head.provenance.notes)


def test_a_version_that_the_columns_belie_is_told(tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    statismo(path, *SMALL, minor=8)
    with h5py.File(path, "r+") as file:
        file["version/minorVersion"][...] = 9
    notes = bfm2017.read(path).provenance.notes
    assert any("shape components are of unit length, but the first is 30 long" in n for n in notes)


def test_the_version_of_a_group_goes_before_the_version_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    values = statismo(path, *SMALL, minor=8)
    with h5py.File(path, "r+") as file:
        file["version/minorVersion"][...] = 9
        for group in ("shape", "color", "expression"):
            file[f"{group}/version/majorVersion"] = 0
            file[f"{group}/version/minorVersion"] = 8
    head = bfm2017.read(path)
    want = values["shape/basis"][:, 0] * np.sqrt(values["shape/variance"][0]) / 1000
    np.testing.assert_allclose(head.identity[0].numpy().ravel(), want, atol=1e-8)


def test_real_bytes(data_root: Path) -> None:
    """25 vertices with components of unit length, against the arrays of the file."""
    path = data_root / "models" / "scalismo_random_momo" / "random-momo.h5"
    assert bfm2017.recognizes(path)
    head = bfm2017.read(path)
    check_head(head)
    rng = np.random.default_rng(0)
    identity, expression, color = rng.normal(size=(3, 10))
    codes = [torch.from_numpy(c).float() for c in (identity, expression, color)]
    with h5py.File(path) as file:
        total = {}
        for group, code in (("shape", identity), ("expression", expression), ("color", color)):
            model = file[group]["model"]
            spread = np.sqrt(model["pcaVariance"][()]) * code
            total[group] = (model["mean"][()] + model["pcaBasis"][()] @ spread).reshape(-1, 3)
        cells = file["shape/representer/cells"][()].T
    want = (total["shape"] + total["expression"]) / 1000
    np.testing.assert_allclose(head.vertices(*codes[:2]).numpy(), want, atol=1e-8)
    shown = total["color"].clip(0, 1)
    linear = np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)
    np.testing.assert_allclose(head.albedo_of(codes[2]).numpy(), linear, atol=1e-5)
    np.testing.assert_array_equal(np.sort(head.faces.numpy(), axis=1), np.sort(cells, axis=1))


@pytest.mark.parametrize(
    ("name", "vertices", "version"),
    [
        ("model2017-1_face12_nomouth.h5", 28588, "2017-face12"),
        ("model2019_bfm.h5", 47439, "2019"),
        ("model2019_face12.h5", 27657, "2019-face12"),
        ("model2019_fullHead.h5", 50, "2019-fullHead"),
        ("mine.h5", 50, ""),
    ],
)
def test_versions_by_size_and_name(tmp_path: Path, name: str, vertices: int, version: str) -> None:
    statismo(tmp_path / name, vertices, 100, (1, 1, 1))
    head = bfm2017.read(tmp_path / name)
    assert head.provenance.version == version
    assert not any("is called" in note for note in head.provenance.notes)


def test_the_size_is_believed_before_the_name(tmp_path: Path) -> None:
    path = tmp_path / "model2017-1_bfm_nomouth.h5"
    statismo(path, 47439, 100, (1, 1, 1))
    head = bfm2017.read(path)
    assert head.provenance.version == "2019"
    assert any("47439 vertices are those of 2019" in note for note in head.provenance.notes)


def test_albedo_mm(tmp_path: Path) -> None:
    """Linear, in place of the colors; of another mesh it is refused."""
    path, extra = tmp_path / "m.h5", tmp_path / "albedoModel2020_bfm_albedoPart.h5"
    statismo(path, *SMALL)
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(120, 4)))[0]
    with h5py.File(extra, "w") as file:
        file["diffuseAlbedo/model/mean"] = np.full(120, 0.3)
        file["diffuseAlbedo/model/pcaBasis"] = basis
        file["diffuseAlbedo/model/pcaVariance"] = np.full(4, 0.04)
    assert not bfm2017.recognizes(extra)
    assert bfm2017.read(path).albedo_space == "srgb"
    head = bfm2017.read(path, [extra])
    assert head.albedo_space == "linear"
    got = head.albedo_of(torch.tensor([0.0, 1.0])).numpy()
    np.testing.assert_allclose(got.ravel(), 0.3 + 0.2 * basis[:, 1], atol=1e-6)
    assert extra.name in {s.name for s in head.provenance.sources}
    statismo(path, 41, 60, (1, 1, 1))
    code, text = code_of(path, extra)
    assert code == "model_mismatch"
    assert "40 vertices for a head of 41" in text


def test_a_foreign_unit_is_judged_by_the_eyes(tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    values = statismo(path, *SMALL)
    points = values["points"] / 1000
    with h5py.File(path, "r+") as file:
        for group in ("shape", "expression"):
            file[f"{group}/model/mean"][...] /= 1000
        own = points + 0.25 / 1000
        text = f"right.eye.corner_outer 1 {own[0, 0]} {own[0, 1]} {own[0, 2]}\n"
        file["metadata/landmarks/text"] = text + f"left.eye.corner_outer 1 {own[1, 0]} {own[1, 1]} {own[1, 2]}"
    head = bfm2017.read(path)
    assert float((head.mean[0] - head.mean[1]).norm()) == pytest.approx(0.09, abs=1e-6)
    assert any("unit m is inferred" in note for note in head.provenance.notes)


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    path = tmp_path / "m.h5"

    def changed(key: str, value: object) -> tuple[str, str]:
        statismo(path, *SMALL)
        with h5py.File(path, "r+") as file:
            del file[key]
            if value is not None:
                file[key] = value
        return code_of(path)

    variance = np.array([1.0, -1, 2])
    for code, key, value in (
        ("model_missing_key", "shape/model/pcaVariance", None),
        ("model_missing_key", "color/model/pcaBasis", None),
        ("model_missing_key", "shape/representer/cells", None),
        ("model_shape", "shape/model/pcaBasis", np.zeros((117, 3))),
        ("model_shape", "shape/model/pcaVariance", np.ones(2)),
        ("model_shape", "expression/model/mean", np.zeros(117)),
        ("model_shape", "shape/model/mean", np.zeros(119)),
        ("model_shape", "version/minorVersion", "nine"),
        ("model_shape", "version/minorVersion", np.zeros(0)),
        ("model_not_finite", "version/minorVersion", np.nan),
        (
            "model_index",
            "shape/representer/cells",
            np.full((3, 60), 40, np.int32)[:, :5] + np.arange(5),
        ),
        ("model_not_finite", "shape/model/mean", np.full(120, np.nan)),
        ("model_not_finite", "shape/model/pcaBasis", np.full((120, 3), np.inf)),
        ("weights_damaged", "shape/model/pcaVariance", variance),
        ("weights_damaged", "shape/model/mean", h5py.ExternalLink("elsewhere.h5", "mean")),
    ):
        assert changed(key, value)[0] == code, key
    assert "color/model/pcaBasis" in changed("color/model/pcaBasis", None)[1]
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert code_of(path)[0] == "weights_damaged"
    assert not bfm2017.recognizes(path)
    assert not bfm2017.recognizes(tmp_path)


def test_parts_that_may_be_absent(tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    statismo(path, *SMALL)
    with h5py.File(path, "r+") as file:
        del file["color"], file["expression"], file["version"]
        file["metadata/landmarks/json"] = "no json"
    head = bfm2017.read(path)
    check_head(head)
    assert not head.has_field("albedo_mean")
    assert not head.has_field("expression")
    assert {"the file has no colors", "the file has no expressions"} <= set(head.provenance.notes)
