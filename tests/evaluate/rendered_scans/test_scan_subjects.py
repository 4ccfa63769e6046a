"""Scans from files: colors, landmarks and units, found, given or guessed."""

import json

import numpy as np
import pytest
from PIL import Image

from headform import heads
from headform.errors import InputError
from headform.evaluate.rendered_scans.scan_subjects import FOUND, list_scans, read_scan
from headform.geometry.units import OUTER_EYES_M
from headform.io.mesh import obj, ply
from headform.io.mesh.triangle_mesh import TriangleMesh


@pytest.fixture(scope="module")
def head():
    return heads.load_open()


def seven(head, scale: float = 1.0) -> np.ndarray:
    return scale * head.mean.double().numpy()[head.now7.numpy()]


def sheet(head, scale: float = 1.0) -> np.ndarray:
    """Four corners about the face."""
    middle = seven(head).mean(0)
    return scale * (middle + 0.1 * np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0.0]]))


FACES = np.array([[0, 1, 2], [0, 2, 3]])


def write_obj(path, head, scale=1.0):
    uv = np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]])
    path.write_bytes(obj.encode(TriangleMesh(sheet(head, scale), FACES, uv, FACES)))
    return path


def write_ply(path, head, colors=True):
    rows = np.full((4, 3), 0.5) if colors else None
    path.write_bytes(ply.encode(TriangleMesh(sheet(head), FACES, colors=rows)))
    return path


def picture(path, tone=90):
    Image.fromarray(np.full((16, 16, 3), tone, np.uint8)).save(path)
    return path


def never(mesh, name):
    raise AssertionError("the landmarks were in a file")


def test_files_and_folders_of_scans(tmp_path):
    for name in ("b.obj", "sub/a.PLY", "sub/c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [p.name for p in list_scans([tmp_path])] == ["b.obj", "a.PLY"]
    assert [p.name for p in list_scans([tmp_path / "sub", tmp_path / "b.obj"])] == [
        "a.PLY",
        "b.obj",
    ]
    with pytest.raises(InputError, match="two scans have the name b"):
        list_scans([tmp_path, tmp_path / "b.obj"])
    (tmp_path / "empty").mkdir()
    for missing in (tmp_path / "empty", tmp_path / "none.obj"):
        with pytest.raises(InputError) as caught:
            list_scans([missing])
        assert caught.value.code == "scan_missing"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("me.png", "Map-COL.png"), 90),  # its own name goes first
        (("Map-SPEC.png", "Map-COL.png"), 91),
        (("Map-SPEC.png",), None),
        (("a-col.png", "b-diffuse.png"), None),  # not to be guessed
    ],
)
def test_the_picture_of_an_obj(tmp_path, head, names, expected):
    path = write_obj(tmp_path / "me.obj", head)
    np.savetxt(tmp_path / "me.txt", seven(head))
    for k, name in enumerate(names):
        picture(tmp_path / name, 90 + k)
    if expected is None:
        with pytest.raises(InputError) as caught:
            read_scan(path, never, head)
        assert caught.value.code == "scan_untextured"
        path_given = read_scan(path, never, head, texture=tmp_path / names[0])
        assert path_given.placed.mesh.texture[0, 0, 0] == 90
    else:
        assert read_scan(path, never, head).placed.mesh.texture[0, 0, 0] == expected


def test_vertex_colors_will_do(tmp_path, head):
    np.savetxt(tmp_path / "me.txt", seven(head))
    assert read_scan(write_ply(tmp_path / "me.ply", head), never, head).placed.mesh.colored
    with pytest.raises(InputError) as caught:
        read_scan(write_ply(tmp_path / "me.ply", head, colors=False), never, head)
    assert caught.value.code == "scan_untextured"


@pytest.mark.parametrize("form", ["rows", "now7", "51", "npy", "pp"])
def test_landmarks_beside_the_scan(tmp_path, head, form):
    path, points = write_ply(tmp_path / "me.ply", head), seven(head)
    if form == "51":
        inner = head.landmarks(head.mean, offset=False).double().numpy()[17:]
        (tmp_path / "me.json").write_text(json.dumps({"points": inner.tolist()}))
    elif form == "npy":
        np.save(tmp_path / "me.npy", points)
    elif form == "pp":
        tags = "".join(f'<point x="{x!r}" y="{y!r}" z="{z!r}"/>\n' for x, y, z in points.tolist())
        (tmp_path / "me.pp").write_text(f"<PickedPoints>\n{tags}</PickedPoints>\n")
    else:
        content = points.tolist() if form == "rows" else {"now7": points.tolist()}
        (tmp_path / "me.json").write_text(json.dumps(content))
    subject = read_scan(path, never, head)
    np.testing.assert_allclose(subject.now7, points, atol=1e-7)
    assert subject.landmark_source.startswith("me.")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[", "format"),
        ("{}", "format"),
        ("[1, 2]", "format"),
        ("[[1, 2, 3]]", "shape"),
        ("null", "empty"),
        ('{"now7": "x"}', "format"),
    ],
)
def test_broken_landmarks_are_refused(tmp_path, head, text, code):
    path = write_ply(tmp_path / "me.ply", head)
    (tmp_path / "me.json").write_text(text)
    with pytest.raises(InputError) as caught:
        read_scan(path, never, head)
    assert caught.value.code == f"landmarks_{code}"


def test_landmarks_of_one_point_are_refused(tmp_path, head):
    (tmp_path / "me.json").write_text(json.dumps([[1, 2, 3]] * 7))
    with pytest.raises(InputError) as caught:
        read_scan(write_ply(tmp_path / "me.ply", head), never, head)
    assert caught.value.code == "landmarks_degenerate"


def test_without_a_file_the_landmarks_are_found(tmp_path, head):
    asked = []

    def find(mesh, name):
        asked.append((name, len(mesh.vertices)))
        return seven(head)

    subject = read_scan(write_ply(tmp_path / "me.ply", head), find, head)
    assert subject.landmark_source == FOUND
    assert asked == [("me.ply", 4)]


@pytest.mark.parametrize(("scale", "unit"), [(1.0, "m"), (100.0, "cm"), (1000.0, "mm")])
def test_the_unit_is_guessed_and_said_to_be(tmp_path, head, scale, unit):
    path = write_obj(tmp_path / "me.obj", head, scale)
    picture(tmp_path / "me.png")
    np.savetxt(tmp_path / "me.txt", seven(head, scale))
    subject = read_scan(path, never, head)
    assert (subject.unit, subject.unit_known) == (unit, False)
    np.testing.assert_allclose(subject.landmarks(), seven(head, 1000.0))
    np.testing.assert_allclose(subject.surface().vertices, sheet(head, 1000.0)[subject.seen])
    assert subject.seen.all()
    told = read_scan(path, never, head, unit="dm")
    assert (told.unit, told.unit_known, told.millimeters) == ("dm", True, 100)


@pytest.mark.parametrize("scale", [0.4, 3.0, 45.0, 1e5])
def test_a_scan_in_no_unit_is_scaled_to_the_mean_head(tmp_path, head, scale):
    """As the unit of a scan that someone has normalized; none of our units would make it a head."""
    path = write_obj(tmp_path / "me.obj", head, scale)
    picture(tmp_path / "me.png")
    np.savetxt(tmp_path / "me.txt", seven(head, scale))
    subject = read_scan(path, never, head)
    assert (subject.unit, subject.unit_known) == ("", False)
    eyes = np.linalg.norm(subject.landmarks()[0] - subject.landmarks()[3])
    assert eyes == pytest.approx(1000 * OUTER_EYES_M)
    ratio = subject.surface().vertices / sheet(head, scale)[subject.seen]
    np.testing.assert_allclose(ratio, subject.millimeters, rtol=1e-6)
