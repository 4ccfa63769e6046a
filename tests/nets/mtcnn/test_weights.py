import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

from headform.errors import WeightsError
from headform.nets.mtcnn import weights


def test_the_wheel_is_read_and_never_imported(repository: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from headform.nets.mtcnn import weights\n"
        "tables = weights.load()\n"
        "assert [len(tables[name]) for name in weights.NAMES] == [13, 16, 21]\n"
        "assert weights.load() is tables\n"
        "assert not {'mtcnn', 'tensorflow', 'joblib', 'pickle5'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(repository / "src")], check=True)


def test_a_missing_wheel_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "DISTRIBUTION", "no-such-distribution-here")
    with pytest.raises(WeightsError, match=r"pip install mtcnn==1\.0\.0") as caught:
        weights.find()
    assert caught.value.code == "weights_missing"


def test_a_wheel_without_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "files", lambda _: [])
    with pytest.raises(WeightsError, match=r"lacks pnet\.lz4"):
        weights.find()
