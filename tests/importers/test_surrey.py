"""Surrey models of every version are read to the number, real and written; what is wrong is refused by name."""

import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headform.errors import WeightsError
from headform.heads.linear import LinearHead
from headform.heads.validation import check_head
from headform.importers import surrey
from tests.importers.eos_file import EosModel

NAMES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
POINTS = {str(k): 5 * k for k in range(1, 69)} | {"37": 177, "46": 610, "nose.tip": 4}


def read(folder: Path, data: bytes, name: str = "model.bin", with_: tuple[Path, ...] = ()) -> LinearHead:
    path = folder / name
    path.write_bytes(data)
    return surrey.read(path, with_)


def refusal(folder: Path, data: bytes, name: str = "model.bin", with_: tuple[Path, ...] = ()) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        read(folder, data, name, with_)
    return caught.value


@pytest.fixture(scope="module")
def full() -> EosModel:
    """A model of true size with everything that version 4 can hold."""
    return EosModel(color_modes=4, expressions=NAMES, points=POINTS, uv_triangles=True)


@pytest.fixture(scope="module")
def small() -> EosModel:
    return EosModel(12, 15, 2, 1, ("smile",), 0, {"1": 3, "37": 0, "46": 1}, eyes=(0, 1), uv_triangles=True)


def shapes_of(model: EosModel, code: np.ndarray) -> np.ndarray:
    """mean + components . (sqrt(variance) code), in meters, by plain arithmetic."""
    offset = model.basis.astype(np.float64) @ (np.sqrt(model.variance.astype(np.float64)) * code)
    return (model.mean + offset.reshape(-1, 3)) / 1000


def test_the_published_file(data_root: Path) -> None:
    folder = data_root / "models/eos_sfm"
    path = folder / "sfm_shape_3448.bin"
    assert surrey.recognizes(path)
    head = surrey.read(path)
    check_head(head)
    known = np.load(folder / "sfm_shape_3448.npz")
    sigma = np.sqrt(known["eigenvalues"].astype(np.float64))
    modes = known["basis"].T.reshape(63, 3448, 3) * sigma[:, None, None] / 1000
    np.testing.assert_allclose(head.mean, known["mean"] / 1000, atol=1e-8)
    np.testing.assert_allclose(head.identity, modes, atol=1e-8)
    np.testing.assert_array_equal(head.faces, known["triangles"])
    np.testing.assert_allclose(head.sigma, sigma, rtol=1e-6)
    assert head.provenance.label == "surrey 3448"
    assert head.expression_names == NAMES
    assert head.landmark_known.sum() == 50
    points = head.landmarks(head.mean)
    assert float((points[36] - points[45]).norm()) == pytest.approx(0.0923588, abs=1e-6)
    assert 0 <= float(head.mean[:, 2].max() - points[30, 2]) < 0.003  # the tip of the nose
    assert float(np.corrcoef(head.uv[:, 1].numpy(), head.mean[:, 1].numpy())[0, 1]) > 0.99  # v runs upwards
    smile = head.expression[NAMES.index("happiness")]
    corners = head.landmark_vertices[[48, 54], 0]
    assert float(smile[corners, 1].min()) > 0.002  # the corners of the mouth go up
    assert any("sfm_model_contours.json" in note for note in head.provenance.notes)
    assert [source.name for source in head.provenance.sources][1:] == [
        "expression_blendshapes_3448.bin",
        "ibug_to_sfm.txt",
    ]


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_every_version(tmp_path: Path, full: EosModel, version: int) -> None:
    if version < 4:
        full = EosModel(color_modes=4, expressions=NAMES, points=POINTS)
    head = read(tmp_path, full.encode(version))
    check_head(head)
    code = np.linspace(-2, 2, full.modes)
    decoded = head.vertices(identity=head.mean.new_tensor(code))
    np.testing.assert_allclose(decoded, shapes_of(full, code), atol=2e-7)
    np.testing.assert_array_equal(head.faces, full.faces)
    color = full.color_basis @ (np.sqrt(full.color_variance) * [1, -1, 2, 0.5])
    np.testing.assert_allclose(
        head.albedo_mean.numpy() + np.einsum("k,kvc->vc", [1, -1, 2, 0.5], head.albedo.numpy()),
        (full.color_mean + color).reshape(-1, 3),
        atol=1e-5,
    )
    assert head.albedo_space == "srgb"
    assert head.expression_names == (NAMES if version >= 2 else ())
    if version >= 2:
        np.testing.assert_allclose(head.expression.reshape(6, -1), full.shapes.T / 1000, atol=1e-8)
    assert bool(head.landmark_known.all()) == (version >= 3)
    if version >= 3:
        assert head.landmark_vertices[:, 0].tolist() == [POINTS[str(k)] for k in range(1, 69)]
        assert head.has_field("now7")
    np.testing.assert_allclose(head.uv, full.texture * [1, -1] + [0, 1], atol=1e-7)
    expected = full.texture_faces if version == 4 else full.faces
    np.testing.assert_array_equal(head.uv_faces, expected)


def test_an_expression_model_of_components(tmp_path: Path) -> None:
    model = EosModel(60, 90, 2, expression_modes=3, eyes=(0, 1))
    head = read(tmp_path, model.encode(2))
    mean = (model.mean.reshape(-1) + model.pca_mean) / 1000
    np.testing.assert_allclose(head.mean.reshape(-1), mean, atol=1e-8)
    modes = model.pca.T * np.sqrt(model.pca_variance)[:, None] / 1000
    np.testing.assert_allclose(head.expression.reshape(3, -1), modes, atol=1e-8)
    assert any("mean of the expression model" in note for note in head.provenance.notes)


def test_components_that_someone_has_scaled_already(tmp_path: Path, small: EosModel) -> None:
    plain = read(tmp_path, small.encode(1))
    basis = small.basis
    scaled = EosModel(12, 15, 2, 1, eyes=(0, 1))
    scaled.basis = basis * np.sqrt(small.variance)
    head = read(tmp_path, scaled.encode(1))
    np.testing.assert_allclose(head.identity, plain.identity, rtol=1e-5)
    assert any("already multiplied" in note for note in head.provenance.notes)


def test_colors_up_to_255(tmp_path: Path, small: EosModel) -> None:
    plain = read(tmp_path, small.encode(1))
    bright = EosModel(12, 15, 2, 1, eyes=(0, 1))
    bright.color_mean = small.color_mean * 255
    bright.color_variance = small.color_variance * np.float32(255**2)
    head = read(tmp_path, bright.encode(1))
    np.testing.assert_allclose(head.albedo_mean, plain.albedo_mean, rtol=1e-5)
    np.testing.assert_allclose(head.albedo, plain.albedo, rtol=1e-5)


def test_triangles_the_other_way_round_are_turned(tmp_path: Path, full: EosModel) -> None:
    model = EosModel(60, 90, 2, uv_triangles=True, eyes=(0, 1))
    model.faces, model.texture_faces = model.faces[:, [0, 2, 1]], model.texture_faces[:, [0, 2, 1]]
    right = EosModel(60, 90, 2, uv_triangles=True, eyes=(0, 1))
    head, other = read(tmp_path, model.encode(4)), read(tmp_path, right.encode(4))
    assert {frozenset(f) for f in head.faces.tolist()} == {frozenset(f) for f in other.faces.tolist()}
    order = [face.index(min(face)) for face in head.faces.tolist()]
    back = [other.faces.tolist()[k].index(min(f)) for k, f in enumerate(head.faces.tolist())]
    turned = [face[k:] + face[:k] for face, k in zip(head.faces.tolist(), order, strict=True)]
    same = [face[k:] + face[:k] for face, k in zip(other.faces.tolist(), back, strict=True)]
    assert turned == same
    for face, uv in zip(head.faces.tolist(), head.uv_faces.tolist(), strict=True):
        assert [k + 7 for k in face] == uv
    assert any("reversed" in note for note in head.provenance.notes)


def test_the_files_beside_a_model(tmp_path: Path, full: EosModel) -> None:
    shapes = EosModel(845, 1610, 2, expressions=NAMES, eyes=(177, 610))
    (tmp_path / "expression_blendshapes_845.bin").write_bytes(shapes.blendshapes())
    lines = "[landmark_mappings]\n9 = 33\n37 = 177 # comment\n46 = 610\n21 = 2086\n"
    (tmp_path / "ibug_to_sfm.txt").write_text(lines)
    sides = '{"model_contour": {"right_contour": [380, 373, 356], "left_contour": [795, 790]}}'
    (tmp_path / "sfm_model_contours.json").write_text(sides)
    mirror = np.arange(845)[::-1]
    text = "# mirror images\n"
    text += "".join(f"{k + 1}{' # first' if i == 0 else ''}\n" for i, k in enumerate(mirror))
    (tmp_path / "sfm_reference_symmetry.txt").write_text(text)
    head = read(tmp_path, shapes.encode(1))
    check_head(head)
    assert head.expression_names == NAMES
    known = np.flatnonzero(head.landmark_known.numpy()).tolist()
    assert known == [8, 36, 45]  # vertex 2086 is not in the smallest model
    assert head.landmark_vertices[known, 0].tolist() == [33, 177, 610]
    assert head.contour.shape == (17, 3)
    assert head.contour[[0, 7, 8, 9, 16]].tolist() == [
        [380, 373, 356],
        [380, 373, 356],
        [33, 33, 33],
        [795, 790, 790],
        [795, 790, 790],
    ]
    np.testing.assert_array_equal(head.mirror, mirror)
    assert len(head.provenance.sources) == 5


def test_what_is_given_must_fit_and_what_lies_about_need_not(tmp_path: Path, small: EosModel) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = elsewhere / "expression_blendshapes_12.bin"
    other.write_bytes(EosModel(15, 20, 1, expressions=NAMES, eyes=(0, 1)).blendshapes())
    landmarks = tmp_path / "ibug_to_sfm.txt"
    landmarks.write_text("[landmark_mappings]\n1 = 13\n")
    given = refusal(tmp_path, small.encode(1), with_=(other,))
    assert given.code == "model_mismatch"
    assert "15 vertices, the model 12" in given.message
    assert refusal(tmp_path, small.encode(1), with_=(landmarks,)).code == "model_mismatch"
    head = read(tmp_path, small.encode(1))
    assert not head.has_field("landmark_vertices")
    assert any("ibug_to_sfm.txt beside the model was left out" in n for n in head.provenance.notes)
    stranger = tmp_path / "readme.doc"
    stranger.write_bytes(b"hello")
    assert refusal(tmp_path, small.encode(1), with_=(stranger,)).code == "model_kind"
    assert refusal(tmp_path, small.encode(2), with_=(other,)).code == "model_kind"  # has its own


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ibug_to_x.txt", "nonsense"),
        ("ibug_to_x.txt", "[landmark_mappings]\n69 = 1\n"),
        ("ibug_to_x.txt", "[landmark_mappings]\n1 = -1\n"),
        ("ibug_to_x.txt", "[landmark_mappings]\n1 = 'a'\n"),
        ("ibug_to_x.txt", "[landmark_mappings]\n1 = 99999999999999999999\n"),
        ("a_contours.json", "[]"),
        ("a_contours.json", "[" * 100_000),
        ("a_contours.json", '{"model_contour": {"right_contour": [], "left_contour": [1]}}'),
        ("a_contours.json", '{"model_contour": {"right_contour": [-1], "left_contour": [1]}}'),
        ("a_symmetry.txt", "1\n2\nx\n"),
        ("a_symmetry.txt", "1\n" * 12),
        ("a_blendshapes.bin", "\0"),
        ("a_blendshapes.bin", "\xff" * 8),
    ],
)
def test_damaged_companions(tmp_path: Path, small: EosModel, name: str, content: str) -> None:
    (tmp_path / name).write_bytes(content.encode("latin1"))
    (tmp_path / "ibug_to_sfm.txt").write_text("[landmark_mappings]\n9 = 3\n")
    assert refusal(tmp_path, small.encode(1), with_=(tmp_path / name,)).code == "weights_damaged"


def test_wrong_models(tmp_path: Path, small: EosModel) -> None:
    def changed(**values: object) -> EosModel:
        model = EosModel(12, 15, 2, 1, points={"37": 0, "46": 1}, eyes=(0, 1))
        for name, value in values.items():
            setattr(model, name, value)
        return model

    def code(version: int = 3, **values: object) -> str:
        return refusal(tmp_path, changed(**values).encode(version)).code

    assert code(faces=small.faces + 1) == "model_index"  # MATLAB's way of counting
    assert code(faces=small.faces - 1) == "model_index"
    assert code(points={"37": 0, "46": 12}) == "model_index"
    assert code(mean=small.mean * 1000) == "model_unit"
    assert code(mean=small.mean * np.nan) == "model_not_finite"
    assert code(basis=small.basis * np.inf) == "model_not_finite"
    assert code(basis=small.basis * np.float32(3e38)) == "model_not_finite"
    assert code(variance=-small.variance) == "weights_damaged"
    assert code(variance=small.variance[:1]) == "model_shape"
    assert code(basis=small.basis[:-3]) == "model_shape"
    assert code(mean=small.mean.reshape(-1)[:-1]) == "model_shape"
    assert code(color_basis=small.color_basis[:-3]) == "model_shape"
    assert code(texture=small.texture[:5]) == "model_shape"
    assert code(5) == "weights_damaged"
    assert code(0) == "weights_damaged"
    tiled = read(tmp_path, changed(texture=small.texture[:12] * 4).encode(3))
    assert not tiled.has_field("uv")


def test_cut_anywhere(tmp_path: Path, small: EosModel, full: EosModel) -> None:
    data = small.encode(4)
    assert read(tmp_path, data).has_field("uv_faces")
    for end in range(0, len(data), 7):
        assert refusal(tmp_path, data[:end]).code in ("weights_damaged", "model_shape")
    assert refusal(tmp_path, data + b"\0").code == "weights_damaged"
    large = full.encode(4)
    for end in np.linspace(1, len(large) - 1, 12).astype(int):
        assert refusal(tmp_path, large[:end]).code in ("weights_damaged", "model_shape")


def test_lying_counts_allocate_nothing(tmp_path: Path, small: EosModel) -> None:
    data = small.encode(4)
    mean = 4 + 8 + 4 * 36
    triangles = mean + 8 + 4 * 72 + 8 + 4 * 2
    for at, lie in (
        (4, struct.pack("<ii", 2**31 - 1, 1)),
        (4, struct.pack("<ii", -36, -1)),
        (mean, struct.pack("<ii", 2**31 - 1, 2**31 - 1)),
        (triangles, struct.pack("<Q", 2**63)),
        (triangles, struct.pack("<Q", 1 << 33)),
    ):
        broken = data[:at] + lie + data[at + len(lie) :]
        tracemalloc.start()
        error = refusal(tmp_path, broken)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert error.code == "weights_damaged"
        assert "claims" in error.message
        assert peak < 1 << 20


@settings(max_examples=120)
@given(flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=4))
def test_flipped_bytes_end_in_an_error_or_a_sound_head(
    tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[int, int]]
) -> None:
    model = EosModel(12, 15, 2, 1, ("smile",), 0, {"1": 3, "37": 0, "46": 1}, eyes=(0, 1), uv_triangles=True)
    data = bytearray(model.encode(4))
    for at, mask in flips:
        data[at % len(data)] ^= mask
    path = tmp_path_factory.getbasetemp() / "flipped.bin"
    path.write_bytes(data)
    try:
        head = surrey.read(path)
    except WeightsError:
        return
    check_head(head)


def test_what_is_recognized(tmp_path: Path, small: EosModel) -> None:
    def known(data: bytes, name: str) -> bool:
        (tmp_path / name).write_bytes(data)
        return surrey.recognizes(tmp_path / name)

    assert known(small.encode(1), "a.bin")
    assert known(small.encode(4), "b.model")
    assert known(small.scm(), "c.scm")
    assert not known(small.scm(), "d.bin")
    assert not known(small.blendshapes(), "e.bin")
    assert not known(b"", "f.bin")
    assert not known(small.encode(1)[:40], "g.bin")
    assert not surrey.recognizes(tmp_path)
    assert not surrey.recognizes(tmp_path / "absent")
    assert not surrey.recognizes(Path("/dev/zero"))
    assert not surrey.recognizes(Path("a\0b"))


def test_the_publishers_own_format(tmp_path: Path, full: EosModel) -> None:
    u, v = np.linspace(-3, 5, 3448), np.linspace(20, 10, 3448)
    isomap = tmp_path / "sfm_isomap.txt"
    isomap.write_text("".join(f"{a:.17g} {b:.17g}\n" for a, b in zip(u, v, strict=True)))
    (tmp_path / "ibug_to_sfm.txt").write_text("[landmark_mappings]\n37 = 177\n46 = 610\n")
    head = read(tmp_path, full.scm(), "sfm.scm", (isomap,))
    check_head(head)
    code = np.linspace(2, -2, full.modes)
    decoded = head.vertices(identity=head.mean.new_tensor(code))
    np.testing.assert_allclose(decoded, shapes_of(full, code), atol=2e-7)
    modes = full.color_basis.T * np.sqrt(full.color_variance)[:, None]
    np.testing.assert_allclose(head.albedo.reshape(4, -1), modes, atol=1e-7)
    np.testing.assert_allclose(head.albedo_mean.reshape(-1), full.color_mean, atol=1e-7)
    np.testing.assert_array_equal(head.faces, full.faces)
    np.testing.assert_allclose(head.uv, np.stack([(u + 3) / 8, (v - 10) / 10], 1), atol=1e-6)
    assert head.provenance.label == "surrey 3448"


def test_damaged_scm(tmp_path: Path, small: EosModel) -> None:
    data = small.scm()
    shape_only = data[: 8 + 12 * 15 + 8 + 8 * 72 + 4 + 8 * 36 + 4 + 8 * 2]
    assert not read(tmp_path, shape_only, "a.scm").has_field("albedo_mean")
    for end in range(0, len(data), 11):
        if end != len(shape_only):
            codes = ("weights_damaged", "model_shape")
            assert refusal(tmp_path, data[:end], "a.scm").code in codes
    longer = read(tmp_path, data + b"rest", "a.scm")
    assert any("4 bytes after the colors" in note for note in longer.provenance.notes)
    wrong = struct.pack("<I", 13) + data[4:]
    assert refusal(tmp_path, wrong, "a.scm").code == "weights_damaged"
    isomap = tmp_path / "isomap.txt"
    for content, code in (
        ("1 2\n", "model_mismatch"),
        ("1 2 3\n", "weights_damaged"),
        ("a b\n", "weights_damaged"),
        ("1 2\n" * 12, "weights_damaged"),
        ("1 2\n" * 11 + "nan 3\n", "model_not_finite"),
    ):
        isomap.write_text(content)
        assert refusal(tmp_path, data, "a.scm", (isomap,)).code == code
