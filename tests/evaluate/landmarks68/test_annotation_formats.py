"""Others' annotation files: what their pixels count from, and what is refused."""

import numpy as np
import pytest

from headform.errors import InputError
from headform.evaluate.landmarks68.annotation_formats import read_dlib_xml, read_pts

POINTS = np.column_stack([np.arange(68) * 1.5, 100 - np.arange(68) * 0.25])


def pts_text(points: np.ndarray = POINTS, count: object = 68) -> str:
    rows = "\n".join(f"{x:.3f} {y:.3f}" for x, y in points)
    return f"version: 1\nn_points:  {count}\n{{\n{rows}\n}}\n"


def xml_text(parts: str, box: str = "") -> str:
    return (
        "<?xml version='1.0' encoding='ISO-8859-1'?>\n"
        "<?xml-stylesheet type='text/xsl' href='image_metadata_stylesheet.xsl'?>\n"
        f"<dataset><images><image file='d/a.jpg'><box top='1' left='2' width='3' height='4'{box}>{parts}</box>"
        "<box top='9' left='9' width='9' height='9'/></image></images></dataset>"
    )


PARTS = "".join(f"<part name='{k:02d}' x='{x}' y='{y}'/>" for k, (x, y) in enumerate(POINTS))


def test_convention_pts_counts_the_first_pixels_center_as_one(tmp_path):
    path = tmp_path / "a.pts"
    path.write_text(pts_text())
    np.testing.assert_allclose(read_pts(path), POINTS - 0.5, atol=1e-9)


def test_pts_of_windows_are_read(tmp_path):
    path = tmp_path / "a.pts"
    path.write_bytes(pts_text().replace("\n", "\r\n").encode())
    np.testing.assert_allclose(read_pts(path), POINTS - 0.5, atol=1e-9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "braces"),
        (pts_text().replace("}", ""), "braces"),
        (pts_text(POINTS[:67]), "67 lines"),
        (pts_text(count=29), "declares 29"),
        (pts_text().replace("n_points:  68", "n_points"), "declares no number"),
        (pts_text().replace("n_points:  68", "n_points 29"), "declares 29"),
        (pts_text() + "1 2\n" * 300_000, "more than the limit"),
        (pts_text().replace("100.000", "nan"), "not finite"),
        (pts_text().replace("100.000", "here"), "not a number"),
        (pts_text().replace("100.000", "1 2"), "68 pairs"),
    ],
)
def test_broken_pts_are_refused(tmp_path, text, message):
    path = tmp_path / "a.pts"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_pts(path)
    assert caught.value.code == "annotations_invalid"
    assert str(path) in str(caught.value)


def test_files_that_are_not_there_or_no_text(tmp_path):
    for path in (tmp_path / "none.pts", tmp_path):
        with pytest.raises(InputError) as caught:
            read_pts(path)
        assert caught.value.code == "annotations_unreadable"
    (tmp_path / "b.pts").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a text"):
        read_pts(tmp_path / "b.pts")


def test_convention_dlib_counts_the_first_pixels_center_as_zero(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(xml_text(PARTS))
    (box,) = read_dlib_xml(path)
    assert box.photo == "d/a.jpg"
    np.testing.assert_allclose(box.points, POINTS + 0.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<dataset>", "not XML"),
        (xml_text(PARTS, " ignore='1'"), "no box"),
        (xml_text(""), "no box"),
        (xml_text(PARTS.replace("name='05'", "name='68'")), "not 00 to 67"),
        (xml_text(PARTS.replace("name='05'", "name='chin'")), "not 00 to 67"),
        (xml_text(PARTS.replace("x='1.5'", "x='wide'")), "misstates"),
        (xml_text(PARTS.replace("x='1.5'", "x='inf'")), "not finite"),
        (xml_text(PARTS.replace("x='1.5'", "")), "lacks or misstates"),
        ("<!DOCTYPE d [<!ENTITY a 'aaaa'>]><d>&a;</d>", "document type"),
    ],
)
def test_broken_xml_is_refused(tmp_path, text, message):
    path = tmp_path / "a.xml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_dlib_xml(path)
    assert caught.value.code == "annotations_invalid"


def test_real_files(data_root):
    boxes = read_dlib_xml(data_root / "photos/dlib_faces/training_with_face_landmarks.xml")
    assert len(boxes) == 18
    np.testing.assert_array_equal(boxes[0].points[0], [201.5, 107.5])
    points = read_pts(data_root / "photos/ibug_lfpw/image_0001.pts")
    np.testing.assert_allclose(points[0], [114.66766, 220.307529])


def test_a_pts_header_without_a_colon_is_read(tmp_path):
    path = tmp_path / "a.pts"
    path.write_text(pts_text().replace(":", ""))
    np.testing.assert_allclose(read_pts(path), POINTS - 0.5, atol=1e-9)


def xml_refusal(tmp_path, data: bytes) -> str:
    path = tmp_path / "a.xml"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_dlib_xml(path)
    assert caught.value.code == "annotations_invalid"
    return caught.value.message


@pytest.mark.parametrize(
    "encoding", ["foo", "hex", "zip", "rot13", "idna", "utf-7", "punycode", "mbcs", "shift_jis", "x" * 99]
)
def test_an_encoding_that_is_not_known_is_named(tmp_path, encoding):
    text = f"<?xml version='1.0' encoding='{encoding}'?><dataset/>"
    assert xml_refusal(tmp_path, text.encode())


def test_xml_in_other_encodings_is_read(tmp_path):
    for encoding in ("utf-8", "utf-16", "iso-8859-1", "cp1252"):
        path = tmp_path / "a.xml"
        path.write_bytes(xml_text(PARTS).replace("ISO-8859-1", encoding).replace("d/a", "d/é").encode(encoding))
        assert read_dlib_xml(path)[0].photo == "d/é.jpg"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<a>" * 100_000, "nested deeper"),
        ("<a " + "b " * 700_000, "not XML"),
        ("<a b='" + "c" * 3_000_000, "a tag is longer"),
        ("<a " + " ".join(f"b{k}='1'" for k in range(300_000)) + "/>", "a tag is longer"),
        (xml_text(PARTS + "".join(f"<part name='n{k}' x='1' y='1'/>" for k in range(1000))), "more than 68 parts"),
        (xml_text(PARTS).replace("d/a.jpg", "a" * 5000), "names no file"),
        (xml_text(PARTS).replace("d/a.jpg", "/"), "names no file"),
        (xml_text(PARTS).replace("x='0.0'", "x='1e999999'"), "not finite"),
        (xml_text(PARTS).replace("name='00'", f"name='{'9' * 5000}'"), "not 00 to 67"),
    ],
)
def test_xml_that_would_take_memory_or_time_is_refused(tmp_path, text, message):
    assert message in xml_refusal(tmp_path, text.encode())
