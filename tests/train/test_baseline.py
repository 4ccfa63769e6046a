"""A network that is no better than the mean is said so, on the terminal and in its card."""

import json

import pytest

from headform.cli import training
from headform.io.model_file import card_path
from headform.nets.face_encoder import FaceEncoder, FaceEncoderConfig
from headform.train.baseline import baseline_warning


@pytest.mark.parametrize(
    ("validation", "warns"),
    [
        ({}, False),
        ({"easy_percent_of_mean_head": 60.0, "full_percent_of_mean_head": 70.0}, False),
        ({"full_percent_of_mean_head": 99.5}, True),
        ({"full_percent_of_mean_head": float("nan")}, True),
        ({"aligned_percent_of_mean_head": 80.0}, False),
        ({"aligned_percent_of_mean_head": 100.5}, True),
        ({"mean_mm": 1.0, "mean_mesh_mm": 5.0}, False),
        ({"mean_mm": 5.0, "mean_mesh_mm": 5.0}, True),
        ({"nme68": 3.0, "mean_points_nme68": 9.0}, False),
        ({"nme68": 9.0, "mean_points_nme68": 9.0}, True),
    ],
)
def test_is_measured_against_the_mean(validation, warns) -> None:
    assert bool(baseline_warning(validation)) == warns


@pytest.mark.parametrize("percent", [70.0, 101.0])
def test_is_said_on_the_terminal_and_in_the_card(tmp_path, capsys, percent) -> None:
    net = FaceEncoder(FaceEncoderConfig(hidden=8))
    facts = {
        "stage": "identity",
        "config": {"seed": 0},
        "minutes": 1.0,
        "samples_seen": 8,
        "validation": {"full_percent_of_mean_head": percent},
    }

    class Result:
        stopped = False

    path = tmp_path / "identity.safetensors"
    assert training.finish(net, Result(), facts, path) == 0
    card = json.loads(card_path(path).read_text(encoding="utf-8"))
    said = "no better than the mean head" in capsys.readouterr().err
    assert said == ("warning" in card) == (percent > 100)
