"""One folder of results, used again and by several: nothing is lost, nothing is mixed, nothing foreign is touched."""

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from headform.errors import FaceError, InputError, ResourceError, WeightsError
from headform.export.manifest import MANIFEST, absolute, read_manifest
from headform.export.result_writer import ResultFolder
from headform.io.folder_lock import FolderLock


@dataclass(frozen=True)
class Verdict:
    status: str = "ok"
    confidence: float = 0.5
    reasons: tuple[str, ...] = ()


def put(results, photo, content, count=1, more=()):
    """Write `count` faces, each with its content in parameters.npz and further files."""
    folders = results.stage(count)
    for number, folder in enumerate(folders):
        for name in ("parameters.npz", *more):
            (folder / name).write_text(f"{content}{number}")
    return results.put(photo, [(Verdict(), folder) for folder in folders])


def reconstruct(out, photo, content="x", **options):
    with ResultFolder(out, [photo]) as results:
        return put(results, photo, content, **options)


def content(out, name):
    return {path.name: path.read_text() for path in (out / name).iterdir()}


def folders(out):
    """Names of what lies in a folder of results, beside its manifest."""
    return sorted(path.name for path in out.iterdir() if path.name != MANIFEST)


def test_another_photo_of_the_same_name_gets_its_own_folder_in_every_later_run(tmp_path):
    out, a, b = tmp_path / "out", tmp_path / "A" / "IMG.jpg", tmp_path / "B" / "IMG.jpg"
    assert reconstruct(out, a, "a").name == "IMG"
    entry = reconstruct(out, b, "b")
    assert entry.name == "IMG-2"
    assert entry.notes == ("its folder is IMG-2: IMG is taken",)
    reconstruct(out, b, "new b")
    reconstruct(out, a, "new a")
    assert content(out, "IMG") == {"parameters.npz": "new a0"}
    assert content(out, "IMG-2") == {"parameters.npz": "new b0"}
    assert [(e.input, e.name) for e in read_manifest(out)] == [(str(a), "IMG"), (str(b), "IMG-2")]


def test_a_photo_is_the_same_by_any_path_to_it(tmp_path, monkeypatch):
    out, folder = tmp_path / "out", tmp_path / "A"
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(folder)
    for photo in (Path("IMG.jpg"), Path("../A/IMG.jpg"), tmp_path / "link" / "IMG.jpg", folder / "IMG.jpg"):
        reconstruct(out, photo)
    monkeypatch.chdir(tmp_path)
    reconstruct(out, Path("A/IMG.jpg"))
    (entry,) = read_manifest(out)
    assert (entry.input, entry.path) == ("A/IMG.jpg", str(folder / "IMG.jpg"))
    assert folders(out) == ["IMG"]
    reconstruct(out, Path("IMG.jpg"))  # another photo, though it is named as the first one was
    assert folders(out) == ["IMG", "IMG-2"]


def test_links_to_one_file_are_two_photos(tmp_path):
    (tmp_path / "x.jpg").touch()
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).symlink_to("x.jpg")
        reconstruct(tmp_path / "out", tmp_path / name)
    assert folders(tmp_path / "out") == ["a", "b"]


def test_files_that_a_run_did_not_write_are_gone_from_its_folder(tmp_path):
    out, photo = tmp_path / "out", tmp_path / "me.jpg"
    reconstruct(out, photo, "old", more=["head.glb", "overlay.png"])
    reconstruct(out, photo, "new", more=["head.ply"])
    assert content(out, "me") == {"parameters.npz": "new0", "head.ply": "new0"}


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1), (3, 2)])
def test_another_number_of_faces_replaces_all_of_them(tmp_path, before, after):
    out, photo = tmp_path / "out", tmp_path / "me.jpg"
    reconstruct(out, photo, "old", count=before)
    entry = reconstruct(out, photo, "new", count=after)
    assert folders(out) == [face.folder for face in entry.faces]
    assert len(entry.faces) == after
    for number, name in enumerate(folders(out)):
        assert content(out, name) == {"parameters.npz": f"new{number}"}


def test_a_photo_that_fails_leaves_no_earlier_result(tmp_path):
    out, photo, other = tmp_path / "out", tmp_path / "me.jpg", tmp_path / "me-2.jpg"
    reconstruct(out, photo, count=2)
    reconstruct(out, other)
    with ResultFolder(out, [photo]) as results:
        entry = results.fail(photo, FaceError("no_face", "no face was found"))
    assert (entry.status, entry.error.code, entry.faces) == ("failed", "no_face", ())
    assert folders(out) == ["me-2"]
    assert [e.status for e in read_manifest(out)] == ["failed", "ok"]
    assert reconstruct(out, photo).name == "me", "its name is kept for it"


@pytest.mark.parametrize("kind", ["link", "dangling link", "file", "folder", "link to a face"])
def test_what_is_no_result_is_left_alone(tmp_path, kind):
    out, elsewhere, photo = tmp_path / "out", tmp_path / "elsewhere", tmp_path / "me.jpg"
    out.mkdir()
    elsewhere.mkdir()
    (elsewhere / "parameters.npz").write_text("foreign")
    place = out / ("me_1" if "face" in kind else "me")
    if "link" in kind:
        place.symlink_to(tmp_path / "nothing" if "dangling" in kind else elsewhere)
    elif kind == "folder":
        place.mkdir()
        (place / "holiday.jpg").write_text("foreign")
    else:
        place.write_text("foreign")
    was = os.lstat(place)
    for _ in range(2):
        entry = reconstruct(out, photo, count=2)
        assert entry.name == "me-2"
        assert entry.notes == ("its folder is me-2: me is taken",)
    assert os.lstat(place).st_ino == was.st_ino
    assert content(tmp_path, "elsewhere") == {"parameters.npz": "foreign"}
    assert folders(out) == sorted([place.name, "me-2_0", "me-2_1"])
    if kind == "folder":
        assert content(out, "me") == {"holiday.jpg": "foreign"}


@pytest.mark.parametrize("kind", ["link", "file"])
def test_a_result_that_became_something_else_is_left_alone(tmp_path, kind):
    """As when a person moves results to a larger disk and leaves a link."""
    out, photo, moved = tmp_path / "out", tmp_path / "me.jpg", tmp_path / "moved"
    reconstruct(out, photo, "old")
    (out / "me").rename(moved)
    (out / "me").symlink_to(moved) if kind == "link" else (out / "me").write_text("old")
    assert reconstruct(out, photo, "new").name == "me-2"
    assert content(tmp_path, "moved") == {"parameters.npz": "old0"}
    assert (out / "me").is_symlink() == (kind == "link")
    with ResultFolder(out, [photo]) as results:
        results.fail(photo, FaceError("no_face", "no face was found"))
    assert folders(out) == ["me"]
    assert content(tmp_path, "moved") == {"parameters.npz": "old0"}


def test_a_photo_may_lie_where_its_results_go(tmp_path):
    photo = tmp_path / "me"
    photo.write_text("a photo without an ending")
    assert reconstruct(tmp_path, photo).name == "me-2"
    assert photo.read_text() == "a photo without an ending"


@pytest.mark.parametrize(
    "name", [b"caf\xe9.jpg", b"\xff\xfe.jpg", b"new\nline.jpg", b"\x1b[31m.jpg", b"x" * 251 + b".jpg"]
)
def test_results_for_every_name(tmp_path, name):
    photo = tmp_path / os.fsdecode(name)
    for text in ("old", "new"):
        entry = reconstruct(tmp_path / "out", photo, text)
    assert content(tmp_path / "out", entry.name) == {"parameters.npz": "new0"}
    (stored,) = read_manifest(tmp_path / "out")
    assert os.fsencode(stored.input) == os.fsencode(photo)
    assert (tmp_path / "out" / MANIFEST).read_bytes().isascii()


def test_photos_are_in_the_manifest_before_their_turn(tmp_path):
    out, photos = tmp_path / "out", [tmp_path / f"{k}.jpg" for k in range(3)]
    with ResultFolder(out, photos) as results:
        put(results, photos[1], "x")
        found = [(e.input, e.status, e.name) for e in read_manifest(out)]
    assert found == [(str(photo), "ok" if k == 1 else "not_reached", str(k)) for k, photo in enumerate(photos)]
    assert [e.status for e in read_manifest(out)] == ["not_reached", "ok", "not_reached"]
    assert read_manifest(out)[0].error.code == "not_reached"


def test_an_earlier_result_that_a_later_run_did_not_reach_stays_with_a_note(tmp_path):
    out, photo = tmp_path / "out", tmp_path / "me.jpg"
    reconstruct(out, photo, "old")
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), ResultFolder(out, [photo, tmp_path / "b.jpg"]):
            raise KeyboardInterrupt
    old, new = read_manifest(out)
    assert (old.status, old.faces[0].folder) == ("ok", "me")
    assert old.notes == ("a later run ended before this photo's turn; the result is an earlier one",)
    assert (new.status, new.faces) == ("not_reached", ())
    reconstruct(out, photo, "new")
    assert read_manifest(out)[0].notes == ()


def test_a_full_disk_while_the_manifest_is_written_undoes_the_photo(tmp_path, monkeypatch):
    out, photo = tmp_path / "out", tmp_path / "me.jpg"
    reconstruct(out, photo, "old", count=2)
    before = (out / MANIFEST).read_bytes()

    def full(*_: object) -> None:
        raise ResourceError("write_failed", "no space left")

    with ResultFolder(out, [photo]) as results:
        monkeypatch.setattr("headform.export._manifest_table.write_bytes", full)
        with pytest.raises(ResourceError):
            put(results, photo, "new", count=3)
    assert folders(out) == ["me_0", "me_1"]
    assert content(out, "me_1") == {"parameters.npz": "old1"}
    assert (out / MANIFEST).read_bytes() == before
    monkeypatch.undo()
    with ResultFolder(out, [photo]) as results:
        entry = results.fail(photo, ResourceError("write_failed", "no space left"))
    assert entry.status == "ok"
    assert entry.notes == ("the result of a later run could not be written; this is an earlier one",)
    assert folders(out) == ["me_0", "me_1"]


def test_a_result_that_a_kill_left_without_a_line_belongs_to_its_photo(tmp_path):
    out, photo = tmp_path / "out", tmp_path / "me.jpg"
    with ResultFolder(out, [photo]):
        pass
    (out / "me_1").mkdir()
    (out / "me_1" / "parameters.npz").write_text("whole, but unlisted")
    assert reconstruct(out, photo).name == "me"
    assert folders(out) == ["me"]


def test_hidden_folders_of_the_dead_are_removed_and_those_of_the_living_kept(tmp_path):
    out, photo = tmp_path / "out", tmp_path / "me.jpg"
    dead = out / ".headform-dead"
    dead.mkdir(parents=True)
    (dead / "half").write_text("x")
    (dead / "old.aside").mkdir()  # moved aside in the middle of an exchange in two steps
    (out / f".{MANIFEST}.abc").write_text("half a manifest")
    with FolderLock(out / ".headform-living"):
        reconstruct(out, photo)
        assert folders(out) == [".headform-living", "me", "old"]


def test_without_exchange_in_the_system_results_are_replaced_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr("headform.io.folder_swap._exchange", lambda one, other: False)
    out, photo = tmp_path / "out", tmp_path / "me.jpg"
    for text in ("old", "new"):
        reconstruct(out, photo, text, count=2)
    assert folders(out) == ["me_0", "me_1"]
    assert content(out, "me_1") == {"parameters.npz": "new1"}


def test_a_run_that_is_refused_leaves_nothing(tmp_path):
    out = tmp_path / "deep" / "out"
    with pytest.raises(WeightsError), ResultFolder(out, [tmp_path / "me.jpg"]):
        raise WeightsError("weights_missing", "the weights are gone")
    assert list(tmp_path.iterdir()) == []


def test_lines_of_others_are_kept_to_the_byte(tmp_path):
    out, photo = tmp_path / "out", tmp_path / "me.jpg"
    out.mkdir()
    foreign = '{"faces": [{"folder": "you"}], "input": "/x/you.jpg", "of a later version": [1,2]}'
    (out / MANIFEST).write_text(foreign + '\n\n{"input": "torn')
    reconstruct(out, photo)
    first, second = (out / MANIFEST).read_text().splitlines()
    assert first == foreign
    assert json.loads(second)["input"] == str(photo)


def test_a_line_of_an_older_version_is_its_photos(tmp_path, monkeypatch):
    out = tmp_path / "out"
    (out / "me_0").mkdir(parents=True)
    old = {"input": "me.jpg", "status": "ok", "faces": [{"folder": "me_0"}, {"folder": "me_1"}]}
    (out / MANIFEST).write_text(json.dumps(old) + "\n")
    monkeypatch.chdir(tmp_path)
    reconstruct(out, Path("me.jpg"))
    assert folders(out) == ["me"]
    assert len(read_manifest(out)) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"a,b\n1,2\n",
        b"\xff\n",
        b'{"input": 3}\n',
        b"[" * 9000 + b"\n",
        b'{"input": "a", "faces": [{"folder": ".."}]}\n',
    ],
)
def test_a_manifest_of_something_else_is_not_overwritten(tmp_path, data):
    out = tmp_path / "out"
    out.mkdir()
    (out / MANIFEST).write_bytes(data)
    with pytest.raises(InputError) as caught:
        reconstruct(out, tmp_path / "me.jpg")
    assert caught.value.code == "results_invalid"
    assert (out / MANIFEST).read_bytes() == data
    assert folders(out) == []


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_a_manifest_that_is_no_file_is_refused(tmp_path, make):
    make(tmp_path / MANIFEST)
    with pytest.raises(ResourceError, match="this is no file"):
        reconstruct(tmp_path, tmp_path / "me.jpg")
    with pytest.raises(InputError) as caught:
        read_manifest(tmp_path)
    assert caught.value.code == "results_missing"


def test_a_manifest_that_is_a_link_is_replaced_and_its_target_kept(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "mine").write_text("")
    (out / MANIFEST).symlink_to(tmp_path / "mine")
    reconstruct(out, tmp_path / "me.jpg")
    assert len(read_manifest(out)) == 1
    assert (tmp_path / "mine").read_text() == ""


def test_two_processes_at_once_lose_and_mix_nothing(tmp_path):
    out, sources = tmp_path / "out", [tmp_path / "A", tmp_path / "B"]
    children = []
    for source in sources:
        children.append(os.fork())
        if children[-1] == 0:
            code = 1
            with contextlib.suppress(BaseException):
                photos = [source / f"{k}.jpg" for k in range(12)]
                with ResultFolder(out, photos) as results:
                    for photo in photos:
                        put(results, photo, source.name, count=2)
                code = 0
            os._exit(code)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    entries = read_manifest(out)
    assert {e.path for e in entries} == {absolute(s / f"{k}.jpg") for s in sources for k in range(12)}
    for entry in entries:
        source = Path(entry.input).parent.name
        assert [content(out, face.folder)["parameters.npz"] for face in entry.faces] == [f"{source}0", f"{source}1"]
    assert len(folders(out)) == 48


IN_C = """
import sys
from pathlib import Path
from headform.errors import FaceError
from headform.export.manifest import read_manifest
from headform.export.result_writer import ResultFolder
assert sys.getfilesystemencoding() == "ascii"
out, photo = map(Path, sys.argv[1:])
assert (out / read_manifest(out)[0].faces[0].folder).is_dir()
with ResultFolder(out, [photo]) as results:
    results.fail(photo, FaceError("no_face", "no face was found"))
"""


def test_a_photo_is_the_same_in_a_c_locale(tmp_path, repository):
    out, photo = tmp_path / "out", tmp_path / "日本é.jpg"
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG", "PYTHON"))}
    environment |= {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(repository / "src")}
    reconstruct(out, photo)
    subprocess.run([sys.executable, "-c", IN_C, str(out), str(photo)], env=environment, check=True)
    assert folders(out) == []
    (entry,) = read_manifest(out)
    assert (entry.input, entry.name, entry.status) == (str(photo), "日本é", "failed")
    assert reconstruct(out, photo).notes == ()
    assert folders(out) == ["日本é"]
