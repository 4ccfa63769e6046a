"""The open head, and the model that it is made from."""

import pytest

from headform.heads import LinearHead, load_open
from headform.heads.formats import ict
from headform.heads.open_source import OpenSource, prepare


@pytest.fixture(scope="session")
def head() -> LinearHead:
    return load_open()


@pytest.fixture(scope="session")
def source(data_root) -> OpenSource:
    return prepare(ict.read(data_root / "ict_facekit"))
