"""Meshes that do not correspond to the others of their set are named, with how far they are off."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from headform.data import RegisteredMeshes, read_registered, write_prepared
from headform.data.mesh_data import from_folder
from headform.data.mesh_outliers import find_outliers
from headform.errors import InputError, UsageError
from headform.heads import load_open
from tests.mesh.surfaces import face_sheet

ROWS, COLUMNS = 15, 17
SHEET, FACES = face_sheet(ROWS, COLUMNS)
RNG = np.random.default_rng(0)
ORDER = RNG.permutation(len(SHEET))
MIRROR = np.arange(len(SHEET)).reshape(ROWS, COLUMNS)[:, ::-1].reshape(-1)
FEW = np.arange(len(SHEET))
FEW[[20, 200]] = FEW[[200, 20]]


def people(count: int = 12) -> np.ndarray:
    """Faces of other sizes and forms, one with its mouth wide open, one that leans."""
    rng = np.random.default_rng(1)
    rows = SHEET * rng.uniform(0.8, 1.25, (count, 1, 3)) + rng.normal(0, 0.001, (count, *SHEET.shape))
    rows[1, len(SHEET) // 2 :, 1] += 0.012
    rows[2] = rows[2] @ Rotation.from_euler("xyz", [20, 30, 10], degrees=True).as_matrix()
    return rows


def meshes(rows: np.ndarray) -> RegisteredMeshes:
    return RegisteredMeshes("people", "-", FACES, torch.from_numpy(rows.astype(np.float32)), (), "m")


def test_natural_variation_is_none() -> None:
    assert find_outliers(meshes(people())) == []
    frames = np.einsum("nvi,nij->nvj", people(), Rotation.random(12, random_state=0).as_matrix())
    assert find_outliers(meshes(frames)) == [], "scans in the frames of their scanners"
    assert find_outliers(meshes((people() * [-1, 1, 1])[:, MIRROR])) == [], "mirror images with their own numbering"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda row: row[ORDER], "of its edges torn, about .* times as long: its vertices are in another order"),
        (lambda row: row[FEW], "of its edges torn"),
        (lambda row: np.roll(row, 1, axis=0), "of its edges torn"),
        (lambda row: row * [-1, 1, 1], "^is mirrored$"),
        (lambda row: row[MIRROR], "^is mirrored$"),
        (lambda row: row[:, [0, 2, 1]] * [1, -1, 1], r"^is turned by \d\d°$"),
        (lambda row: row + 1.0, "^lies .* times its size away$"),
        (lambda row: row / 2.54, r"^is 0\.\d+ times as large$"),
        (lambda row: row * 0, "^is 0 times as large$"),
    ],
)
def test_a_mesh_unlike_the_others_is_found(change, says) -> None:
    rows = people()
    rows[5] = change(rows[5])
    found = find_outliers(meshes(rows))
    assert [each.index for each in found] == [5]
    assert re.search(says, found[0].what)


def test_a_shuffle_is_measured() -> None:
    rows = people(4) * 0 + SHEET
    rows[3] = rows[3][ORDER]
    sides = np.concatenate([FACES[:, [0, 1]], FACES[:, [1, 2]], FACES[:, [2, 0]]])
    sides = np.unique(np.sort(sides, axis=1), axis=0)
    long, usual = (np.linalg.norm(r[sides[:, 0]] - r[sides[:, 1]], axis=1) for r in (rows[3], SHEET))
    torn = (long > 3 * usual) & (long > 0.1 * np.linalg.norm(np.ptp(SHEET, axis=0)))
    (found,) = find_outliers(meshes(rows))
    assert f"has {torn.mean():.1%} of its edges torn, about {np.median((long / usual)[torn]):.3g} times" in found.what


def test_nearly_half_of_a_set_may_be_wrong_and_of_two_the_longer_is_named() -> None:
    rows = people()
    rows[[0, 3, 4, 8, 11]] = rows[[0, 3, 4, 8, 11]][:, ORDER]
    assert [each.index for each in find_outliers(meshes(rows))] == [0, 3, 4, 8, 11]
    assert [each.index for each in find_outliers(meshes(rows[2:4]))] == [1]


def test_triangles_that_fit_no_mesh_are_refused() -> None:
    with pytest.raises(InputError, match="the triangles join vertices that lie anywhere") as caught:
        find_outliers(meshes(people()[:, ORDER]))
    assert caught.value.code == "mesh_unsorted"


def test_reading_names_the_files_and_keeps_them_if_asked(tmp_path: Path) -> None:
    rows = people()
    rows[5], rows[7] = rows[5][ORDER], rows[7] * [-1, 1, 1]
    for number, row in enumerate(rows):
        np.savez(tmp_path / f"face_{number:02d}.npz", vertices=row, faces=FACES)
    with pytest.raises(
        InputError, match=r"2 of 12 meshes .*'face_05\.npz' has .*torn.*; 'face_07\.npz' is mirrored"
    ) as caught:
        read_registered(tmp_path)
    assert caught.value.code == "mesh_outlier"
    assert "--outliers keep" in caught.value.hint
    with pytest.raises(InputError, match=r"'face_05\.npz' has"):
        from_folder(tmp_path, load_open(), 0, held_out=4)
    assert read_registered(tmp_path, outliers="keep").count == 12
    assert from_folder(tmp_path, load_open(), 0, held_out=4, outliers="keep").train.count == 10
    with pytest.raises(UsageError, match="outliers must be one of"):
        read_registered.__wrapped__(tmp_path, outliers="no")


def test_another_unit_is_found_although_one_is_named(tmp_path: Path) -> None:
    rows = people()
    rows[4] *= 1000
    np.savez(tmp_path / "all.npz", vertices=rows, faces=FACES)
    with pytest.raises(InputError, match=r"long, the others about") as caught:
        read_registered(tmp_path / "all.npz", unit="m")
    assert (caught.value.code, caught.value.location) == ("mesh_unit", "'all.npz[4]'")


def test_prepared_sets_are_looked_at_too(tmp_path: Path) -> None:
    rows = people()
    rows[5] = rows[5][ORDER]
    parts = {"train": meshes(rows), "val": meshes(people(4))}
    write_prepared(tmp_path / "p", parts, name="people", source={})
    with pytest.raises(InputError, match="1 of 12 meshes do not correspond to the others: mesh 5 has"):
        from_folder(tmp_path / "p", load_open(), 0, held_out=4)
    rows[5] = np.nan
    write_prepared(tmp_path / "nan", parts | {"train": meshes(rows)}, name="people", source={})
    with pytest.raises(InputError, match="NaN or infinite") as caught:
        from_folder(tmp_path / "nan", load_open(), 0, held_out=4)
    assert (caught.value.code, caught.value.location) == ("mesh_not_finite", "mesh 5")
