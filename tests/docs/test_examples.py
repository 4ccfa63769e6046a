"""Every example runs from its file alone and draws its picture."""

import runpy
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SMALL = {
    "03_edit_coefficients": ["--side", "64"],
    "04_render_and_light": ["--side", "64", "--steps", "3"],
    "05_graph_network_on_a_mesh": ["--steps", "3"],
    "07_train_on_your_data": ["--steps", "3"],
}
"""Options that make an example quick."""


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_draws_its_picture(path, tmp_path, monkeypatch):
    picture = tmp_path / "picture.png"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [path.name, "-o", str(picture), *SMALL.get(path.stem, [])])
    runpy.run_path(str(path), run_name="__main__")
    with Image.open(picture) as drawn:
        pixels = np.asarray(drawn.convert("L"), np.float64)
    assert min(pixels.shape) >= 64
    assert pixels.std() > 10, "the picture is blank"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_is_short_and_shown(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 100
    assert f"python examples/{path.name}" in text.split('"""')[1], "the docstring says how to run it"
    page = (EXAMPLES.parent / "docs" / "examples.md").read_text(encoding="utf-8")
    assert f"pictures/{path.stem}.jpg" in page


def test_pictures_are_small():
    sizes = [path.stat().st_size for path in (EXAMPLES.parent / "docs" / "pictures").iterdir()]
    assert max(sizes) < 120_000
    assert sum(sizes) < 700_000
