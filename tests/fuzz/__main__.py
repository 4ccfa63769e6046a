"""Fuzzer of the readers of files: `python -m tests.fuzz all --count 10000 --seed 1`.

Each file must be read, or refused with a `HeadformError`; anything else (another exception, a dead process, more than
`SECONDS`) is a fault, whose file is kept. Run it under a limit of memory: `ulimit -v 4000000`.
"""

import argparse
import collections
import os
import shutil
import sys
import tempfile
import traceback
import warnings
import zlib
from pathlib import Path

import numpy as np

from headform.errors import HeadformError
from tests.fuzz.forked import use_forks
from tests.fuzz.targets import TARGETS
from tests.time_limit import TooLong, time_limit

SECONDS = 60
"""Longer than the ten seconds of processor time after which the child that reads a small file is stopped."""


def fuzz(target: str, count: int, seed: int, keep: Path, first: int = 0) -> tuple[collections.Counter[str], int]:
    """Try mutated files; return how often each outcome came, and the number of faults. The working folder is scratch."""
    chosen = TARGETS[target]
    seeds = chosen.seeds()
    outcomes: collections.Counter[str] = collections.Counter()
    faults = 0
    for number in range(first, first + count if seeds else first):
        random = np.random.default_rng([seed, zlib.crc32(target.encode()), number])
        mutation = chosen.mutations[int(random.integers(len(chosen.mutations)))]
        data = mutation(random, seeds[int(random.integers(len(seeds)))])
        path = Path(f"{target}-{number}", chosen.name)
        path.parent.mkdir()
        path.write_bytes(data)
        fault = ""
        try:
            with time_limit(SECONDS), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                chosen.read(path)
            outcomes["read"] += 1
        except HeadformError as error:
            try:
                str(error).encode("utf-8", "surrogateescape")
            except UnicodeEncodeError:
                fault = "a message that cannot be printed"
            outcomes[error.code] += 1
        except TooLong:
            fault = f"longer than {SECONDS} s"
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            fault = f"{type(error).__name__}: {error!s:.120} ({Path(where.filename).name}:{where.lineno})"
        if fault:
            faults += 1
            outcomes[f"FAULT {fault}"] += 1
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{target}-{seed}-{number}").write_bytes(data)
        shutil.rmtree(path.parent)  # a reader may put files of its own beside it
    return outcomes, faults


def main(arguments: list[str]) -> int:
    """Fuzz one target or all, and return 1 if there was a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=["all", *TARGETS])
    parser.add_argument("--count", type=int, default=10_000, help="files of each target")
    parser.add_argument("--first", type=int, default=0, help="number of the first file, to repeat one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"), help="folder for files that gave a fault")
    asked = parser.parse_args(arguments)
    keep, faults, home = asked.keep.absolute(), 0, Path.cwd()
    use_forks()
    for target in TARGETS if asked.target == "all" else [asked.target]:
        with tempfile.TemporaryDirectory() as scratch:
            os.chdir(scratch)
            outcomes, wrong = fuzz(target, asked.count, asked.seed, keep, asked.first)
            os.chdir(home)
        faults += wrong
        told = ", ".join(f"{name} {number}" for name, number in outcomes.most_common(12))
        print(f"{target}: {sum(outcomes.values())} files, seed {asked.seed}, {wrong} faults: {told}", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
