"""Licenses are told from what a file is: a publisher's layout with another mesh is under an unknown license."""

from pathlib import Path

import numpy as np
import pytest
import scipy.io

from headform.heads.linear import LinearHead
from headform.importers import bfm2017, flame_texture, gnm, hifi3d, lsfm, lyhm, surrey
from headform.importers._flame_model import OPEN_KEY, identify
from tests.importers import test_gnm, test_hifi3d, test_lsfm, test_lyhm
from tests.importers.basel_files import statismo
from tests.importers.eos_file import EosModel
from tests.importers.flame_texture_file import write_bfm_albedo


def _lsfm(folder: Path) -> LinearHead:
    scipy.io.savemat(folder / "all.mat", test_lsfm.table(900, 1700, 2, (0, 1)))
    return lsfm.read(folder / "all.mat")


def _eos(folder: Path) -> LinearHead:
    (folder / "bfm.bin").write_bytes(EosModel(900, 1700, 2, eyes=(0, 1)).encode(1))
    return surrey.read(folder / "bfm.bin")


def _statismo(folder: Path) -> LinearHead:
    statismo(folder / "mine.h5", 900, 1700, (1, 1, 1))
    return bfm2017.read(folder / "mine.h5")


OTHERS = {
    "lsfm": _lsfm,
    "lyhm": lambda folder: test_lyhm.read(folder, test_lyhm.table(900, 1700, 2)),
    "hifi3d": lambda folder: test_hifi3d.read(folder, test_hifi3d.table(900, 1700)),
    "gnm": lambda folder: gnm.read(test_gnm.write(folder, test_gnm.table(900, 1700))),
    "eos": _eos,
    "statismo": _statismo,
}
PUBLISHERS = ("Basel", "Imperial", "Liverpool", "Tencent", "Google", "Surrey", "Apache")


@pytest.mark.parametrize("layout", OTHERS)
def test_the_layout_of_a_publisher_with_another_mesh(tmp_path: Path, layout: str) -> None:
    head = OTHERS[layout](tmp_path)
    assert head.license == head.provenance.license
    assert head.license.startswith("unknown license")
    assert not any(name in head.license for name in PUBLISHERS)
    assert any("900 vertices" in note and "license" in note for note in head.provenance.notes)


def test_the_publishers_meshes() -> None:
    assert lyhm.VERTICES == 11510
    assert hifi3d.VERTICES == 20481
    assert gnm.VERTICES == 17821
    assert 3448 in surrey.RESOLUTIONS
    assert 53149 in bfm2017.VERSIONS


def test_flame_by_its_name_alone_is_not_under_the_open_license() -> None:
    named = identify(Path("x/flame2023_Open.npz"), "00", frozenset())
    sure = identify(Path("x/flame2023.pkl"), "00", frozenset([OPEN_KEY]))
    assert sure.license.startswith("CC BY 4.0")
    assert "as its name alone says; else FLAME model license" in named.license
    assert identify(Path("x/flame2020.pkl"), "00", frozenset()).license.startswith("FLAME model license")


def test_an_albedo_that_is_not_basels(tmp_path: Path) -> None:
    other = flame_texture.read(write_bfm_albedo(tmp_path / "albedo.npz", modes=7))
    assert other.provenance.license.startswith("unknown license")
    basel = flame_texture.read(write_bfm_albedo(tmp_path / "FLAME_albedo_from_BFM.npz"))
    assert "Basel" in basel.provenance.license
    assert np.isfinite(other.mean.numpy()).all()
