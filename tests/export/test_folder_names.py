"""Names of result folders that never collide."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headform.export.folder_names import TakenNames, face_names, is_of, name_of_faces, stem_of


def names(*paths):
    taken = TakenNames(["manifest.jsonl"])
    return [taken.take(stem_of(Path(path))) for path in paths]


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
        (["日" * 90 + ".jpg"], ["日" * 66]),  # 200 bytes and no half character
        (["x" * 99 + " y.jpg"], ["x" * 99]),
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


@given(st.text(st.characters(exclude_characters="/\\0"), min_size=1, max_size=80))
def test_a_name_is_that_of_one_visible_folder(stem):
    name = stem_of(Path(f"{stem}.jpg"))
    assert name
    assert name[0] != "."
    assert len(os.fsencode(name)) <= 200


@pytest.mark.parametrize("count", [1, 2, 11])
@pytest.mark.parametrize("name", ["me", "me_0", "me_0-2", "a_b"])
def test_the_folders_of_faces_tell_the_name(name, count):
    folders = face_names(name, count)
    assert len(set(folders)) == count
    assert name_of_faces(folders) == name
    assert all(is_of(folder, name) for folder in folders)


def test_other_folders_are_not_of_a_name():
    assert not any(is_of(other, "me") for other in ("me-2", "me_", "me_x", "me_1x", "Me", "me2", "me_0_0", "me_²"))
