"""Files of picked points, good and bad."""

import numpy as np
import pytest

from headform.errors import InputError
from headform.io.mesh.picked_points import read_points

POINTS = np.array([[1.5, -2.0, 3e-1], [4.0, 5.0, 6.0], [-7.25, 8.0, 9.0]])
PP = """<!DOCTYPE PickedPoints>
<PickedPoints>
 <DocumentData><DateTime time="1" date="2"/></DocumentData>
 <point x="1.5" y="-2" z="0.3" active="1" name="a"/>
 <point y='5' name="b" z='6' x='4' active="1"/>
 <point name="x=&quot;3&quot;"
   active="1" z="9.0" x="-7.25" y="8"/>
</PickedPoints>
"""


@pytest.mark.parametrize(
    "text",
    [
        "1.5 -2.0 0.3\n4 5 6\n-7.25 8 9\n",
        "1.5,-2.0,.3\r\n4,5,6\r\n-7.25,8,9",
        "x,y,z\n1.5;-2.0;3e-1\n\n4;5;6\n# the chin\n-7.25;8;9;\n",
        "0 1.5 -2 .3\n1 4 5 6\n2 -7.25 8 9\n",
        "\ufeff1.5\t-2\t0.3\n4\t5\t6\n-7.25\t8\t9\n",
        PP,
    ],
)
def test_every_form(tmp_path, text):
    path = tmp_path / "points.any"
    path.write_text(text, encoding="utf-8")
    np.testing.assert_array_equal(read_points(path), POINTS)


def test_points_that_were_not_picked_are_nan(tmp_path):
    path = tmp_path / "points.txt"
    path.write_text("nan nan nan\n1 2 3\n")
    np.testing.assert_array_equal(np.isnan(read_points(path)).all(1), [True, False])
    path.write_text(PP.replace('active="1" name="a"', 'active="0" name="a"'))
    np.testing.assert_array_equal(np.isnan(read_points(path)).all(1), [True, False, False])


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"1 2\n", "landmarks_format", "3 numbers, not 2"),
        (b"1 2 3\n1 2 three\n", "landmarks_format", "line 2"),
        (b"1 2 inf\n", "landmarks_not_finite", "infinite"),
        (b"1 2 3 1\n4 5 6 1\n4 7 8 1\n", "landmarks_format", "line 3"),
        (b"0.5 2 3 1\n1 5 6 1\n", "landmarks_format", "line 1"),
        (b"1 2 3\n1 4 5 6\n", "landmarks_format", "line 2"),
        (b"0 1 2 3\n4 5 6\n", "landmarks_format", "line 2"),
        (b"\xff\xfe\x00x", "landmarks_format", "not text"),
        (b"# nothing\n", "landmarks_empty", "no points"),
        (b'<point x="1" y="2"/>', "landmarks_format", "point 1"),
        (b'<point x="1" y="2" z="q"/>', "landmarks_format", "point 1"),
        (b"", "landmarks_unreadable", "0 bytes"),
    ],
)
def test_bad_files(tmp_path, content, code, says):
    path = tmp_path / "bad.pp"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_points(path)
    assert caught.value.code == code
    assert says in str(caught.value)


@pytest.mark.parametrize("shape", [(3, 3), (1, 3, 3)])
def test_arrays(tmp_path, shape):
    np.save(tmp_path / "points.npy", POINTS.reshape(shape).astype(np.float32))
    np.testing.assert_array_equal(read_points(tmp_path / "points.npy"), np.float32(POINTS))


@pytest.mark.parametrize("shape", [(), (3,), (3, 4), (2, 3, 3), (1, 3, 2)])
def test_arrays_of_other_shapes(tmp_path, shape):
    np.save(tmp_path / "points.npy", np.zeros(shape))
    with pytest.raises(InputError, match="3 coordinates") as caught:
        read_points(tmp_path / "points.npy")
    assert caught.value.code == "landmarks_shape"


def test_inactive_points_are_taken_when_asked_for(tmp_path):
    (tmp_path / "a.pp").write_text(PP.replace('active="1"', 'active="0"'))
    assert np.isnan(read_points(tmp_path / "a.pp")).all()
    np.testing.assert_array_equal(read_points(tmp_path / "a.pp", inactive=True), POINTS)


def test_an_absent_file(tmp_path):
    with pytest.raises(InputError) as caught:
        read_points(tmp_path / "none.txt")
    assert caught.value.code == "landmarks_unreadable"
