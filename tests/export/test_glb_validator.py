"""GLB files against the Khronos glTF validator, where node and the package are there."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from headform.export import glb
from headform.export._surface_materials import surface_materials
from headform.export.glb import GlbHead
from headform.export.morph_targets import arkit_targets
from headform.heads import load_open
from headform.heads.linear import LinearHead
from headform.io import image_bytes


@pytest.fixture(scope="session")
def validator(repository: Path) -> list[str]:
    """Command that validates a file; skips, with the reason, where it cannot run."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, the Khronos validator needs it")
    named = os.environ.get("HEADFORM_GLTF_VALIDATOR")
    script = repository / "tests" / "export" / "validate_glb.mjs"
    places = [Path(named)] if named else []
    places.append(repository / "build" / "gltf-validator")
    for place in places:
        modules = place if place.name == "node_modules" else place / "node_modules"
        if (modules / "gltf-validator").is_dir():
            return [node, str(script), str(modules)]
    pytest.skip("the npm package gltf-validator is absent: run `make gltf-validator`")


def report(validator: list[str], path: Path) -> dict:
    run = subprocess.run([*validator, str(path)], capture_output=True, check=True, timeout=60)
    answer: dict = json.loads(run.stdout)
    return answer


def file_of(egg: LinearHead, texture: np.ndarray, *, normals: bool = True, unlit: bool = False) -> bytes:
    neutral = egg.mean.numpy()
    eyes = {side: egg.part_vertices(f"eye_{side.lower()}").numpy() for side in ("Left", "Right")}
    targets = arkit_targets(egg.expression.numpy(), egg.expression_names, neutral, eyes)
    return glb.encode(
        GlbHead(
            vertices=neutral,
            faces=egg.faces.numpy(),
            uv=egg.uv.numpy(),
            uv_faces=egg.uv_faces.numpy(),
            targets=targets,
            weights=np.linspace(0, 1, 52),
            texture=image_bytes.jpeg(texture),
            copyright=egg.license,
            unlit=unlit,
            materials=surface_materials(egg),
        ),
        target_normals=normals,
    )


@pytest.mark.parametrize(("normals", "unlit"), [(True, False), (False, False), (False, True)])
def test_no_errors_and_no_warnings(
    validator: list[str], egg: LinearHead, texture: np.ndarray, tmp_path: Path, normals: bool, unlit: bool
) -> None:
    path = tmp_path / "head.glb"
    path.write_bytes(file_of(egg, texture, normals=normals, unlit=unlit))
    issues = report(validator, path)["issues"]
    assert issues["numErrors"] == 0, issues["messages"]
    assert issues["numWarnings"] == 0, issues["messages"]


def test_the_validator_sees_a_fault(validator: list[str], egg: LinearHead, texture: np.ndarray, tmp_path: Path) -> None:
    """A wrong bound must be reported, or the test above proves nothing."""
    broken = file_of(egg, texture).replace(b'"max":[', b'"max":[9', 1)
    path = tmp_path / "head.glb"
    path.write_bytes(broken)
    assert report(validator, path)["issues"]["numErrors"] > 0


def test_the_shipped_head(validator: list[str], texture: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "head.glb"
    path.write_bytes(file_of(load_open(), texture))
    assert path.stat().st_size < 5_000_000
    found = report(validator, path)
    assert found["issues"]["numErrors"] == found["issues"]["numWarnings"] == 0, found["issues"]
    assert found["info"]["hasMorphTargets"]
    assert found["info"]["totalVertexCount"] < 3 * 65535  # the vertices of each of three materials
    assert found["info"]["materialCount"] == found["info"]["drawCallCount"] == 3
