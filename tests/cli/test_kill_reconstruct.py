"""A batch that is killed loses nothing and leaves nothing half-written; the long version is a program."""

from tests.cli.kill_reconstruct import kill_reconstruct


def test_killed_it_loses_nothing_and_leaves_nothing_half_written(tmp_path):
    assert kill_reconstruct(tmp_path, 4, seed=1).kills == 4
