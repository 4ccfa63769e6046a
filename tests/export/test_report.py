"""report.html: nothing but itself, safe with any name, and its viewer reads the head rightly."""

import base64
import dataclasses
import hashlib
import html
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch

import headform.export
from headform.export import _report as report
from headform.export import writers
from headform.export.morph_targets import arkit_targets
from headform.io import image_bytes
from headform.mesh.normals import vertex_normals
from headform.pipeline.reconstruction import Reconstruction

VIEWER = Path(headform.export.__file__).parent / "report_viewer.js"


class Page(HTMLParser):
    """Elements with their attributes, and the text inside scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[int, tuple[str, str]] = {}
        self.current = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.current = tag

    def handle_endtag(self, tag: str) -> None:
        self.current = ""

    def handle_data(self, data: str) -> None:
        if self.current in ("script", "style"):
            _, before = self.inside.get(len(self.elements), ("", ""))
            self.inside[len(self.elements)] = self.current, before + data


def page_of(result: Reconstruction) -> str:
    sheet = image_bytes.png(np.zeros((4, 4, 3), np.uint8))
    atlas = writers.chosen_texture(result, "photo")
    small = writers.encode_glb(result, atlas, target_normals=False)
    return report.encode(result, small, sheet).decode()


@pytest.fixture(scope="module")
def text(result: Reconstruction) -> str:
    return page_of(result)


def test_nothing_comes_from_outside(text: str) -> None:
    for tag, attributes in Page(text).elements:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form")
        for name in ("src", "href", "srcset", "action", "style", "onload", "onerror"):
            value = attributes.get(name)
            assert value is None or (name == "src" and value.startswith("data:image/png;base64,"))
    viewer = VIEWER.read_text()
    assert not re.search(r"https?:|fetch\(|XMLHttpRequest|WebSocket|import[ (]", viewer)


def test_policy_allows_its_own_script_and_style_and_no_connection(text: str) -> None:
    page = Page(text)
    (policy,) = (
        attributes["content"]
        for tag, attributes in page.elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert "connect-src" not in rules
    assert rules["img-src"] == "data:"
    scripts = [data for tag, data in page.inside.values() if tag == "script" and "WebGL" in data]
    styles = [data for tag, data in page.inside.values() if tag == "style"]
    for rule, pieces in (("script-src", scripts), ("style-src", styles)):
        (piece,) = pieces
        digest = base64.b64encode(hashlib.sha256(piece.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"


def test_a_hostile_name_is_text(result: Reconstruction) -> None:
    name = "</title><script>alert(1)</script><img src=x onerror=y>&.jpg"
    text = page_of(dataclasses.replace(result, photo_name=name, reasons=("<b>dark</b>",)))
    assert "<script>alert" not in text
    assert "<b>" not in text
    assert html.escape(name) in text


def test_the_table_says_the_numbers(result: Reconstruction) -> None:
    said = dict(report.numbers(result))
    assert said["photo"] == "320 x 240 px"
    assert said["confidence"] == "0.90"
    assert said["head turned"] == "yaw 11.5°, pitch 5.7°, roll 0.0°"
    assert said["expression"] == "mouthSmileLeft 0.80, jawOpen 0.50"
    assert said["camera"].startswith("focal length 600 px, 0.7")
    assert said["milliseconds"] == "detect 100, fit 20"
    assert said["head model SHA-256"] == "ab" * 32


needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


@needs_node
def test_the_viewer_is_sound_javascript() -> None:
    subprocess.run(["node", "--check", str(VIEWER)], check=True, timeout=60)


@needs_node
def test_the_viewer_moves_the_head_as_we_do(result: Reconstruction, tmp_path: Path) -> None:
    """The page's own functions, run by node, against NumPy."""
    head = result.head
    atlas = writers.chosen_texture(result, "photo")
    path = tmp_path / "head.glb"
    path.write_bytes(writers.encode_glb(result, atlas, target_normals=False))
    program = f"""
      const fs = require('fs'), vm = require('vm');
      vm.runInThisContext(fs.readFileSync({json.dumps(str(VIEWER))}, 'utf8'));
      const head = readHead(new Uint8Array(fs.readFileSync({json.dumps(str(path))})));
      const positions = moved(head, head.weights);
      const normals = normalsOf(positions, head.triangles, head.welded);
      const list = (values) => Array.from(values);
      console.log(JSON.stringify({{ positions: list(positions), normals: list(normals),
        triangles: list(head.triangles), image: list(head.image.slice(0, 3)), names: head.names,
        weights: head.weights }}));
    """
    run = subprocess.run(["node", "-e", program], capture_output=True, check=True, timeout=60)
    said = json.loads(run.stdout)
    neutral = result.neutral.astype(np.float64)
    eyes = {side: head.part_vertices(f"eye_{side.lower()}").numpy() for side in ("Left", "Right")}
    at_rest = torch.from_numpy(result.neutral)
    centers = {s: head.eye_center(at_rest, f"eye_{s.lower()}").double().numpy() for s in eyes}
    shapes = arkit_targets(head.expression.numpy(), head.expression_names, result.neutral, eyes, centers)
    for shape, weight in zip(shapes, said["weights"], strict=True):
        neutral += weight * shape.delta
    faces = head.faces.numpy()
    corners = np.array(said["triangles"]).reshape(-1, 3)
    positions = np.array(said["positions"]).reshape(-1, 3)
    normals = np.array(said["normals"]).reshape(-1, 3)
    np.testing.assert_allclose(positions[corners], neutral[faces], atol=3e-5)
    np.testing.assert_allclose(normals[corners], vertex_normals(neutral, faces)[faces], atol=2e-2)
    assert said["image"] == [0xFF, 0xD8, 0xFF]
    assert len(said["names"]) == 52


@pytest.mark.parametrize("name", ["caf\udce9", "\x1b[31m", "gpj.\u202eexe", "a\nb", "\ud800"])
def test_any_name_can_be_shown_and_hides_nothing(result: Reconstruction, name: str) -> None:
    text = page_of(dataclasses.replace(result, photo_name=name))
    assert f"<title>{html.escape(json.dumps(name)[1:-1])} - headform</title>" in text
    assert not set(text) & set("\x1b\u202e")
