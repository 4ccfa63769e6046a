"""Mutated text pickles, read one after the other in this process: run as a program, under a limit of memory and time each.

    python -m tests.io.mutated_pickles COUNT SEED

prints how many were read, refused and damaged. A crash ends the program by a signal, a hang by an alarm.
"""

import collections
import json
import signal
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import scipy.sparse

from headform.io import _pickle_reader
from headform.io._sandbox import ForeignFileError, limit_memory
from tests.io.python2 import ch, old_matrix, python2_pickle

MEMORY = 1 << 28
_SECONDS = 20
_TOKENS = (
    b"(dp0\n",
    b"tR",
    b"I99999999\n",
    b"L9L\n",
    b"b",
    b"s",
    b"a",
    b"g2\n",
    b"cnumpy\nndarray\n",
    b"(lp",
    b".",
    b"\r\n",
)


def sources() -> list[bytes]:
    """Text pickles of Python 2 like FLAME's: arrays, chumpy, a sparse matrix, text; one copied with CR LF."""
    rng = np.random.default_rng(0)
    matrix = scipy.sparse.random(5, 40, density=0.2, format="csc", rng=rng)
    values = {
        "v_template": ch(rng.normal(size=(7, 3))),
        "J_regressor": old_matrix(matrix),
        "f": np.array([[0, 1, 2]], np.uint32),
        "bs_style": b"lbs \xe9",
        "numbers": [1, -2, 3.25],
        "on": True,
    }
    text = python2_pickle(values, 0)
    return [text, text, python2_pickle(values, 1), text.replace(b"\n", b"\r\n")]


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """Change, remove, repeat, insert or cut a few pieces."""
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 6))):
        at, length = int(rng.integers(len(out))), int(rng.integers(1, 24))
        match int(rng.integers(12)):
            case 0 | 1 | 2 | 3:
                out[at] = int(rng.integers(256))
            case 4 | 5:
                out = out[:at] + out[at + length :] or out
            case 6 | 7:
                out[at:at] = out[at : at + length]
            case 8 | 9 | 10:
                out[at:at] = _TOKENS[int(rng.integers(len(_TOKENS)))]
            case _:
                out = out[:at] or out
    return bytes(out or b"(")


def main(count: int, seed: int) -> None:
    """Read `count` files, and print the outcomes as JSON."""
    rng, originals = np.random.default_rng(seed), sources()
    outcomes: collections.Counter[str] = collections.Counter()
    warnings.simplefilter("ignore")
    limit_memory(MEMORY)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.pkl"
        for number in range(count):
            path.write_bytes(mutated(originals[number % len(originals)], rng))
            signal.alarm(_SECONDS)
            try:
                for _ in _pickle_reader.read(str(path), MEMORY):
                    pass
                outcomes["read"] += 1
            except ForeignFileError as error:
                outcomes[error.kind] += 1
            except Exception:  # the child answers "damaged"
                outcomes["damaged"] += 1
    signal.alarm(0)
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
