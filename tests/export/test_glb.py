"""GLB bytes read back by a small independent parser and compared with what went in."""

import dataclasses
import json
import struct
from dataclasses import dataclass

import numpy as np
import pytest

from headform.export import glb
from headform.export._surface_materials import surface_materials
from headform.export.glb import GlbHead
from headform.export.morph_targets import ARKIT_NAMES, MorphTarget, arkit_targets
from headform.heads.linear import LinearHead
from headform.io import image_bytes

KINDS = {5126: "<f4", 5125: "<u4", 5123: "<u2"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3}


@dataclass(frozen=True)
class Parsed:
    document: dict
    binary: bytes

    def view(self, index: int) -> bytes:
        view = self.document["bufferViews"][index]
        start = view["byteOffset"]
        assert start % 4 == 0
        assert start + view["byteLength"] <= len(self.binary)
        return self.binary[start : start + view["byteLength"]]

    def rows(self, view: int, kind: str, count: int, width: int, offset: int = 0) -> np.ndarray:
        data = self.view(view)
        size = np.dtype(kind).itemsize * count * width
        assert offset + size <= len(data)
        return np.frombuffer(data[offset : offset + size], kind).reshape(count, width)

    def accessor(self, index: int) -> np.ndarray:
        entry = self.document["accessors"][index]
        kind, count, width = KINDS[entry["componentType"]], entry["count"], WIDTHS[entry["type"]]
        if "bufferView" in entry:
            values = self.rows(entry["bufferView"], kind, count, width).copy()
        else:
            values = np.zeros((count, width), kind)
        if sparse := entry.get("sparse"):
            assert sparse["count"] > 0
            i, v = sparse["indices"], sparse["values"]
            where = self.rows(i["bufferView"], KINDS[i["componentType"]], sparse["count"], 1, i["byteOffset"])[
                :, 0
            ].astype(int)
            assert (np.diff(where) > 0).all()
            values[where] = self.rows(v["bufferView"], kind, sparse["count"], width, v["byteOffset"])
        assert np.isfinite(values).all()
        if "min" in entry:
            assert values.min(0).tolist() == entry["min"]
            assert values.max(0).tolist() == entry["max"]
        return values


def parse(data: bytes) -> Parsed:
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    size, kind = struct.unpack_from("<I4s", data, 12)
    assert kind == b"JSON"
    assert size % 4 == 0
    text = data[20 : 20 + size]
    assert text.rstrip(b" ").endswith(b"}")
    rest, kind = struct.unpack_from("<I4s", data, 20 + size)
    assert kind == b"BIN\0"
    assert rest % 4 == 0
    assert 28 + size + rest == len(data)
    document = json.loads(text)
    binary = data[28 + size :]
    assert 0 <= len(binary) - document["buffers"][0]["byteLength"] < 4
    return Parsed(document, binary)


@pytest.fixture(scope="module")
def head(egg: LinearHead, texture: np.ndarray) -> GlbHead:
    neutral = egg.mean.numpy()
    eyes = {side: egg.part_vertices(f"eye_{side.lower()}").numpy() for side in ("Left", "Right")}
    return GlbHead(
        vertices=neutral,
        faces=egg.faces.numpy(),
        uv=egg.uv.numpy(),
        uv_faces=egg.uv_faces.numpy(),
        targets=arkit_targets(egg.expression.numpy(), egg.expression_names, neutral, eyes),
        weights=np.linspace(0, 1, 52),
        texture=image_bytes.png(texture),
        copyright="made by a test",
    )


@pytest.fixture(scope="module")
def parsed(head: GlbHead) -> Parsed:
    return parse(glb.encode(head))


@pytest.fixture(scope="module")
def primitive(parsed: Parsed) -> dict:
    (found,) = parsed.document["meshes"][0]["primitives"]
    return found


def test_corners_are_where_they_were(head: GlbHead, parsed: Parsed, primitive: dict) -> None:
    corners = parsed.accessor(primitive["indices"])[:, 0]
    positions = parsed.accessor(primitive["attributes"]["POSITION"])
    assert np.array_equal(positions[corners], head.vertices[head.faces].reshape(-1, 3))
    uv = parsed.accessor(primitive["attributes"]["TEXCOORD_0"])[corners]
    expected = head.uv[head.uv_faces].reshape(-1, 2)
    np.testing.assert_allclose(uv[:, 0], expected[:, 0], atol=1e-6)
    np.testing.assert_allclose(uv[:, 1], 1 - expected[:, 1], atol=1e-6)


def test_every_accessor_is_sound(parsed: Parsed) -> None:
    for index in range(len(parsed.document["accessors"])):
        parsed.accessor(index)


def test_positions_and_shapes_have_bounds(parsed: Parsed, primitive: dict) -> None:
    accessors = parsed.document["accessors"]
    needed = [primitive["attributes"]["POSITION"], *(t["POSITION"] for t in primitive["targets"])]
    for index in needed:
        assert {"min", "max"} <= accessors[index].keys()


def test_normals_are_unit_and_point_outwards(parsed: Parsed, primitive: dict) -> None:
    normals = parsed.accessor(primitive["attributes"]["NORMAL"]).astype(np.float64)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-6)
    positions = parsed.accessor(primitive["attributes"]["POSITION"])
    egg = np.linalg.norm(positions / (0.07, 0.1, 0.08), axis=1) > 0.99
    assert (np.einsum("vc,vc->v", normals, positions)[egg] > 0).mean() > 0.97


def test_triangles_wind_counter_clockwise_seen_from_outside(parsed: Parsed, primitive: dict) -> None:
    corners = parsed.accessor(primitive["indices"])[:, 0].reshape(-1, 3)
    positions = parsed.accessor(primitive["attributes"]["POSITION"]).astype(np.float64)
    normals = parsed.accessor(primitive["attributes"]["NORMAL"])
    a, b, c = (positions[corners[:, k]] for k in range(3))
    assert (np.einsum("fc,fc->f", np.cross(b - a, c - a), normals[corners].mean(1)) > 0).all()


def test_shapes_have_the_52_names_in_apples_order(parsed: Parsed, primitive: dict) -> None:
    mesh = parsed.document["meshes"][0]
    assert tuple(mesh["extras"]["targetNames"]) == ARKIT_NAMES
    assert len(set(ARKIT_NAMES)) == len(primitive["targets"]) == 52
    assert all(target.keys() == {"POSITION", "NORMAL"} for target in primitive["targets"])
    assert mesh["weights"] == pytest.approx(np.linspace(0, 1, 52), abs=1e-4)


def test_shapes_hold_the_displacements(head: GlbHead, parsed: Parsed, primitive: dict) -> None:
    corners = parsed.accessor(primitive["indices"])[:, 0]
    for target, entry in zip(head.targets, primitive["targets"], strict=True):
        stored = parsed.accessor(entry["POSITION"])[corners]
        expected = target.delta[head.faces].reshape(-1, 3)
        assert np.linalg.norm(stored - expected, axis=1).max() <= glb.MIN_DISPLACEMENT


def test_shapes_are_sparse(parsed: Parsed, primitive: dict) -> None:
    accessors = parsed.document["accessors"]
    sparse = ["sparse" in accessors[target["POSITION"]] for target in primitive["targets"]]
    assert sum(sparse) > 40


def test_normals_of_shapes_equal_those_of_the_moved_mesh(head: GlbHead, parsed: Parsed, primitive: dict) -> None:
    """By a loop over the triangles, independent of the incremental way."""
    corners = parsed.accessor(primitive["indices"])[:, 0]
    resting = parsed.accessor(primitive["attributes"]["NORMAL"])[corners]
    for k in (ARKIT_NAMES.index("jawOpen"), ARKIT_NAMES.index("eyeLookInLeft")):
        moved = head.vertices.astype(np.float64) + head.targets[k].delta
        total = np.zeros_like(moved)
        for face in head.faces:
            a, b, c = moved[face]
            total[face] += np.cross(b - a, c - a)
        total /= np.linalg.norm(total, axis=1, keepdims=True)
        tilt = parsed.accessor(primitive["targets"][k]["NORMAL"])[corners]
        error = np.linalg.norm(resting + tilt - total[head.faces].reshape(-1, 3), axis=1)
        assert error.max() <= glb.MIN_TILT + 1e-6
        assert np.abs(tilt).max() > 2 * glb.MIN_TILT


def test_tongue_out_is_an_accessor_of_zeros_without_data(parsed: Parsed, primitive: dict) -> None:
    for index in primitive["targets"][ARKIT_NAMES.index("tongueOut")].values():
        entry = parsed.document["accessors"][index]
        assert "bufferView" not in entry
        assert "sparse" not in entry
        assert entry["min"] == entry["max"] == [0, 0, 0]


def test_material_is_skin_without_vertex_colors(parsed: Parsed, primitive: dict) -> None:
    document = parsed.document
    assert set(primitive["attributes"]) == {"POSITION", "NORMAL", "TEXCOORD_0"}
    (material,) = document["materials"]
    assert material["pbrMetallicRoughness"]["metallicFactor"] == 0
    assert 0.5 < material["pbrMetallicRoughness"]["roughnessFactor"] < 0.9
    assert material["doubleSided"]  # the egg is open below
    texture = document["textures"][material["pbrMetallicRoughness"]["baseColorTexture"]["index"]]
    assert document["images"][texture["source"]]["mimeType"] == "image/png"


@pytest.fixture(scope="module")
def painted(head: GlbHead, egg: LinearHead) -> tuple[GlbHead, Parsed]:
    """The egg with materials of skin and eyes, and a patch of its chin for a mouth."""
    materials = surface_materials(egg)
    materials[np.flatnonzero(materials == 0)[-30:]] = 1
    several = dataclasses.replace(head, materials=materials)
    return several, parse(glb.encode(several))


def test_each_material_has_the_triangles_of_its_parts(painted: tuple[GlbHead, Parsed]) -> None:
    head, parsed = painted
    document = parsed.document
    (mesh,) = document["meshes"]
    assert [document["materials"][part["material"]]["name"] for part in mesh["primitives"]] == ["skin", "mouth", "eyes"]
    roughness = [material["pbrMetallicRoughness"]["roughnessFactor"] for material in document["materials"]]
    assert roughness == sorted(roughness, reverse=True)
    assert roughness[2] == 0.1
    for index, part in enumerate(mesh["primitives"]):
        corners = parsed.accessor(part["indices"])[:, 0]
        positions = parsed.accessor(part["attributes"]["POSITION"])[corners]
        assert np.array_equal(positions, head.vertices[head.faces[head.materials == index]].reshape(-1, 3))


def test_materials_share_everything_but_their_triangles(
    head: GlbHead, painted: tuple[GlbHead, Parsed], parsed: Parsed, primitive: dict
) -> None:
    several = painted[1].document
    (mesh,), (plain,) = several["meshes"], parsed.document["meshes"]
    for part in mesh["primitives"]:
        assert part["attributes"] == mesh["primitives"][0]["attributes"]
        assert part["targets"] == mesh["primitives"][0]["targets"]
    assert mesh["extras"] == plain["extras"]
    assert mesh["weights"] == plain["weights"]
    assert several["nodes"] == parsed.document["nodes"]
    assert len(several["textures"]) == len(several["images"]) == 1
    # the triangles lie in three places now, padded to four bytes each; nothing else was added
    assert len(several["accessors"]) == len(parsed.document["accessors"]) + 2
    assert len(painted[1].binary) <= len(parsed.binary) + 3 * 2


def test_all_materials_are_unlit_where_colors_hold_light(painted: tuple[GlbHead, Parsed]) -> None:
    document = parse(glb.encode(dataclasses.replace(painted[0], unlit=True))).document
    assert [material["extensions"] for material in document["materials"]] == [{glb.UNLIT: {}}] * 3
    assert all("baseColorTexture" in material["pbrMetallicRoughness"] for material in document["materials"])


def test_texture_is_embedded_byte_for_byte(head: GlbHead, parsed: Parsed) -> None:
    (image,) = parsed.document["images"]
    assert "uri" not in image
    assert parsed.view(image["bufferView"]) == head.texture


def test_asset_names_the_program_and_the_license(parsed: Parsed) -> None:
    asset = parsed.document["asset"]
    assert asset["version"] == "2.0"
    assert asset["generator"].startswith("headform ")
    assert asset["copyright"] == "made by a test"


def test_same_input_same_bytes(head: GlbHead) -> None:
    assert glb.encode(head) == glb.encode(head)


def test_closed_meshes_are_single_sided_and_shapes_optional(texture: np.ndarray) -> None:
    faces = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])
    head = GlbHead(
        vertices=np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]),
        faces=faces,
        uv=np.array([[0.0, 0], [1, 0], [0, 1]]),
        uv_faces=np.tile([0, 1, 2], (4, 1)),
        targets=[],
        weights=np.zeros(0),
        texture=image_bytes.jpeg(texture),
    )
    parsed = parse(glb.encode(head))
    assert not parsed.document["materials"][0]["doubleSided"]
    assert "weights" not in parsed.document["meshes"][0]
    assert "copyright" not in parsed.document["asset"]


def test_more_than_65535_vertices_use_32_bits(texture: np.ndarray) -> None:
    count = 66000
    line = np.arange(count)
    vertices = np.stack([line * 1e-5, np.sin(line), np.cos(line)], 1)
    faces = np.stack([line[:-2], line[1:-1], line[2:]], 1)
    delta = np.zeros((count, 3))
    delta[-1] = 0.5
    head = GlbHead(
        vertices, faces, np.zeros((1, 2)), np.zeros_like(faces), [MorphTarget("far", delta)],
        np.zeros(1), image_bytes.jpeg(texture),
    )  # fmt: skip
    parsed = parse(glb.encode(head))
    (primitive,) = parsed.document["meshes"][0]["primitives"]
    assert parsed.accessor(primitive["indices"]).max() == count - 1
    assert parsed.accessor(primitive["targets"][0]["POSITION"])[-1] == pytest.approx(0.5)


def test_wrong_weights_or_texture_are_refused(head: GlbHead) -> None:
    with pytest.raises(ValueError, match="51 weights for 52 targets"):
        glb.encode(dataclasses.replace(head, weights=np.zeros(51)))
    with pytest.raises(ValueError, match="neither a PNG nor a JPEG"):
        glb.encode(dataclasses.replace(head, texture=b"GIF89a"))
