"""The three networks' weights, read out of the installed `mtcnn` wheel.

The wheel (MIT, Iván de Paz Centeno) is only data here: importing it needs TensorFlow, so its files
are found through the installation's metadata and read with the allow-list reader.
"""

import functools
import importlib.metadata
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from headform.errors import WeightsError
from headform.weights.unpickle import read_pickles

DISTRIBUTION = "mtcnn"
NAMES = ("pnet", "rnet", "onet")

Arrays = list[Float32[np.ndarray, "..."]]


def find() -> list[Path]:
    """The files of P-, R- and O-Net in the installed wheel.

    Raises:
        WeightsError: `weights_missing` when the wheel is not installed or holds no such files.
    """
    advice = "pip install mtcnn==1.0.0 (TensorFlow is not needed)"
    try:
        files = importlib.metadata.files(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError as error:
        what = "the face detector's weights are not installed"
        raise WeightsError("weights_missing", what, DISTRIBUTION, advice) from error
    by_name = {file.name: Path(str(file.locate())) for file in files}
    absent = [name for name in NAMES if f"{name}.lz4" not in by_name]
    if absent:
        what = f"the installed wheel lacks {absent[0]}.lz4"
        raise WeightsError("weights_missing", what, DISTRIBUTION, advice)
    return [by_name[f"{name}.lz4"] for name in NAMES]


@functools.cache
def load() -> dict[str, Arrays]:
    """The arrays of each network by its name, in the wheel's order; read once per process.

    Raises:
        WeightsError: `weights_missing`; `weights_damaged`, `unsafe_pickle` from the reader.
    """
    tables = read_pickles(find(), memory_bytes=1 << 30, cpu_seconds=20)
    return {
        name: [np.asarray(table[key], np.float32) for key in sorted(table, key=_number)]
        for name, table in zip(NAMES, tables, strict=True)
    }


def _number(key: str) -> int:
    if not key.isdecimal():
        what = f"an entry {key!r:.40} where a list of arrays belongs"
        raise WeightsError("weights_damaged", what, DISTRIBUTION)
    return int(key)
