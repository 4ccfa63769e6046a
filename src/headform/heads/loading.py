"""Load head models: the open head that ships inside, and converted files."""

from dataclasses import replace
from functools import cache
from importlib import resources

from headform.heads.asset import read as load
from headform.heads.linear import LinearHead

__all__ = ["load", "load_open"]

OPEN_HEAD = "open_head.safetensors"


def load_open() -> LinearHead:
    """Load the open head: a module of its own over tensors that are read once per process.

    Raises:
        WeightsError: the file is missing from the installation or damaged; see `load`.
    """
    return replace(_open_head())


@cache
def _open_head() -> LinearHead:
    with resources.as_file(resources.files("headform.heads") / "assets" / OPEN_HEAD) as path:
        return load(path)
