"""Every command that writes a folder of results is refused while another process does."""

import os

import pytest

from headform.cli.main import main
from headform.io.folder_lock import FolderLock


@pytest.mark.parametrize(
    "words",
    [
        "train landmarks",
        "train parsing --preset synthetic-only",
        "train mesh-autoencoder",
        "train mesh-autoencoder --resume",
        "evaluate now --dataset none --predictions none",
    ],
)
def test_a_folder_in_use_is_refused_by_name_and_nothing_is_written(tmp_path, capsys, words):
    out = tmp_path / "out"
    with FolderLock(out):
        before = sorted(out.iterdir())
        assert main([*words.split(), "-o", str(out)]) == 6
        assert sorted(out.iterdir()) == before
    error = capsys.readouterr().err
    assert error.startswith(f"error [folder_in_use]: process {os.getpid()} is writing into this folder ({out}).")


def test_a_refused_command_leaves_no_folder(tmp_path):
    out = tmp_path / "out"
    assert main(["evaluate", "now", "--dataset", "none", "--predictions", "none", "-o", str(out)]) == 3
    assert not out.exists()
