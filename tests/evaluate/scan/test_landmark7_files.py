"""Seven landmarks from every kind of file, and files that hold none."""

import io

import numpy as np
import pytest

from headform.errors import InputError
from headform.evaluate.scan.landmark7_files import read_landmarks7
from headform.evaluate.scan.landmarks7 import TYPICAL, check_order, face_frame
from tests.evaluate.scan.golden import picks

POINTS = TYPICAL + np.array([0.1, 1500.25, -3.0])


@pytest.mark.parametrize("shape", [(7, 3), (1, 7, 3)])
@pytest.mark.parametrize("kind", [np.float64, np.float32, ">f8"])
def test_npy(tmp_path, shape, kind):
    np.save(tmp_path / "l.npy", POINTS.reshape(shape).astype(kind))
    found = read_landmarks7(tmp_path / "l.npy")
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, POINTS.astype(kind).astype(np.float64))


@pytest.mark.parametrize("between", [" ", "  \t", ", "])
def test_txt(tmp_path, between):
    text = "\n".join(between.join(map(repr, row)) for row in POINTS.tolist()) + "\n\n"
    (tmp_path / "l.txt").write_text(text)
    np.testing.assert_array_equal(read_landmarks7(tmp_path / "l.txt"), POINTS)


def many(count: int) -> np.ndarray:
    """iBUG's 68 or its 51 without the jaw, the seven among them at their places, the others far off."""
    rows = np.random.default_rng(count).normal(0, 1e4, (68, 3))
    rows[[36, 39, 42, 45, 33, 48, 54]] = POINTS
    return rows[68 - count :]


@pytest.mark.parametrize("count", [51, 68])
def test_the_seven_among_the_points_of_ibug(tmp_path, count):
    np.save(tmp_path / "l.npy", many(count))
    np.savetxt(tmp_path / "l.txt", many(count), fmt="%.17g")
    (tmp_path / "l.pp").write_text(picks(many(count)))
    rows = [f"{i + 1} " + " ".join(map(repr, row)) for i, row in enumerate(many(count).tolist())]
    (tmp_path / "l.lnd").write_text("\n".join(rows))
    for ending in ("npy", "txt", "lnd"):
        np.testing.assert_array_equal(read_landmarks7(tmp_path / f"l.{ending}"), POINTS)
    np.testing.assert_array_equal(read_landmarks7(tmp_path / "l.pp"), POINTS.astype(np.float32).astype(np.float64))


def test_an_absent_jaw_or_brow_is_no_matter(tmp_path):
    rows = many(68)
    rows[:20] = np.nan
    np.save(tmp_path / "l.npy", rows)
    np.testing.assert_array_equal(read_landmarks7(tmp_path / "l.npy"), POINTS)
    rows[36] = np.nan
    np.save(tmp_path / "l.npy", rows)
    with pytest.raises(InputError) as caught:
        read_landmarks7(tmp_path / "l.npy")
    assert caught.value.code == "landmarks_not_finite"


def test_lnd(tmp_path):
    rows = [f"{i + 1} " + " ".join(map(repr, row)) for i, row in enumerate(POINTS.tolist())]
    (tmp_path / "l.lnd").write_text("\n".join(rows))
    np.testing.assert_array_equal(read_landmarks7(tmp_path / "l.lnd"), POINTS)


def test_rows_of_four_numbers_are_no_points(tmp_path):
    """Homogeneous coordinates must not be taken for an index and a point."""
    (tmp_path / "l.txt").write_text("".join(f"{x} {y} {z} 1\n" for x, y, z in POINTS.tolist()))
    with pytest.raises(InputError, match="index") as caught:
        read_landmarks7(tmp_path / "l.txt")
    assert caught.value.code == "landmarks_format"


def test_pp_attributes_in_any_order_as_float32(tmp_path):
    (tmp_path / "l.pp").write_text(picks(POINTS))
    found = read_landmarks7(tmp_path / "l.pp")
    np.testing.assert_array_equal(found, POINTS.astype(np.float32).astype(np.float64))


def test_pp_with_more_points_takes_its_lines_8_to_14(tmp_path):
    lines = picks(POINTS).splitlines()
    assert "<point" in lines[8]
    assert "<point" not in lines[7]
    lines.insert(15, '<point x="1" y="2" z="3" active="0" name="more"/>')
    lines[9] = lines[9].replace('active="1"', 'active="0"')
    assert 'active="0"' in lines[9]
    (tmp_path / "l.pp").write_text("\n".join(lines))
    np.testing.assert_allclose(read_landmarks7(tmp_path / "l.pp"), POINTS, rtol=1e-7)


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("l.npy", None, "landmarks_unreadable"),
        ("l.npy", b"", "landmarks_unreadable"),
        ("l.json", b"[]", "landmarks_empty"),
        ("l.json", b"{}", "landmarks_format"),
        ("l.json", b"[" * 100000, "landmarks_format"),
        ("l.json", b"[[1, 2, true]]", "landmarks_format"),
        ("l.json", b"[[1, 2, 1" + b"0" * 400 + b"]]", "landmarks_format"),
        ("l.csv", b"1 2 3\n" * 7, "landmarks_format"),
        ("l.txt", b"1 2 3\n4 5\n", "landmarks_format"),
        ("l.txt", b"1 2 x\n", "landmarks_format"),
        ("l.txt", b"\xff\xfe", "landmarks_format"),
        ("l.txt", b"1 2 3\n" * 6, "landmarks_shape"),
        ("l.txt", b"1 2 inf\n" * 7, "landmarks_not_finite"),
        ("l.pp", b"<PickedPoints>\n</PickedPoints>\n" * 9, "landmarks_empty"),
        ("l.pp", b"<point x='1' y='2'/>\n" * 7, "landmarks_format"),
    ],
)
def test_files_that_hold_none(tmp_path, name, data, code):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_landmarks7(tmp_path / name)
    assert caught.value.code == code
    assert "mesh" not in str(caught.value)


def test_a_header_that_promises_too_much_allocates_nothing(tmp_path):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (10**12, 3)})
    (tmp_path / "l.npy").write_bytes(file.getvalue() + b"\0" * 168)
    with pytest.raises(InputError) as caught:
        read_landmarks7(tmp_path / "l.npy")
    assert caught.value.code == "landmarks_format"


def test_objects_are_never_unpickled(tmp_path):
    np.save(tmp_path / "l.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="objects") as caught:
        read_landmarks7(tmp_path / "l.npy")
    assert caught.value.code == "landmarks_format"


def test_every_single_exchange_is_noticed():
    """But the exchange of all left and right, which a mirrored face looks like."""
    check_order(POINTS, "")
    check_order(POINTS[[3, 2, 1, 0, 4, 6, 5]], "")
    for i in range(7):
        for j in range(i):
            order = np.arange(7)
            order[[i, j]] = order[[j, i]]
            with pytest.raises(InputError) as caught:
                check_order(POINTS[order], "")
            assert caught.value.code in ("landmarks_order", "landmarks_degenerate")


def test_face_frame():
    np.testing.assert_allclose(face_frame(POINTS)[:, 0], [1, 0, 0], atol=1e-12)
    assert face_frame(POINTS)[2, 2] > 0.95, "forwards"
    with pytest.raises(ValueError, match="on a line"):
        face_frame(np.outer(np.arange(7.0), [1, 2, 3]))
