"""A run that is killed without warning comes to the same end; the long version is a program.

Both runs are forked from one server, which takes seconds to load torch: they stay in one file.
"""

from pathlib import Path

from tests.train.kill_and_resume import Stage, kill_and_resume


def test_killed_and_resumed_it_ends_the_same(tmp_path: Path) -> None:
    assert kill_and_resume(tmp_path, 3, Stage("toy", 90), seed=1).kills == 3


def test_a_gan_killed_again_and_again_ends_in_the_same_bits(tmp_path: Path) -> None:
    assert kill_and_resume(tmp_path, 3, Stage("gan", 60), seed=1).kills >= 2
