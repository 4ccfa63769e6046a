"""A run that is killed without warning comes to the same end; the long version is a program."""

from pathlib import Path

from tests.train.kill_and_resume import Stage, kill_and_resume


def test_killed_and_resumed_it_ends_the_same(tmp_path: Path) -> None:
    assert kill_and_resume(tmp_path, 3, Stage("toy", 90), seed=1).kills == 3
