"""Kill `headform reconstruct` on a folder of photos again and again, and look at what it leaves each time.

    python tests/cli/kill_reconstruct.py [--kills 80] [--seed 0] [--folder DIR] [--stage eggs|photos]

The stage `eggs` plays the networks, so that most of the time goes into writing, where kills can do harm; `photos` runs the
whole command. Four photos, two of one name, are written with two sets of formats in turn into a folder that holds another
photo's result of that name. The process is killed by SIGKILL: mostly a random moment after it has changed the folder, else
at a random moment of its run. After each kill, of every photo of the run there is one line at most, and once there is one
it stays; a photo that had a result keeps one, whole, its own, of one set of formats, to the byte that of an undisturbed run;
the other photo's line and files are untouched; nothing visible is half-written. In the end an undisturbed run leaves the
same as ever, and nothing hidden.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "src"), str(REPOSITORY)]

from headform import images  # noqa: E402
from headform.cli.batch import Work, run_batch  # noqa: E402
from headform.cli.inputs import list_inputs  # noqa: E402
from headform.cli.main import main as headform_main  # noqa: E402
from headform.errors import FaceError  # noqa: E402
from headform.export.folder_names import is_of  # noqa: E402
from headform.export.manifest import MANIFEST, Entry, absolute, read_manifest  # noqa: E402
from headform.export.writers import write_reconstruction  # noqa: E402
from headform.pipeline.reconstruction import Reconstruction  # noqa: E402
from tests.export.conftest import make_head, make_photo, make_result, make_texture  # noqa: E402

FORMATS = {"eggs": (("glb", "png", "html"), ("ply", "obj")), "photos": (("glb", "png"), ("ply", "obj"))}
"""Two sets a stage; the command's report.html tells milliseconds, which differ."""
_NOBODY = "nobody"

Files = dict[str, bytes]


@dataclass
class Outcome:
    """What was done.

    Attributes:
        kills: How often a run was killed.
        at_start: How many of them before it changed the folder.
        hidden: How many left something hidden behind.
        unlisted: How many left a whole result whose line was not yet written.
    """

    kills: int = 0
    at_start: int = 0
    hidden: int = 0
    unlisted: int = 0


def kill_reconstruct(folder: Path, kills: int, *, seed: int = 0, stage: str = "eggs") -> Outcome:
    """Kill runs and check after each.

    Raises:
        AssertionError: when anything is lost, mixed or half-written.
    """
    draw = random.Random(seed)  # noqa: S311
    photos, other = _photos(folder, stage)
    wanted = {}
    for number, formats in enumerate(FORMATS[stage]):
        begun = time.monotonic()
        assert _finish(_Child(stage, folder / f"whole{number}", [other, *photos], formats))
        seconds = time.monotonic() - begun
        for entry in read_manifest(folder / f"whole{number}"):
            wanted[Path(entry.path), number] = _contents(folder / f"whole{number}", entry)
    out = folder / "killed"
    assert _finish(_Child(stage, out, [other], FORMATS[stage][0]))
    others_line = (out / MANIFEST).read_text()
    done, had_line, had_result = Outcome(), set[Path](), set[Path]()
    for turn in range(3 * kills):
        if done.kills == kills:
            break
        before = _mark(out)
        child = _Child(stage, out, photos, FORMATS[stage][turn % 2])
        if draw.random() < 0.25:
            time.sleep(draw.uniform(0, seconds))
        else:
            for _ in range(draw.randrange(1, 12)):
                _await_change(child, out)
            time.sleep(draw.uniform(0, 0.02))
        alive = child.is_alive()
        child.kill()
        child.join()
        assert alive or child.exitcode in (0, 7, -signal.SIGKILL), "a run failed"
        done.kills += child.exitcode == -signal.SIGKILL
        done.at_start += _mark(out) == before
        done.hidden += any(path.name.startswith(".") for path in out.iterdir())
        entries = _checked(out, others_line, other, wanted)
        listed = {face.folder for entry in entries for face in entry.faces}
        loose = [path for path in out.iterdir() if path.is_dir() and path.name[0] != "." and path.name not in listed]
        done.unlisted += bool(loose)
        for place in loose:
            owner = next(entry for entry in entries if is_of(place.name, entry.name))
            assert _files(place) in [files for (path, _), files in wanted.items() if str(path) == owner.path]
        lines = {Path(entry.path) for entry in entries}
        results = {Path(entry.path) for entry in entries if entry.faces}
        assert had_line <= lines, "a photo lost its line"
        assert had_result <= results, "a photo lost its result"
        had_line, had_result = lines, results
    assert done.kills == kills, f"only {done.kills} of {kills} kills came before the end"
    assert _finish(_Child(stage, out, photos, FORMATS[stage][1]))
    entries = _checked(out, others_line, other, wanted)
    assert {entry.status for entry in entries} == {"ok", "failed"}
    listed = {face.folder for entry in entries for face in entry.faces}
    assert {path.name for path in out.iterdir()} == {MANIFEST, *listed}, "something was left behind"
    for entry in entries[1:]:
        assert _contents(out, entry) == wanted[Path(entry.path), 1]
    return done


def _checked(out: Path, others_line: str, other: Path, wanted: dict[tuple[Path, int], Files]) -> list[Entry]:
    """Check a folder, and return its lines."""
    assert (out / MANIFEST).read_text().startswith(others_line), "another photo's line has changed"
    entries = read_manifest(out)
    paths = [entry.path for entry in entries]
    assert len(set(paths)) == len(paths), "a photo has two lines"
    names = [entry.name for entry in entries]
    assert len(set(names)) == len(names), "two photos share a name"
    for entry in entries:
        path = Path(entry.path)
        sets = (0,) if path == Path(absolute(other)) else (0, 1)
        if entry.faces:
            found = _contents(out, entry)
            assert any(found == wanted[path, number] for number in sets), f"{entry.name} is mixed or half-written"
        assert (entry.status == "ok") == bool(entry.faces)
        assert entry.status != "failed" or path.stem == _NOBODY
    return entries


def _contents(out: Path, entry: Entry) -> Files:
    """Return the files of a photo's only face; none where it has no result."""
    return _files(out / entry.faces[0].folder) if entry.faces else {}


def _files(folder: Path) -> Files:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _photos(folder: Path, stage: str) -> tuple[list[Path], Path]:
    """Write four photos, of which one has no face and one has another's name, and that other."""
    names = ["A/IMG.png", "B/IMG.png", f"B/{_NOBODY}.png", "B/me.png", "other/IMG.png"]
    person = Image.open(REPOSITORY / "examples" / "astronaut.jpg").convert("RGB")
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = person.crop((5 * number, 0, 400, 380))
        if stage == "eggs":
            picture = Image.fromarray(np.full((32, 32 + number, 3), 99, np.uint8))
        elif _NOBODY in name:
            picture = Image.fromarray(np.full((200, 200, 3), 99, np.uint8))
        picture.save(path)
    paths = [folder / name for name in names]
    return paths[:4], paths[4]


class _Child:
    """A run in a forked process, which has all modules loaded; a kernel that is busy in the parent does not come along."""

    def __init__(self, stage: str, out: Path, photos: Sequence[Path], formats: Sequence[str]) -> None:
        self.exitcode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                for stream in (1, 2):
                    os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
                torch.set_num_threads(1)  # OpenMP's threads do not survive a fork
                code = (_eggs if stage == "eggs" else _command)(out, list(photos), formats)
            finally:
                os._exit(code)

    def is_alive(self) -> bool:
        return self._wait(os.WNOHANG) is None

    def kill(self) -> None:
        if self.exitcode is None:
            os.kill(self.pid, signal.SIGKILL)

    def join(self) -> int:
        """Wait for its end; the exit code is minus the signal that ended it."""
        code = self._wait(0)
        assert code is not None
        return code

    def _wait(self, options: int) -> int | None:
        if self.exitcode is None:
            pid, status = os.waitpid(self.pid, options)
            self.exitcode = os.waitstatus_to_exitcode(status) if pid else None
        return self.exitcode


def _finish(child: _Child) -> bool:
    return child.join() in (0, 7)


def _command(out: Path, photos: list[Path], formats: Sequence[str]) -> int:
    words = ["--landmarks-net", "own", "--formats", *formats]
    return headform_main(["reconstruct", *map(str, photos), "-o", str(out), *words])


def _eggs(out: Path, photos: list[Path], formats: Sequence[str]) -> int:
    nobody = make_result(make_head(), make_texture(), make_photo())

    def reconstruct(photo: images.Photo) -> list[Reconstruction]:
        if photo.name == _NOBODY:
            raise FaceError("no_face", "no face was found")
        width = photo.rgb.shape[1]  # tells the photos apart
        return [replace(nobody, photo_name=photo.name, vertices=nobody.vertices + np.float32(width))]

    work = Work(reconstruct, lambda head, folder: write_reconstruction(head, folder, formats))
    return run_batch(list_inputs(photos), out, lambda: work)


def _mark(out: Path) -> tuple[int, ...]:
    """State of a folder and its manifest, which every step of the writer changes."""
    places = [out, out / MANIFEST, *out.glob(".headform-*"), *out.glob(".headform-*/*")]
    marks = []
    for place in places:
        try:
            marks.append(place.stat().st_mtime_ns)
        except FileNotFoundError:
            marks.append(0)
    return tuple(marks)


def _await_change(child: _Child, out: Path) -> None:
    before = _mark(out)
    while child.is_alive() and _mark(out) == before:
        time.sleep(0.0005)


def main() -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=__doc__, usage=argparse.SUPPRESS)
    parser.add_argument("--kills", type=int, default=80)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--stage", choices=sorted(FORMATS), default="eggs")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="kill_reconstruct_"))
    begun = time.monotonic()
    done = kill_reconstruct(folder, given.kills, seed=given.seed, stage=given.stage)
    print(
        f"{given.stage}: killed {done.kills} times, seed {given.seed} ({done.at_start} before the first change, "
        f"{done.hidden} left something hidden, {done.unlisted} a whole result before its line), "
        f"{time.monotonic() - begun:.0f} s: nothing lost, mixed or half-written ({folder})"
    )


if __name__ == "__main__":
    main()
