"""A made benchmark of one subject."""

from pathlib import Path

import pytest

from tests.evaluate.now.made_tree import make_dataset


@pytest.fixture(scope="session")
def few(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("now")
    make_dataset(folder, subjects=1)
    return folder
