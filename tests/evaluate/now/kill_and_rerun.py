"""Kill `headform evaluate now` again and again, run it again in the same folder, and compare with an undisturbed run.

    python tests/evaluate/now/kill_and_rerun.py [--kills 60] [--seed 0] [--folder DIR]

The process is killed by SIGKILL at a random moment of a run's length, as often as the folder's work is not done; then a new
folder begins. In the end of each, every result and table must have the bytes of the undisturbed run, and nothing half
written or locked may be left.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(REPOSITORY / "src"), str(REPOSITORY)]

from tests.evaluate.now.made_tree import make_dataset, make_predictions, part_of  # noqa: E402

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["headform.evaluate.now.run", "headform.cli.evaluate_now", "headform.cli.main"])
IMAGES = 8


def measure(dataset: Path, predictions: Path, out: Path) -> None:
    """Run the command in this process, without its output."""
    from headform.cli.main import main

    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        words = ["evaluate", "now", "--dataset", str(dataset), "--predictions", str(predictions), "-o", str(out)]
        code = main([*words, "--allow-missing"])
    raise SystemExit(code)


def contents(folder: Path) -> dict[str, object]:
    """Files by path: bytes, and JSON without what depends on the clock."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            found[str(path.relative_to(folder))] = json.loads(data) if path.suffix == ".json" else data
    return found


def kill_and_rerun(folder: Path, kills: int, *, seed: int = 0) -> tuple[int, int, int]:
    """Kill and run again.

    Returns:
        Number of kills, of them those that left some but not all results, and of folders that came to their end.

    Raises:
        AssertionError: anything differs from the undisturbed run.
    """
    draw = random.Random(seed)  # noqa: S311
    whole, predictions = folder / "whole", folder / "predictions"
    for each in (folder / "full", predictions):
        each.mkdir(parents=True)
    make_dataset(folder / "full")
    dataset = part_of(folder / "full", folder / "dataset", IMAGES)
    make_predictions(predictions)
    seconds = 0.0
    for _ in range(2):  # the first run compiles
        shutil.rmtree(whole, ignore_errors=True)
        begun = time.monotonic()
        child = FORKS.Process(target=measure, args=(dataset, predictions, whole))
        child.start()
        child.join()
        assert child.exitcode == 0, child.exitcode
        seconds = time.monotonic() - begun
    expected, count, between, ended, number = contents(whole), 0, 0, 0, 0
    while count < kills:
        out = folder / f"killed{number}"
        child = FORKS.Process(target=measure, args=(dataset, predictions, out))
        child.start()
        child.join(draw.uniform(0, seconds))
        child.kill()  # without effect on one that has ended
        child.join()
        if child.exitcode == -signal.SIGKILL:
            count += 1
            between += 0 < len(list(out.glob("images/*/*/*.npz"))) < IMAGES
            continue
        assert child.exitcode == 0, child.exitcode
        assert contents(out) == expected, f"{out} differs from {whole}"
        ended, number = ended + 1, number + 1
    out = folder / f"killed{number}"
    child = FORKS.Process(target=measure, args=(dataset, predictions, out))
    child.start()
    child.join()
    assert child.exitcode == 0, child.exitcode
    assert contents(out) == expected, f"{out} differs from {whole}"
    return count, between, ended + 1


def main() -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=__doc__, usage=argparse.SUPPRESS)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="kill_and_rerun_"))
    count, between, ended = kill_and_rerun(folder, given.kills, seed=given.seed)
    print(f"killed {count} times ({between} with some results written), {ended} folders: identical ({folder})")


if __name__ == "__main__":
    main()
