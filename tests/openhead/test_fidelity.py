"""The open head against the model it is made from: surface, penetration, the same bytes twice, both layouts of the data."""

import json
from dataclasses import fields

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from headform.errors import WeightsError
from headform.heads import load
from headform.heads.linear import PARTS
from headform.importers import ict_model
from headform.importers.ict_model import read_polygons, read_positions
from headform.mesh.topology import components
from headform.openhead._source import IRISES
from headform.openhead.builder import build
from tests.heads.surface_distance import candidates_of, depths, distances


def both(head, source, identity, expression):
    """The same person on both meshes, centimeters."""
    theirs = source.mean + np.tensordot(identity, source.identity, 1) + np.tensordot(expression, source.expression, 1)
    ours = head.vertices(torch.from_numpy(identity).float(), torch.from_numpy(expression).float())
    return theirs, ours.double().numpy() * 100


def unit(head, name):
    code = np.zeros(len(head.expression))
    if name:
        code[head.expression_names.index(name)] = 1
    return code


def test_open_vertices_are_source_vertices(head, source) -> None:
    gap, nearest = cKDTree(source.mean).query(head.mean.numpy() * 100.0)
    assert gap.max() < 1e-5
    assert len(np.unique(nearest)) == len(nearest)
    np.testing.assert_array_equal(nearest[head.dense.numpy()], source.dense)
    np.testing.assert_array_equal(head.dense_mirror, source.dense_mirror)
    # the bases, quantized: a few hundredths of a millimeter in all for a person within 2 sigma
    code = np.clip(np.random.default_rng(1).normal(size=100), -2, 2)
    theirs, ours = both(head, source, code, unit(head, "mouthFunnel"))
    assert np.abs(theirs[nearest] - ours).max() * 10 < 0.1


def test_skin_follows_the_source(head, source) -> None:
    """Every skin vertex of the source, ±2 sigma people and all expressions: median < 0.2 mm, 99 % < 1 mm, each shape."""
    skin = np.flatnonzero(source.part <= PARTS.index("head"))
    faces = head.faces.numpy()
    outer = faces[(head.part.numpy()[faces] <= PARTS.index("head")).any(1)]
    near = candidates_of(source.mean[skin], head.mean.double().numpy()[outer] * 100, 32)
    rng = np.random.default_rng(7)
    shapes = [(np.clip(rng.normal(size=100), -2, 2), unit(head, "")) for _ in range(12)]
    shapes += [(rng.choice([-2.0, 2.0], 100) * (np.arange(100) < 10), unit(head, "")) for _ in range(4)]
    shapes += [(np.zeros(100), unit(head, name)) for name in head.expression_names]
    for identity, expression in shapes:
        theirs, ours = both(head, source, identity, expression)
        gap = distances(theirs[skin], ours[outer], near) * 10
        assert np.median(gap) < 0.2
        assert np.percentile(gap, 99) < 1.0
        assert gap.max() < 4.0


def spots(part, faces, vertices, flesh, near):
    """Vertices, edge middles and triangle centers of flesh that may touch: corners (n,3) and their weights."""
    own = faces[np.isin(part, [PARTS.index(n) for n in flesh])[faces].all(1)]
    own = own[near(vertices[own].mean(1))]
    side = np.unique(np.sort(np.concatenate([own[:, :2], own[:, 1:], own[:, [2, 0]]]), axis=1), axis=0)
    point = np.unique(own)
    corners = np.concatenate([np.repeat(point[:, None], 3, 1), side[:, [0, 1, 1]], own])
    weights = [[1.0, 0, 0]] * len(point) + [[0.5, 0.5, 0]] * len(side) + [[1 / 3] * 3] * len(own)
    return corners, np.array(weights)


def bodies(part, faces, name):
    own = faces[(part[faces] == PARTS.index(name)).all(1)]
    return own, components(own, len(part))[own[:, 0]]


def deeper(head, source, body, flesh, near, shapes):
    """By how many mm flesh lies deeper in a body on the open head than anywhere near on the source, worst case."""
    hidden = np.zeros(len(source.mean), bool)
    for first, end in IRISES:
        hidden[first:end] = True
    meshes = (
        (source.part, source.faces[~hidden[source.faces].any(1)], source.mean),
        (head.part.numpy(), head.faces.numpy(), head.mean.double().numpy() * 100),
    )
    spot = [spots(*mesh, flesh, near) for mesh in meshes]
    hard = [bodies(*mesh[:2], body) for mesh in meshes]
    rest = [(m[2][c] * w[..., None]).sum(1) for m, (c, w) in zip(meshes, spot, strict=True)]
    neighbors = cKDTree(rest[0]).query(rest[1], k=12)[1]
    worst = 0.0
    for identity, name in shapes:
        depth = []
        for vertices, (c, w), (f, label) in zip(
            both(head, source, identity, unit(head, name)), spot, hard, strict=True
        ):
            depth.append(depths((vertices[c] * w[..., None]).sum(1), vertices[f], label))
        worst = max(worst, float((depth[1] - depth[0][neighbors].max(1)).max()) * 10)
    return worst


def people(count):
    rng = np.random.default_rng(11)
    return [(np.zeros(100), "")] + [(np.clip(rng.normal(size=100), -2, 2), "") for _ in range(count)]


@pytest.mark.parametrize("side", ["right", "left"])
def test_lids_enter_eyeballs_no_deeper(head, source, side) -> None:
    body = f"eye_{side}"
    middle = head.eye_center(head.mean, body).numpy() * 100.0
    names = ("eyeBlink", "eyeSquint", "eyeWide", "eyeLookDown", "cheekSquint")
    shapes = people(2) + [(np.zeros(100), name + side.capitalize()) for name in names]
    near = lambda centers: (  # noqa: E731
        (np.linalg.norm(centers - middle, axis=1) < 1.95) & (centers[:, 2] > middle[2])
    )
    assert deeper(head, source, body, ("face", f"socket_{side}"), near, shapes) < 0.3


def test_lips_enter_teeth_no_deeper(head, source) -> None:
    names = (
        "jawOpen mouthSmileLeft mouthPucker mouthFunnel mouthRollLower mouthRollUpper mouthShrugUpper mouthPressRight"
    )
    shapes = people(1) + [(np.zeros(100), name) for name in names.split()]

    def near(centers):
        x, y, z = centers.T
        return (z > 8.6) & (np.abs(x) < 3.5) & (y > -6.2) & (y < -0.3)

    assert deeper(head, source, "teeth", ("face", "mouth"), near, shapes) < 0.3


def test_a_new_build_is_the_shipped_head(data_root, head, tmp_path) -> None:
    """Built twice, the same: once when it was shipped, once here. Only the albedo's last digit may know the machine."""
    build(data_root / "ict_facekit", tmp_path / "open_head.safetensors")
    again = load(tmp_path / "open_head.safetensors")
    for field in fields(head):
        here, there = getattr(again, field.name), getattr(head, field.name)
        if field.name in ("albedo", "albedo_mean"):
            step = (there.abs().amax() / 127).item()
            torch.testing.assert_close(here, there, rtol=0, atol=2 * step)
        elif isinstance(there, torch.Tensor):
            assert torch.equal(here, there), field.name
        elif field.name == "regions":
            assert all(torch.equal(here[name], there[name]) for name in there)
        elif field.name != "sha256":
            assert here == there, field.name
    card = json.loads((tmp_path / "open_head.json").read_text())
    assert card["sha256"] == again.sha256
    assert card["fidelity_mm"]["percentile_99"] < 1.0


def test_meshes_and_npz_hold_the_same(data_root) -> None:
    """The OBJ meshes that are there against the same entries of the npz, as arrays of the same model."""
    folder = data_root / "ict_facekit"
    model = ict_model.read(folder / ict_model.NPZ)
    objs = folder / "FaceXModel"
    neutral = read_positions(objs / ict_model.NEUTRAL)
    np.testing.assert_array_equal(neutral.astype(np.float32), model.neutral)
    uv, polygons, polygon_uvs, materials, material = read_polygons(objs / ict_model.NEUTRAL)
    np.testing.assert_array_equal(uv.astype(np.float32), model.uv)
    np.testing.assert_array_equal(polygons, model.polygons)
    np.testing.assert_array_equal(polygon_uvs, model.polygon_uvs)
    np.testing.assert_array_equal(material, model.polygon_material)
    assert materials == model.materials
    shapes = [path for path in sorted(objs.glob("*.obj")) if path.name != ict_model.NEUTRAL]
    assert len(shapes) >= 5
    for path in shapes:
        number = path.stem.removeprefix("identity")
        kept = model.identity[int(number)] if number != path.stem else model.expression[path.stem]
        np.testing.assert_array_equal((read_positions(path) - neutral).astype(np.float32), kept)
    listed = json.loads((objs / "vertex_indices.json").read_text())["idx_to_landmark_verts"]
    assert tuple(listed) == ict_model.LANDMARKS68


def test_an_incomplete_folder_is_named(data_root, tmp_path) -> None:
    folder = data_root / "ict_facekit/FaceXModel"
    for place, name in ((tmp_path, "generic_neutral_mesh.obj"), (folder, "identity002")):
        with pytest.raises(WeightsError, match=name) as caught:
            build(place, tmp_path / "out.safetensors")
        assert caught.value.code == "model_missing_key"
    assert not (tmp_path / "out.safetensors").exists()
