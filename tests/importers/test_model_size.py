"""Sizes of mean heads without landmarks: what was saved in another unit is refused with both sizes."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from headform.errors import WeightsError
from headform.geometry.units import METERS_PER
from headform.importers import bfm2017, flame
from headform.importers.importing import linear_head
from headform.importers.model_size import is_plausible, sure_unit
from tests.heads import flame_file
from tests.heads.made_models import mask_model
from tests.importers.basel_files import statismo


@pytest.mark.parametrize("published", METERS_PER)
@pytest.mark.parametrize("saved", METERS_PER)
def test_every_unit_in_place_of_every_other(published: str, saved: str) -> None:
    mean = mask_model().mean * 1e-3 / METERS_PER[saved]
    model = mask_model(mean=mean, unit=published, landmarks=None)
    if saved == published:
        assert 0.11 < float(np.ptp(linear_head(model).mean.numpy(), axis=0).max()) < 0.13
        return
    with pytest.raises(WeightsError) as caught:
        linear_head(model)
    assert caught.value.code == "model_unit"
    assert f"{0.12 / METERS_PER[saved] * METERS_PER[published]:.4g} m across" in caught.value.message
    assert f"in {saved}, it is 0.12 m" in caught.value.message
    assert published in caught.value.hint


def test_faces_and_busts_pass() -> None:
    for side in (100.0, 150.0, 300.0, 550.0):
        assert is_plausible(side, "mm")
        assert sure_unit(side) in ("mm", "")
    assert not is_plausible(1200.0, "mm")
    assert not is_plausible(60.0, "mm")


def test_flame_saved_in_millimeters(tmp_path: Path) -> None:
    model = flame_file.flame_model(shape=300)
    values = model.items() | {"v_template": 1000 * model.v_template, "J_regressor": model.J_regressor.toarray()}
    np.savez(tmp_path / "flame.npz", **values)
    with pytest.raises(WeightsError) as caught:
        flame.read(tmp_path / "flame.npz")
    assert caught.value.code == "model_unit"
    assert "multiply mean and modes by 0.001" in caught.value.hint


def test_statismo_of_unknown_origin(tmp_path: Path) -> None:
    """Neither license nor name of a publisher; mm, or the unit that the size tells."""
    path = tmp_path / "mine.h5"
    statismo(path, 50, 100, (1, 1, 1))
    head = bfm2017.read(path)
    assert (head.name, head.provenance.kind) == ("statismo", "statismo")
    assert head.license.startswith("unknown license")
    assert not any("Basel" in text for text in (head.name, head.license, *head.provenance.notes))
    assert 0.2 < float(np.ptp(head.mean.numpy(), axis=0).max()) < 0.23


def test_statismo_under_the_name_of_a_publisher(tmp_path: Path) -> None:
    path = tmp_path / "model2019_fullHead.h5"
    statismo(path, 50, 100, (1, 1, 1))
    head = bfm2017.read(path)
    assert head.license.startswith("unknown license")
    assert any("by its name alone" in note for note in head.provenance.notes)


def test_statismo_in_meters(tmp_path: Path) -> None:
    path = tmp_path / "mine.h5"
    statismo(path, 50, 100, (1, 1, 1))
    with h5py.File(path, "a") as file:
        for name in ("shape", "expression"):
            file[f"{name}/model/mean"][...] *= 1e-3
    head = bfm2017.read(path)
    assert 0.2 < float(np.ptp(head.mean.numpy(), axis=0).max()) < 0.23
    assert any("the unit m is inferred from the size" in note for note in head.provenance.notes)


def test_landmarks_of_the_file_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    path = tmp_path / "mine.h5"
    statismo(path, 50, 100, (1, 1, 1), named={"center.nose.tip": [0.0, 0.0, 90.0]})
    with h5py.File(path, "a") as file:
        del file["metadata/landmarks/json"]
        file["metadata/landmarks/json"] = ['[{"id": "center.nose.tip"']
    notes = bfm2017.read(path).provenance.notes
    assert any("the landmarks in the file cannot be read" in note for note in notes)
