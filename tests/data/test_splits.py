"""Splits and folds: every mesh once, the same each time."""

import numpy as np
import pytest
import torch

from headform.data.registered import RegisteredMeshes
from headform.data.splits import Subset, fold_indices, split_indices


def test_split_uses_every_mesh_once() -> None:
    parts = split_indices(45, val=0.1, test=0.2)
    assert (len(parts.train), len(parts.val), len(parts.test)) == (32, 4, 9)
    together = np.concatenate([parts.train, parts.val, parts.test])
    np.testing.assert_array_equal(np.sort(together), np.arange(45))
    np.testing.assert_array_equal(split_indices(45, val=0.1, test=0.2).test, parts.test)
    assert (split_indices(45, val=0.1, test=0.2, seed=1).test != parts.test).any()
    # known values: a change of the rule would silently mix training and test meshes
    np.testing.assert_array_equal(split_indices(10, seed=0).test, [4, 6])


def test_folds_hold_every_mesh_out_once() -> None:
    parts = [fold_indices(11, 4, k, seed=3) for k in range(4)]
    assert sorted(len(p.test) for p in parts) == [2, 3, 3, 3]
    np.testing.assert_array_equal(np.sort(np.concatenate([p.test for p in parts])), np.arange(11))
    for part in parts:
        both = np.concatenate([part.train, part.test])
        np.testing.assert_array_equal(np.sort(both), np.arange(11))


def test_impossible_splits() -> None:
    with pytest.raises(ValueError, match="none to train on"):
        split_indices(3, val=0.5, test=0.5)
    for folds, number in ((1, 0), (5, 0), (3, 3), (3, -1)):
        with pytest.raises(ValueError, match="fold"):
            fold_indices(4, folds, number)


def test_subset_renumbers() -> None:
    table = torch.arange(5.0)[:, None, None].expand(5, 3, 3).contiguous()
    whole = RegisteredMeshes("five", "ours", np.array([[0, 1, 2]]), table, tuple("abcde"), "m")
    part = Subset(whole, np.array([4, 0, 2]), "train")
    assert (part.name, part.count, part.license) == ("five, train", 3, "ours")
    assert part.vertices(np.array([2, 0]))[:, 0, 0].tolist() == [2.0, 4.0]
    np.testing.assert_array_equal(part.faces, whole.faces)
    with pytest.raises(IndexError):
        Subset(whole, np.array([5]), "test")
