"""Fixtures for all tests: where the test data lies, one thread per worker, fixed seeds."""

import os
import signal

# Before torch or numba are imported: two test workers on two cores must not fight for them.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings

from headform.heads import LinearHead, load_open
from headform.importers import ict_model
from headform.openhead._source import OpenSource, prepare

REPOSITORY = Path(__file__).resolve().parents[1]

settings.register_profile("headform", deadline=None, max_examples=30, print_blob=True)
settings.load_profile("headform")


def find_data_root() -> Path | None:
    """`HEADFORM_TEST_DATA`, which must then exist, else `../shared/data`, else None."""
    named = os.environ.get("HEADFORM_TEST_DATA")
    if named:
        if not Path(named).is_dir():
            raise FileNotFoundError(f"HEADFORM_TEST_DATA names {named}, which is no folder")
        return Path(named)
    beside = REPOSITORY.parent / "shared" / "data"
    return beside if beside.is_dir() else None


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Folder of the test data; skips where there is none.

    A test that uses it must fail, not skip, when the folder is there but lacks what the test names.
    """
    root = find_data_root()
    if root is None:
        reason = "no test data: set HEADFORM_TEST_DATA or put it at ../shared/data"
        if os.environ.get("HEADFORM_REQUIRE_DATA"):
            pytest.fail(reason)
        pytest.skip(reason)
    return root


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """Let Ctrl-C through where whoever started the tests ignores it, as a shell does for what runs in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _one_thread_and_seeds() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 - for code that reads the legacy global state


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that ask for `data_root` can be chosen with `-m data`."""
    for item in items:
        if "data_root" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.data)


@pytest.fixture(scope="session")
def head() -> LinearHead:
    """The open head."""
    return load_open()


@pytest.fixture(scope="session")
def source(data_root: Path) -> OpenSource:
    """The model that the open head is made from."""
    return prepare(ict_model.read(data_root / "ict_facekit"))


DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> torch.device:
    """Every device of this machine in turn."""
    return torch.device(request.param)
