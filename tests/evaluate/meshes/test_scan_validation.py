"""Scan errors in validation: those of `evaluate scan`, over people."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from headform.errors import WeightsError
from headform.evaluate.meshes.scan_validation import ScanValidation
from headform.evaluate.scan.mesh_files import Surface
from headform.evaluate.scan.protocol import PROTOCOLS
from headform.evaluate.scan.scan_error import crop_scan, scan_error
from headform.heads.linear import LinearHead


def people(head: LinearHead, count: int, seed: int) -> np.ndarray:
    codes = torch.from_numpy(np.random.default_rng(seed).normal(size=(count, len(head.identity)))).float()
    return head.vertices(codes).numpy()


def test_it_is_the_scan_error_of_each_person(head: LinearHead) -> None:
    wanted = people(head, 2, 0)
    found = 0.5 * (wanted + head.mean.numpy())
    measures = ScanValidation(head)(found, wanted)
    faces, marks, protocol = head.faces.numpy(), head.now7.numpy(), PROTOCOLS["corrected"]
    for name, metrical in (("scan", False), ("scan_metrical", True)):
        oracle = []
        for own, true in zip(found.astype(np.float64), 1000 * wanted.astype(np.float64), strict=True):
            scan = crop_scan(Surface(true, faces), true[marks], protocol)
            error = scan_error(scan, Surface(own, faces), own[marks], protocol=protocol, unit="m", metrical=metrical)
            oracle.append(error.distances)
        together = np.concatenate(oracle)
        assert measures[f"{name}_median_mm"] == pytest.approx(np.median(together))
        assert measures[f"{name}_mean_mm"] == pytest.approx(together.mean())
        assert measures[f"{name}_std_mm"] == pytest.approx(together.std())


def test_the_mean_head_has_100_per_cent_and_the_truth_none(head: LinearHead) -> None:
    wanted, validation = people(head, 2, 1), ScanValidation(head)
    mean = validation(np.broadcast_to(head.mean.numpy(), wanted.shape), wanted)
    exact = validation(wanted, wanted)
    assert mean["scan_percent_of_mean_head"] == pytest.approx(100)
    assert mean["scan_metrical_percent_of_mean_head"] == pytest.approx(100)
    assert exact["scan_percent_of_mean_head"] < 1
    assert exact["scan_metrical_percent_of_mean_head"] < 1


def test_other_people_have_another_mean_head(head: LinearHead) -> None:
    validation = ScanValidation(head)
    first = validation(people(head, 1, 2), people(head, 1, 3))
    second = validation(people(head, 1, 2), people(head, 1, 4))
    assert first == pytest.approx(ScanValidation(head)(people(head, 1, 2), people(head, 1, 3)))
    assert second == pytest.approx(ScanValidation(head)(people(head, 1, 2), people(head, 1, 4)))


def test_a_head_without_seven_points_is_refused(head: LinearHead) -> None:
    with pytest.raises(WeightsError) as caught:
        ScanValidation(replace(head, now7=head.now7[:0]))
    assert caught.value.code == "head_lacks"
