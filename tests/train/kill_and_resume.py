"""Kill a training run again and again, resume it, and compare what it ends with with an undisturbed run.

    python tests/train/kill_and_resume.py [--kills 20] [--seed 0] [--folder DIR] [--stage toy|gan|blobs|heads] [--steps 300]
    python tests/train/kill_and_resume.py [--kills 20] [--seed 0] [--folder DIR] -- COMMAND ... {out} ...

The stages are `tests.train.toy`, `tests.train.gan` and the mesh autoencoder on round meshes and on the open head
(`tests.train.mesh_run`), forked from a server that has torch loaded. A command trains in the folder {out} and takes
--resume, such as `headform train mesh-autoencoder -o {out}`; it must write checkpoints often enough to come to its end.

The process is killed by SIGKILL, so that it can do nothing about it: mostly when its log has reached a random step, and a
random moment later; sometimes while it is starting. In the end every tensor of the checkpoint, every other safetensors file
and the log except its minutes must be those of the undisturbed run.
"""

import argparse
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "src"), str(REPOSITORY)]

from headform.io.folder_lock import LOCK  # noqa: E402
from headform.train.checkpoint import NEWEST, PREVIOUS, load_checkpoint  # noqa: E402
from tests.train import gan, mesh_run, toy  # noqa: E402

STAGES = {"toy": toy.train, "gan": gan.train, "blobs": mesh_run.train_blobs, "heads": mesh_run.train_heads}
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.train.gan", "tests.train.mesh_run", "tests.train.toy", "torch._dynamo"])


@dataclass(frozen=True)
class Stage:
    """One of `STAGES`, for so many steps."""

    name: str
    steps: int


@dataclass(frozen=True)
class Outcome:
    """What was done to a run.

    Attributes:
        kills: How often it was killed.
        at_start: How many of them before it logged anything new.
        half_written: How many left a file half written behind.
        lost: Logged steps that had to be done again, in all.
        steps: Of the run.
    """

    kills: int
    at_start: int
    half_written: int
    lost: int
    steps: int


def kill_and_resume(folder: Path, kills: int, run: list[str] | Stage, *, seed: int = 0) -> Outcome:
    """Run a command or a stage undisturbed, then with kills; compare.

    Raises:
        AssertionError: when anything differs, or the run is too short to be killed so often.
    """
    draw = random.Random(seed)  # noqa: S311
    whole, killed = folder / "whole", folder / "killed"
    if isinstance(run, Stage):  # the server is up before the clock starts
        first = FORKS.Process(target=int)
        first.start()
        first.join()
    begun = time.monotonic()
    child = _start(run, whole, resume=False)
    _wait(child, whole, 1)
    startup = time.monotonic() - begun
    assert child.wait() == 0, "the undisturbed run failed"
    lines = log(whole)
    per_line = (time.monotonic() - begun - startup) / len(lines)
    count = at_start = half = lost = 0
    early = [draw.random() < 0.3 for _ in range(kills)]
    targets = sorted(draw.choice(lines)["step"] for _ in range(kills))
    for target, soon in zip(targets, early, strict=True):
        child = _start(run, killed, resume=killed.exists())
        before = _mark(killed)
        if soon:
            time.sleep(draw.uniform(0, 1.2 * startup))
        else:
            _wait(child, killed, target)
            time.sleep(draw.uniform(0, 2 * per_line))
        if not child.running:
            assert child.wait() == 0, "a resumed run failed"
            continue
        child.kill()
        assert child.wait() == -signal.SIGKILL
        count, at_start = count + 1, at_start + (_mark(killed) == before)
        half += any(path.name != LOCK for path in killed.glob(".*"))
        found = load_checkpoint(killed)
        reached = log(killed)[-1]["step"] if log(killed) else 0
        lost += max(0, reached - (found.metadata["step"] if found else 0))
    child = _start(run, killed, resume=True)
    assert child.wait() == 0, "the last part failed"
    assert count >= 0.75 * kills, f"only {count} of {kills} kills came before the end"
    compare(whole, killed)
    return Outcome(count, at_start, half, lost, lines[-1]["step"])


def compare(one: Path, other: Path) -> None:
    """Raise AssertionError unless two finished runs agree to the bit."""
    a, b = load_checkpoint(one), load_checkpoint(other)
    assert a is not None
    assert b is not None
    assert a.metadata["step"] == b.metadata["step"]
    assert a.tensors.keys() == b.tensors.keys()
    different = [name for name in a.tensors if not torch.equal(a.tensors[name], b.tensors[name])]
    assert not different, f"tensors differ: {different}"
    files = sorted({p.name for p in one.glob("*.safetensors")} - {NEWEST, PREVIOUS})
    for name in files:
        assert (one / name).read_bytes() == (other / name).read_bytes(), f"{name} differs"
    assert log(one) == log(other), "the logs differ"
    assert not list(other.glob(".*")), "half-written files or a lock were left"


def log(folder: Path) -> list[dict[str, Any]]:
    """Whole lines of log.jsonl without what depends on the clock."""
    path = folder / "log.jsonl"
    data = path.read_bytes() if path.is_file() else b""
    lines = [json.loads(x) for x in data.splitlines(keepends=True) if x.endswith(b"\n")]
    return [{k: v for k, v in line.items() if k != "minutes"} for line in lines]


class _Command:
    """A command as a process."""

    def __init__(self, command: list[str], out: Path, *, resume: bool) -> None:
        words = [word.replace("{out}", str(out)) for word in command] + ["--resume"] * resume
        path = f"{REPOSITORY / 'src'}{os.pathsep}{REPOSITORY}"
        environment = os.environ | {"PYTHONPATH": path}
        self._process = subprocess.Popen(words, env=environment, cwd=REPOSITORY, stdout=subprocess.DEVNULL)

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        self._process.kill()

    def wait(self) -> int:
        return self._process.wait()


class _Fork:
    """A stage as a process; torch is loaded once, in the server that it is forked from."""

    def __init__(self, stage: Stage, out: Path, *, resume: bool) -> None:
        train = STAGES[stage.name]
        self._process = FORKS.Process(target=train, args=(out, stage.steps, resume))
        self._process.start()

    @property
    def running(self) -> bool:
        return self._process.is_alive()

    def kill(self) -> None:
        self._process.kill()

    def wait(self) -> int:
        self._process.join()
        code = self._process.exitcode
        assert code is not None
        return code


def _start(run: list[str] | Stage, out: Path, *, resume: bool) -> _Command | _Fork:
    if isinstance(run, Stage):
        return _Fork(run, out, resume=resume)
    return _Command(run, out, resume=resume)


def _mark(folder: Path) -> tuple[int, int]:
    path = folder / "log.jsonl"
    return (path.stat().st_mtime_ns, path.stat().st_size) if path.is_file() else (0, 0)


def _wait(child: _Command | _Fork, folder: Path, step: int) -> None:
    """Until the child has logged a step anew, or ended."""
    before = _mark(folder)
    while child.running:
        if _mark(folder) != before and (lines := log(folder)) and lines[-1]["step"] >= step:
            return
        time.sleep(0.003)


def main() -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=__doc__, usage=argparse.SUPPRESS)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--steps", type=int, default=300, help="of the stage")
    parser.add_argument("--stage", choices=sorted(STAGES), default="toy")
    parser.add_argument("command", nargs="*")
    given = parser.parse_args()
    begun = time.monotonic()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="kill_and_resume_"))
    folder.mkdir(parents=True, exist_ok=True)
    run = given.command or Stage(given.stage, given.steps)
    done = kill_and_resume(folder, given.kills, run, seed=given.seed)
    seconds = time.monotonic() - begun
    print(
        f"{done.steps} steps, killed {done.kills} times ({done.at_start} while starting, "
        f"{done.half_written} while writing a file), {done.lost} steps done again, "
        f"{seconds:.0f} s: identical to the undisturbed run ({folder})"
    )


if __name__ == "__main__":
    main()
