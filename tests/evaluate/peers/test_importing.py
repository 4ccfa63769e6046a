"""Output trees of other systems become predictions that measure as the heads in them do."""

import json
from dataclasses import replace

import numpy as np
import pytest
import scipy.io

from headform.cli.main import main
from headform.errors import FaceError, InputError, UsageError
from headform.evaluate.now.image import Options
from headform.evaluate.now.layout import read_images
from headform.evaluate.now.run import evaluate_dataset
from headform.evaluate.peers import import_predictions
from headform.evaluate.peers.importing import summary
from headform.evaluate.peers.seven_points import is_like_a_face
from headform.evaluate.peers.systems import FLAME, SYSTEMS
from headform.evaluate.scan.landmark7_files import read_landmarks7
from headform.evaluate.scan.landmarks7 import TYPICAL
from headform.evaluate.scan.mesh_files import read_surface
from headform.geometry.landmarks68 import NOW7
from headform.importers.basel_topology import FRONT, WITHOUT_MOUTH_2017, landmark_vertices
from tests.evaluate.now.made_tree import prediction, write_prediction
from tests.evaluate.peers.system_files import NAMES, SMALL, as_68, deca, mica, padded, prnet, write


@pytest.fixture(scope="module")
def truth(few, tmp_path_factory):
    """Numbers of the same heads, written by us."""
    folder = tmp_path_factory.mktemp("truth")
    for number, name in enumerate(NAMES):
        write_prediction(folder, name, *prediction(number))
    return evaluate_dataset(few, folder, Options(unit="m"))


def no_finder(mesh, name):
    raise AssertionError("landmarks are looked for")


def by_name(mesh, name):
    """The landmarks of the made head of this name, half a millimeter off."""
    number = int(name.rsplit("IMG_", 1)[1][:4]) - 100
    return (padded(number, FLAME)[2] + [0.5, 0, 0]) / 1000


@pytest.fixture
def small_prnet(monkeypatch):
    """Meshes of few vertices, which are written quickly, are taken for PRNet's."""
    monkeypatch.setitem(SYSTEMS, "prnet", replace(SYSTEMS["prnet"], counts=(SMALL,)))


def assert_like(table, truth, tolerance=1e-3):
    for found, wanted in zip(table.records, truth.records, strict=True):
        if found.status == "missing":
            continue
        assert found.status == "ok", found.message
        assert found.numbers.median == pytest.approx(wanted.numbers.median, rel=tolerance)


def test_mica_by_its_folders(few, tmp_path, truth):
    mica(tmp_path / "demo")
    result = import_predictions(tmp_path / "demo", "mica", tmp_path / "out", finder=no_finder)
    text = summary(result)
    assert "4 of 4 meshes of MICA, in mm" in text
    assert "unit: mm in 4 (as documented)" in text
    assert "landmarks: kpt7.npy in 4" in text
    assert "expression: neutral in 4" in text
    assert_like(evaluate_dataset(few, tmp_path / "out", Options(unit="mm")), truth)
    (tmp_path / "demo" / NAMES[0] / "kpt7.npy").unlink()
    again = import_predictions(tmp_path / "demo", "mica", tmp_path / "out", unit="m", finder=no_finder)
    assert [line.landmarks for line in again.lines if line.image.name == NAMES[0]] == ["kpt68.npy"]
    outer = read_landmarks7(tmp_path / "out" / f"{NAMES[0]}.npy")[[0, 3]]
    assert 0.07 < np.linalg.norm(outer[0] - outer[1]) < 0.11


def test_prnet_on_the_photo_with_points_upside_down(few, tmp_path, truth, small_prnet):
    prnet(tmp_path / "demo")
    images = read_images(few)
    result = import_predictions(tmp_path / "demo", "prnet", tmp_path / "out", images=images, finder=no_finder)
    text = summary(result)
    assert "unit: pixels in 2" in text
    assert "metrical errors say nothing" in text
    assert "landmarks: NAME_kpt.txt in 2" in text
    assert len(result.missing) == 2
    assert all(not line.upside_down and line.neutral is False for line in result.lines)
    assert_like(evaluate_dataset(few, tmp_path / "out", Options()), truth, tolerance=5e-3)
    assert not read_surface(tmp_path / "out" / f"{NAMES[0]}.obj").colored_obj


def test_prnet_mat_with_y_down_is_turned(tmp_path, small_prnet):
    vertices, faces, landmarks = padded(0, SMALL)
    down = np.array([1.0, -1.0, 1.0])
    base = tmp_path / "demo" / NAMES[0]
    base.parent.mkdir(parents=True)
    content = {"vertices": 2 * vertices * down, "triangles": faces, "colors": np.zeros((len(vertices), 3))}
    scipy.io.savemat(f"{base}_mesh.mat", content)
    np.savetxt(f"{base}_kpt.txt", as_68(2 * landmarks * down))
    result = import_predictions(tmp_path / "demo", "prnet", tmp_path / "out", finder=no_finder)
    assert result.lines[0].upside_down
    assert "axes: y down in 1, turned" in summary(result)
    written = read_surface(tmp_path / "out" / f"{NAMES[0]}.obj")
    size = np.linalg.norm(landmarks[0] - landmarks[3])
    np.testing.assert_allclose(written.vertices * size / 89, vertices, atol=1e-6 * size)


def test_deca_without_usable_points(few, tmp_path, truth):
    """Its points lie in the crop; landmarks are found on some meshes and carried over to all."""
    deca(tmp_path / "demo")
    asked = []

    def finder(mesh, name):
        asked.append(name)
        if len(asked) == 1:
            raise FaceError("no_face", "no face", name)
        return by_name(mesh, name)

    result = import_predictions(tmp_path / "demo", "deca", tmp_path / "out", finder=finder)
    assert len(asked) == 4  # one without a face, then three
    assert {line.mesh.endswith("_detail.obj") for line in result.lines} == {False}
    text = summary(result)
    assert "found by drawing the mesh" in text
    assert "kpt3d.txt is not in the frame of the mesh" in text
    assert "the photo's, where the benchmark asks for neutral faces in 4" in text
    assert_like(evaluate_dataset(few, tmp_path / "out", Options(unit="mm")), truth, tolerance=0.02)


def test_flat_names_of_several_photos_are_ambiguous(few, tmp_path):
    mesh, landmarks = padded(0, FLAME)[:2], padded(0, FLAME)[2]
    names = tmp_path / "list.txt"
    names.write_text("A/selfie/IMG_0001.jpg\nB/selfie/IMG_0001.jpg\nB/selfie/IMG_0002.jpg\n")
    images = read_images(names)
    for stem in ("IMG_0002", "A_selfie_IMG_0001", "B-selfie-IMG_0001", "elsewhere"):
        write(tmp_path / "demo" / "mesh" / f"{stem}.obj", mesh[0] / 1000, mesh[1])
        np.save(tmp_path / "demo" / "mesh" / f"{stem}.npy", landmarks / 1000)
    options = {"images": images, "finder": no_finder}
    result = import_predictions(tmp_path / "demo", "ringnet", tmp_path / "out", **options)
    assert [line.image.name for line in result.lines] == [image.name for image in images]
    assert [path.rsplit("/", 1)[1] for path in result.strays] == ["elsewhere.obj"]
    write(tmp_path / "demo" / "mesh" / "IMG_0001.obj", *mesh)
    with pytest.raises(InputError, match="may be any of 2 photos") as caught:
        import_predictions(tmp_path / "demo", "ringnet", tmp_path / "out", **options)
    assert caught.value.code == "peer_outputs_ambiguous"
    with pytest.raises(InputError, match="names no subject and challenge"):
        import_predictions(tmp_path / "demo", "ringnet", tmp_path / "out")


def test_a_neutral_mesh_is_taken_before_another(tmp_path):
    vertices, faces, landmarks = padded(0, FLAME)
    base = tmp_path / "demo" / "A" / "selfie"
    for name, size in (("mesh/x.obj", 900), ("mesh/x_neutral.obj", 1000)):
        write(base / name, vertices / size, faces)
        np.save(base / name.replace(".obj", ".npy"), landmarks / size)
    result = import_predictions(tmp_path / "demo", "ringnet", tmp_path / "out", finder=no_finder)
    assert [line.mesh.rsplit("/", 1)[1] for line in result.lines] == ["x_neutral.obj"]
    assert result.lines[0].neutral is True


@pytest.mark.parametrize(("system", "count", "per_mm"), [("deep3d", FRONT, 0.01), ("focus", WITHOUT_MOUTH_2017, 1.0)])
def test_basel_meshes_by_their_known_vertices(tmp_path, system, count, per_mm):
    rows = tuple(landmark_vertices(count)[k] for k in NOW7)
    vertices, faces, landmarks = padded(1, count, rows)
    suffix = {"deep3d": ".obj", "focus": ".ply"}[system]
    write(tmp_path / "demo" / "A" / "selfie" / f"x{suffix}", vertices * per_mm, faces)
    result = import_predictions(tmp_path / "demo", system, tmp_path / "out", finder=no_finder)
    assert result.lines[0].landmarks.startswith("known vertices of")
    assert result.lines[0].unit == {"deep3d": "dm", "focus": "mm"}[system]
    np.testing.assert_allclose(read_landmarks7(tmp_path / "out/A/selfie/x.npy"), landmarks, atol=1e-6)
    with pytest.raises(InputError, match=r"which is (the front of Basel 2009|Basel 2017 without mouth)") as caught:
        import_predictions(tmp_path / "demo", "mica", tmp_path / "elsewhere", finder=no_finder)
    assert caught.value.code == "peer_outputs_unusable"


def test_files_that_fit_nothing(tmp_path):
    good, faces, landmarks = padded(0, FLAME)
    base = tmp_path / "demo" / "A" / "selfie"
    for stem, vertices, marks in (
        ("fine", good, landmarks),
        ("giant", 30 * good, 30 * landmarks),
        ("foreign", padded(0, FLAME + 1)[0], landmarks),
    ):
        write(base / stem / "mesh.obj", vertices, faces)
        np.save(base / stem / "kpt7.npy", marks)
    (base / "torn").mkdir()
    (base / "torn" / "mesh.obj").write_text("v 1 2\n")
    older = tmp_path / "out" / "A" / "selfie" / "torn.obj"
    older.parent.mkdir(parents=True)
    older.write_text("older")
    result = import_predictions(tmp_path / "demo", "mica", tmp_path / "out", finder=no_finder)
    codes = {line.image.stem: line.code for line in result.lines}
    assert codes["fine"] == ""
    assert codes["giant"] == "peer_unit"
    assert codes["foreign"] == "peer_mesh_foreign"
    assert codes["torn"].startswith("mesh_")
    assert not older.exists()
    report = json.loads((tmp_path / "out" / "import.json").read_text())
    assert sorted(line["code"] for line in report["meshes"]) == sorted(codes.values())
    with pytest.raises(InputError) as caught:
        import_predictions(tmp_path / "out" / "A" / "none", "mica", tmp_path / "elsewhere")
    assert caught.value.code == "peer_outputs_missing"
    with pytest.raises(UsageError):
        import_predictions(tmp_path / "demo", "mica", tmp_path / "demo")


def test_the_command(few, tmp_path, capsys):
    mica(tmp_path / "demo")
    words = ["evaluate", "import", "--from", "mica", str(tmp_path / "demo"), "-o", str(tmp_path / "out")]
    assert main([*words, "--images", str(few)]) == 0
    assert "4 of 4 meshes of MICA" in capsys.readouterr().out
    for path in (tmp_path / "demo" / NAMES[0]).glob("mesh.*"):
        path.unlink()
    assert main([*words, "--images", str(few)]) == 7
    out = capsys.readouterr().out
    assert f"without a mesh: 1\n- {NAMES[0]}" in out


def test_what_is_like_a_face():
    assert is_like_a_face(TYPICAL)
    assert is_like_a_face(TYPICAL * [1.0, -1.0, 1.0])
    assert not is_like_a_face(TYPICAL * [1.0, 0.3, 1.0])
    assert not is_like_a_face(TYPICAL[[0, 2, 1, 3, 4, 5, 6]])
    assert set(SYSTEMS) == {"prnet", "deep3d", "ringnet", "deca", "focus", "albedogan", "mica"}
