"""Names on the command line to photos and folders that never collide."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headform.cli.inputs import list_inputs


def names(*paths: str) -> list[str]:
    return [item.name for item in list_inputs([Path(p) for p in paths])]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["me.jpg"], ["me"]),
        (["a/me.jpg", "b/me.png", "me.webp"], ["me", "me-2", "me-3"]),
        (["Me.jpg", "me.jpg"], ["Me", "me-2"]),  # one folder where case does not count
        (["me.jpg", "me-2.jpg", "me.png"], ["me", "me-2", "me-3"]),
        (["me.jpg", "me_0.jpg"], ["me", "me_0-2"]),  # me_0 is the first of two faces in me.jpg
        (["me_0.jpg", "me.jpg"], ["me_0", "me-2"]),
        (["me_0.jpg"], ["me_0"]),
        (["same.jpg", "same.jpg"], ["same", "same-2"]),
        (["...jpg", ".jpg"], ["photo", "jpg"]),  # never the parent folder, never a hidden one
        (["manifest.jsonl.png"], ["manifest.jsonl-2"]),
        (["x" * 240 + ".jpg"], ["x" * 100]),
    ],
)
def test_result_folders(paths, expected):
    assert names(*paths) == expected


def test_several_faces_of_one_photo_never_meet_another_photo():
    """The folders that `_0`, `_1` would make are free, whichever order the photos come in."""
    for order in (["me.jpg", "me_0.jpg"], ["me_0.jpg", "me.jpg"]):
        found = {name.casefold() for name in names(*order)}
        assert not {f"{name}_0" for name in found} & found


@given(st.lists(st.sampled_from(["a", "a_0", "a_0_0", "a-2", "A", "a_0-2", "b_1", "b"]), max_size=8))
def test_names_stay_apart_for_any_list(stems):
    found = [name.casefold() for name in names(*[f"{stem}.jpg" for stem in stems])]
    assert len(set(found)) == len(found)
    with_faces = {f"{name}_{k}" for name in found for k in range(2)}
    assert not with_faces & set(found)


def test_folder_gives_its_photos_in_order_of_name(tmp_path):
    for name in ("b.JPG", "a.png", ".hidden.jpg", "notes.txt", "c.webp", "d.jpeg"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "deeper.jpg").mkdir()
    found = [item.path.name for item in list_inputs([tmp_path])]
    assert found == ["a.png", "b.JPG", "c.webp", "d.jpeg"]


def test_folder_without_photos_is_an_input_that_fails(tmp_path):
    (item,) = list_inputs([tmp_path])
    assert item.error is not None
    assert (item.error.code, item.error.exit_code) == ("folder_empty", 3)
