"""The open head, loaded once for the tests of synthetic faces."""

import pytest

from headform.heads import load_open
from headform.heads.linear import LinearHead


@pytest.fixture(scope="session")
def open_head() -> LinearHead:
    return load_open()
