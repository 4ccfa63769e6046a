"""The chain of Basel meshes: the tables of landmarks agree with each other; files are checked against them."""

from pathlib import Path

import numpy as np
import pytest
import scipy.io

from headform.errors import WeightsError
from headform.importers._basel_landmarks import ALTERNATIVE_53490, BASEL_2017, LANDMARKS
from headform.importers.basel_topology import (
    FRONT,
    FULL,
    NO_NECK,
    TRIMMED,
    Selection,
    is_selection,
    read_selection,
    selection_of,
)
from headform.importers.importing import linear_head
from tests.heads.made_models import SIDE, mask_model
from tests.importers.basel_files import kept, write_cuts


@pytest.mark.parametrize(("source", "target"), [(FULL, TRIMMED), (TRIMMED, FRONT)])
def test_the_tables_are_of_one_chain(source: int, target: int) -> None:
    """A cut only leaves vertices out: order stays, indices never grow, and no more are missing than were cut away."""
    here, there = np.array(LANDMARKS[source]), np.array(LANDMARKS[target])
    order = np.argsort(there)
    gone = (here - there)[order]
    assert (np.diff(here[order])[np.diff(there[order]) > 0] > 0).all()
    assert (np.diff(gone) >= 0).all()
    assert 0 <= gone.min()
    assert gone.max() <= source - target
    assert gone.max() > 0


def test_all_275_vertices_of_the_first_cut_lie_before_the_last_landmark() -> None:
    assert max(LANDMARKS[FULL]) - max(LANDMARKS[TRIMMED]) == FULL - TRIMMED == 275


@pytest.mark.parametrize(
    ("table", "count"),
    [(ALTERNATIVE_53490, FULL), (BASEL_2017, 53149), *((t, n) for n, t in LANDMARKS.items())],
)
def test_tables_name_68_vertices(table: tuple[int, ...], count: int) -> None:
    assert len(table) == len(set(table)) == 68
    assert 0 <= min(table)
    assert max(table) < count


def test_files_are_read_by_their_keys(tmp_path: Path) -> None:
    write_cuts(tmp_path)
    trim = read_selection(tmp_path / "BFM_exp_idx.mat")
    front = read_selection(tmp_path / "BFM_front_idx.mat")
    both = read_selection(tmp_path / "select_vertex_id.mat")
    assert (trim.source, trim.target) == (FULL, TRIMMED)
    assert (front.source, front.target) == (TRIMMED, FRONT)
    np.testing.assert_array_equal(trim.vertices, kept(FULL, TRIMMED))
    joined = trim.then(front)
    np.testing.assert_array_equal(joined.vertices, both.vertices)
    assert joined.name == "BFM_exp_idx.mat and BFM_front_idx.mat"
    np.save(tmp_path / "indices.npy", np.arange(NO_NECK) + 14000)
    neckless = read_selection(tmp_path / "indices.npy")
    assert (neckless.source, neckless.target) == (TRIMMED, NO_NECK)
    assert neckless.vertices[0] == 14000
    assert is_selection(tmp_path / "indices.npy")
    assert not is_selection(tmp_path / "other.npy")
    with pytest.raises(WeightsError) as caught:
        front.then(trim)
    assert caught.value.code == "model_mismatch"


def test_either_origin_where_it_is_certain() -> None:
    right = kept(FULL, TRIMMED)
    assert right[0] == 0
    assert right[-1] == FULL - 1
    for indices in (right, right + 1, (right + 1.0)[:, None]):
        for origin in (0, 1):
            got = selection_of(indices, FULL, TRIMMED, origin=origin)
            np.testing.assert_array_equal(got.vertices, right)


def test_wrong_files_are_refused(tmp_path: Path) -> None:
    right = kept(FULL, TRIMMED)
    others = np.setdiff1d(np.arange(FULL), np.random.default_rng(0).permutation(FULL)[:275])
    twice = right.copy()
    twice[1] = twice[0]
    for code, indices in (
        ("model_shape", right[:-1]),
        ("model_index", right + 2),
        ("model_index", right - 1),
        ("model_index", right + 0.5),
        ("model_index", right * np.nan),
        ("model_index", right * 1e300),
        ("model_shape", right * 1j),
        ("model_shape", right.astype(str)),
        ("model_shape", [np.ones(2), np.ones(3)]),
        ("model_index", twice),
        ("model_mismatch", right[::-1].copy()),
        ("model_mismatch", others),
    ):
        with pytest.raises(WeightsError) as caught:
            selection_of(indices, FULL, TRIMMED, origin=0)
        assert caught.value.code == code
    scipy.io.savemat(tmp_path / "BFM_exp_idx.mat", {"other": right})
    with pytest.raises(WeightsError) as caught:
        read_selection(tmp_path / "BFM_exp_idx.mat")
    assert caught.value.code == "model_missing_key"
    with pytest.raises(WeightsError) as caught:
        read_selection(tmp_path / "absent.npy")
    assert caught.value.code == "weights_missing"


def test_a_head_of_another_mesh_is_not_cut() -> None:
    made = linear_head(mask_model())
    part = Selection(SIDE * SIDE, np.arange(30), "mine.npy")
    small = part.cut(made)
    assert len(small.mean) == 30
    assert small.provenance.notes[-1] == "cut from 81 to 30 vertices by mine.npy"
    with pytest.raises(WeightsError) as caught:
        part.cut(small)
    assert caught.value.code == "model_mismatch"
    assert "for 81 vertices, not for 30" in str(caught.value)
