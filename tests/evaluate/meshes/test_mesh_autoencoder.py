"""Errors of models of meshes: distances worked out by hand, sums over loops, and what the tables say."""

import json
from functools import cache

import numpy as np
import pytest
import torch

from headform.data import HeadSampling, RegisteredMeshes
from headform.evaluate.meshes.mesh_autoencoder import (
    MeshErrorTable,
    evaluate_models,
    head_regions,
    posed_sets,
    summarize,
    vertex_distances,
)
from headform.heads import load_open


@cache
def meshes(count: int = 5) -> RegisteredMeshes:
    table = torch.randn((count, 4, 3), generator=torch.Generator().manual_seed(0)) * 0.1
    return RegisteredMeshes("m", "ours", np.array([[0, 1, 2]]), table, ("",) * count, "m")


def shifted(vertices: torch.Tensor) -> torch.Tensor:
    """Vertex k goes k times (3, 0, 4) mm off: 5 k mm."""
    steps = torch.arange(4.0)[:, None] * torch.tensor([0.003, 0.0, 0.004])
    return vertices + steps


def test_distances_are_millimeters_per_vertex() -> None:
    got = vertex_distances(shifted, meshes(), batch=2)
    np.testing.assert_allclose(got, np.tile([0, 5, 10, 15], (5, 1)), atol=1e-4)
    part = vertex_distances(lambda v: torch.zeros_like(v), meshes(), np.array([3, 1]))
    by_loop = [
        [1000 * float(np.sqrt(sum(x**2 for x in vertex))) for vertex in mesh.tolist()]
        for mesh in meshes().table[[3, 1]]
    ]
    np.testing.assert_allclose(part, by_loop, rtol=1e-5)


def test_summary() -> None:
    rng = np.random.default_rng(0)
    distances = rng.gamma(2, 1, (7, 11)).astype(np.float32)
    got = summarize(distances)
    values = np.sort(distances.ravel().astype(float))
    assert got.mean == pytest.approx(values.sum() / 77)
    assert got.std == pytest.approx(np.sqrt(((values - values.mean()) ** 2).sum() / 77))
    assert got.median == pytest.approx(values[38])
    assert values[72] <= got.percentile_95 <= values[73]
    assert got.worst_mesh == pytest.approx(max(row.mean() for row in distances.astype(float)))


def test_evaluation_fills_tables_and_maps() -> None:
    regions = {"first": np.array([True, False, False, False]), "rest": np.array([0, 1, 1, 1], bool)}
    models = {"as it is": (12, lambda v: v), "shifted": (3, shifted)}
    sets = {"five": meshes(), "two": meshes(2)}
    table, maps = evaluate_models(models, sets, regions=regions, facts={"seed": 4})
    np.testing.assert_allclose(maps["shifted", "two"], [0, 5, 10, 15], atol=1e-4)
    assert [(r.model, r.set, r.width, r.meshes) for r in table.rows] == [
        ("as it is", "five", 12, 5),
        ("shifted", "five", 3, 5),
        ("as it is", "two", 12, 2),
        ("shifted", "two", 3, 2),
    ]
    assert table.rows[1].regions == pytest.approx({"first": 0.0, "rest": 10.0}, abs=1e-4)
    content = json.loads(table.to_json())
    assert content["unit"] == "mm"
    assert content["facts"] == {"seed": 4}
    assert content["rows"][1]["overall"]["mean"] == pytest.approx(7.5, abs=1e-4)
    assert "| shifted | 3 | 7.500 | 5.590 | 7.500 | 15.000 | 7.500 |" in table.to_markdown("five")
    assert "as it is" in table.to_markdown("five")
    assert table.regions_to_markdown("two").splitlines()[0] == "| mean mm | first | rest |"
    assert "| shifted | 0.000 | 10.000 |" in table.regions_to_markdown("two")
    assert table.sets_to_markdown().splitlines() == [
        "| mean mm | five | two |",
        "|---|---|---|",
        "| as it is | 0.000 | 0.000 |",
        "| shifted | 7.500 | 7.500 |",
    ]
    assert "| shifted | – | 7.500 |" in MeshErrorTable(table.rows[:1] + table.rows[2:]).sets_to_markdown()
    assert MeshErrorTable(()).regions_to_markdown("five")


def test_a_model_that_fails_is_not_measured() -> None:
    with pytest.raises(ValueError, match="returned"):
        vertex_distances(lambda v: v[:, :3], meshes())
    with pytest.raises(ValueError, match="NaN"):
        vertex_distances(lambda v: v * float("nan"), meshes())
    with pytest.raises(ValueError, match="no mesh"):
        vertex_distances(shifted, meshes(), np.zeros(0, np.int64))


def test_sets_by_cause_show_the_same_people() -> None:
    head = load_open()
    sets = posed_sets(head, 4, 1, HeadSampling())
    assert list(sets)[:2] == ["everything", "identity"]
    for data in sets.values():
        assert data.split == "test"
        np.testing.assert_array_equal(data.codes.identity, sets["identity"].codes.identity)
    bare = sets["identity"].vertices(np.arange(4))
    turned = sets["and neck"].vertices(np.arange(4))
    foot = head.neck_weight == 0
    torch.testing.assert_close(bare[:, foot], turned[:, foot])
    assert float((bare - turned).abs().max()) > 0.005


def test_regions_of_the_open_head() -> None:
    head = load_open()
    got = head_regions(head)
    assert set(got) >= {"face", "eyes", "neck", "eyeballs", "teeth and tongue"}
    assert all(mask.shape == (len(head.mean),) and mask.any() for mask in got.values())
    assert not (got["face"] & got["eyeballs"]).any()
