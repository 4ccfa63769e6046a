"""The unit of a metrical evaluation, where nobody says it."""

import numpy as np
import pytest

from headform.cli.main import main
from headform.errors import UsageError
from headform.evaluate.now.image import Options
from headform.evaluate.now.run import evaluate_dataset
from tests.evaluate.now.made_tree import IMAGES, copied, part_of, remove


def test_landmarks_tell_the_unit(dataset, good) -> None:
    told = evaluate_dataset(dataset, good, Options(metrical=True))
    said = evaluate_dataset(dataset, good, Options(metrical=True, unit="m"))
    assert told.options == said.options
    for one, other in zip(told.records, said.records, strict=True):
        np.testing.assert_array_equal(one.distances, other.distances)


def test_the_first_prediction_that_can_be_used_decides(dataset, good, tmp_path, capsys) -> None:
    few, mine = part_of(dataset, tmp_path / "few", 3), copied(good, tmp_path / "mine")
    remove(mine, IMAGES[0])
    own = mine / f"{IMAGES[1]}.txt"
    assert own.is_file()
    own.write_text("nothing")
    words = ["evaluate", "now", "--dataset", str(few), "--predictions", str(mine)]
    assert main([*words, "--metrical", "--allow-missing"]) == 0
    assert "metrical, predictions in m" in capsys.readouterr().out


def test_without_landmarks_of_a_head_the_unit_must_be_said(dataset, good, tmp_path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UsageError) as caught:
        evaluate_dataset(dataset, empty, Options(metrical=True))
    assert caught.value.code == "unit_needed"
