"""Two processes under torchrun do what one does with the doubled batch; they stop and fail together."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.train import pair


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> tuple[Path, Path]:
    """Folders of one process and of two."""
    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    environment = os.environ | {
        "PYTHONPATH": f"{repository / 'src'}{os.pathsep}{repository}",
        "OMP_NUM_THREADS": "1",
    }
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    words += ["-m", "tests.train.pair", str(two)]
    done = subprocess.run(words, env=environment, cwd=repository, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    for kind in pair.CONFIGS:
        pair.learn(one, kind)
    return one, two


@pytest.mark.parametrize("kind", list(pair.CONFIGS))
def test_two_processes_follow_one(runs: tuple[Path, Path], kind: str) -> None:
    one, two = runs
    alone = load_file(one / kind / "weights_0.safetensors")
    first, second = (load_file(two / kind / f"weights_{rank}.safetensors") for rank in (0, 1))
    torch.manual_seed(0)
    begun = pair.build().state_dict()
    for name, value in alone.items():
        assert value.dtype == torch.float64
        assert torch.equal(first[name], second[name])
        torch.testing.assert_close(first[name], value, rtol=1e-5, atol=1e-9)
        assert float((value - begun[name]).norm()) > 1e-3, "something was learned"
    lines = [[json.loads(line) for line in (folder / kind / "log.jsonl").read_text().splitlines()] for folder in runs]
    assert len(lines[0]) == len(lines[1]) == 24
    for a, b in zip(*lines, strict=True):
        for key in (key for key in a if key != "minutes"):
            assert a[key] == pytest.approx(b[key], rel=1e-5), (a, b)


def test_they_stop_resume_and_fail_together(runs: tuple[Path, Path]) -> None:
    _, two = runs
    first, second = (json.loads((two / f"said_{rank}.json").read_text()) for rank in (0, 1))
    assert first == second
    assert first["stopped"] == [True, 6]
    assert first["resumed"] == 6
    assert first["timed"][0] == pytest.approx(60, abs=1)
    assert first["timed"][1] == pytest.approx(0.01, abs=2e-4)
    assert first["error"][0] == "loss_not_finite"
    assert "at step 9" in first["error"][1]
