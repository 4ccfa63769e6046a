import pytest

from headform import heads
from headform.heads.linear import LinearHead


@pytest.fixture(scope="session")
def head() -> LinearHead:
    return heads.load_open()
