"""The made benchmark, once; predictions to be spoiled, afresh for each test."""

from pathlib import Path

import pytest

from tests.evaluate.now.made_tree import SUBJECTS, copied, make_dataset, make_predictions, part_of


@pytest.fixture(scope="session")
def dataset(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("now")
    make_dataset(folder)
    return folder


@pytest.fixture(scope="session")
def good(tmp_path_factory) -> Path:
    """Predictions that nothing is wrong with; not to be changed."""
    folder = tmp_path_factory.mktemp("predictions")
    make_predictions(folder)
    return folder


@pytest.fixture(scope="session")
def few(dataset, tmp_path_factory) -> Path:
    """The data set with the eight images of two subjects."""
    return part_of(dataset, tmp_path_factory.mktemp("few") / "now", 8)


@pytest.fixture
def predictions(good, tmp_path) -> Path:
    """Predictions for `few`, to be spoiled."""
    for subject in SUBJECTS[:2]:
        copied(good / subject, tmp_path / "predictions" / subject)
    return tmp_path / "predictions"
