"""A target for each reader: sound files made in code, and the mutations that get past the first checks."""

import json
import os
import pickle
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import safetensors.numpy
import scipy.io
import torch
from PIL import Image

from headform import images
from headform.data import contours, npz_meshes
from headform.data.layouts.celeba_lists import read_list
from headform.data.portraits import Portraits
from headform.data.prepared import PreparedMeshes
from headform.data.shard_index import merge_index, read_index, scan_shard
from headform.data.shards import ShardSet, ShardWriter
from headform.evaluate.landmarks68.annotation_formats import read_dlib_xml, read_pts
from headform.evaluate.landmarks68.landmark_files import read_annotations
from headform.evaluate.now.layout import read_images
from headform.export.manifest import read_manifest
from headform.heads import asset, head_file
from headform.io import hdf5_file, mat_file, npz_file, tfjs_file, torch_file, unpickle
from headform.io.mesh import picked_points, reading
from headform.mesh.hierarchy import build_hierarchy
from headform.mesh.hierarchy_file import load_hierarchy, save_hierarchy
from headform.synth.appearance import FORMAT, decode_appearance
from headform.train._run_folder import check_config
from tests.data.portrait_files import index_bytes, portrait_bytes, read_portraits
from tests.data.shard_samples import SIDE, make_sample
from tests.export.conftest import make_head
from tests.fuzz import mutations as change
from tests.fuzz.mutations import Mutation


@dataclass(frozen=True)
class Target:
    """A reader.

    Attributes:
        read: Reads the file at a path.
        seeds: Contents of sound files, made when asked for.
        mutations: Ways of changing them; each is as likely as the others.
        name: Name of the file, where the reader looks at it.
    """

    read: Callable[[Path], Any]
    seeds: Callable[[], list[bytes]]
    mutations: tuple[Mutation, ...] = (change.mutated, change.mutated, change.early)
    name: str = "file"


_RANDOM = np.random.default_rng(0)
_POINTS = _RANDOM.random((68, 2)) * 100
_ARRAYS = {
    "vertices": _RANDOM.random((5, 3), np.float32),
    "faces": np.array([[0, 1, 2], [2, 3, 4]]),
    "text": np.array(["ab", "c"]),
    "b": np.array([True, False]),
    "z": np.array([1 + 2j]),
}


def _saved(write: Callable[[Path], Any], suffix: str = "") -> bytes:
    """Return the bytes that a writer puts at a path."""
    path = Path(f"seed{suffix}")
    write(path)
    data = path.read_bytes()
    os.unlink(path)
    return data


def photos() -> list[bytes]:
    picture = Image.fromarray(_RANDOM.integers(0, 256, (70, 80, 3), dtype=np.uint8))
    forms: list[tuple[str, dict[str, Any]]] = [
        ("JPEG", {"exif": Image.Exif()}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("BMP", {}),
        ("GIF", {}),
    ]
    found = [_saved(lambda path, f=form, o=options: picture.save(path, f, **o)) for form, options in forms]
    found.append(_saved(lambda path: picture.convert("I;16").save(path, "PNG")))
    return [*found, _saved(lambda path: picture.quantize(16).save(path, "PNG"))]


def meshes_obj() -> list[bytes]:
    head = "# x\nmtllib a.mtl\nusemtl skin\n" + "".join(
        f"v {x:.4f} {y:.4f} {z:.4f}\n" for x, y, z in _ARRAYS["vertices"]
    )
    textured = (
        head + "vt 0.5 0.5\nvt 1 0\nvn 0 0 1\nf 1/1/1 2/2/1 3/1/1 4/2/1\nf -1//1 -2//1 -3//1\nf 1/1 2/2 3/1 \\\n 4/2\n"
    )
    colored = "".join(f"v {x} {y} {z} {x} {y} {z}\n" for x, y, z in _ARRAYS["vertices"]) + "f 1 2 3\nf 3 4 5\n"
    return [textured.encode(), colored.encode(), (head + "f 1 2 3\r\n").replace("\n", "\r\n").encode()]


def meshes_ply() -> list[bytes]:
    found = []
    for encoding, order in (("binary_little_endian", "<"), ("binary_big_endian", ">"), ("ascii", "")):
        lines = ["ply", f"format {encoding} 1.0", "comment made", "element vertex 5"]
        lines += [f"property float {n}" for n in ("x", "y", "z", "nx", "ny", "nz")]
        lines += [f"property uchar {n}" for n in ("red", "green", "blue")]
        lines += [
            "element face 2",
            "property list uchar int vertex_indices",
            "property list uchar float texcoord",
            "end_header",
        ]
        head = ("\n".join(lines) + "\n").encode()
        polygons = ([0, 1, 2], [1, 2, 3, 4])
        if not order:
            rows = [" ".join(map(str, [*row, 0, 0, 1, 1, 2, 3])) for row in _ARRAYS["vertices"]]
            rows += [
                f"{len(p)} {' '.join(map(str, p))} {2 * len(p)} {' '.join(['0.5'] * 2 * len(p))}" for p in polygons
            ]
            found.append(head + ("\n".join(rows) + "\n").encode())
            continue
        body = b"".join(np.array([*row, 0, 0, 1], order + "f4").tobytes() + b"\1\2\3" for row in _ARRAYS["vertices"])
        for p in polygons:
            body += bytes([len(p)]) + np.array(p, order + "i4").tobytes()
            body += bytes([2 * len(p)]) + np.full(2 * len(p), 0.5, order + "f4").tobytes()
        found.append(head + body)
    return found


def arrays_npz() -> list[bytes]:
    return [
        _saved(lambda path: np.savez(path, **_ARRAYS), ".npz"),
        _saved(lambda path: np.savez_compressed(path, **_ARRAYS), ".npz"),
    ]


def arrays_npy() -> list[bytes]:
    return [
        _saved(lambda path, a=array: np.save(path, a), ".npy") for array in (*_ARRAYS.values(), _RANDOM.random((7, 3)))
    ]


def _variables() -> dict[str, Any]:
    cells = np.empty(3, object)
    cells[:] = [1.5, "two", np.eye(2)]
    return _ARRAYS | {"cells": cells, "s": {"x": np.arange(4.0), "deep": {"y": "down"}}}


def mats5() -> list[bytes]:
    return [
        _saved(lambda path, c=compress: scipy.io.savemat(path, _variables(), do_compression=c), ".mat")
        for compress in (True, False)
    ]


def _fill_hdf5(file: h5py.File) -> None:
    file["g/f4"] = np.arange(12, dtype=np.float32).reshape(3, 4)
    file["g/big"] = np.arange(5, dtype=">i2")
    file["g/text"] = ["one text"]
    file["g/fixed"] = np.bytes_("bytes")
    file["g/soft"] = h5py.SoftLink("/g/f4")
    file["g/out"] = h5py.ExternalLink("other.h5", "/a")
    file.create_dataset("g/packed", data=np.arange(1000), compression="gzip", shuffle=True, fletcher32=True)
    file.create_dataset(
        "g/chunks", data=np.arange(400).reshape(20, 20), chunks=(5, 5), compression="gzip", maxshape=(None, 20)
    )
    file.create_dataset("g/filled", shape=(100, 100), chunks=(10, 10), fillvalue=7, dtype="f4")
    file["g"].attrs["name"] = "somebody"
    file["g"].attrs["numbers"] = np.array([1.5, 2.5])
    for name, item in file["g"].items():
        if name not in ("soft", "out"):
            item.attrs["MATLAB_class"] = np.bytes_("double")


def _hdf5(path: Path, **options: Any) -> None:
    with h5py.File(path, "w", **options) as file:
        _fill_hdf5(file)


def files_hdf5() -> list[bytes]:
    return [_saved(_hdf5), _saved(lambda path: _hdf5(path, libver="latest"))]


def mats73() -> list[bytes]:
    head = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    return [
        head + data[128:]
        for data in (
            _saved(lambda path: _hdf5(path, userblock_size=512)),
            _saved(lambda path: _hdf5(path, userblock_size=512, libver="latest")),
        )
    ]


def pickles() -> list[bytes]:
    value = {
        "a": _ARRAYS["vertices"],
        "l": [1, 2.5, "x", (3, None)],
        "s": scipy.sparse.eye(3).tocsc(),
        "n": {"deep": [np.float64(1)]},
    }
    return [pickle.dumps(value, protocol) for protocol in range(6)]


def checkpoints() -> list[bytes]:
    value = {
        "state_dict": {"a.weight": torch.arange(6.0).reshape(2, 3), "b": torch.zeros(3, dtype=torch.int64)},
        "epoch": 3,
    }
    return [
        _saved(lambda path, z=new: torch.save(value, path, _use_new_zipfile_serialization=z)) for new in (True, False)
    ]


def heads() -> list[bytes]:
    head = make_head()
    return [asset.encode(head), head_file.encode(head)]


def appearances() -> list[bytes]:
    corner = {
        "position": np.zeros((3, 3), np.int16),
        "uv": np.zeros((3, 2), np.uint16),
        "faces": np.uint16([[0, 1, 2]]),
    }
    bound = {"anchor": np.zeros((3, 2), np.uint16), "weight": np.full((3, 2), 0.5, np.float16)}
    arrays = {f"worn.{n}.{k}": a for n in ("shoulders", "shirt") for k, a in (corner | bound).items()}
    arrays["skins.a.picture"] = np.frombuffer(_webp(), np.uint8)
    names = {k: {} for k in ("hair", "lashes", "hats", "brows", "eyes", "panoramas", "wrinkles")} | {"skins": {"a": {}}}
    return [safetensors.numpy.save(arrays, {"headform": json.dumps({"format": FORMAT, **names})})]


def _webp() -> bytes:
    return _saved(lambda path: Image.new("RGB", (512, 512)).save(path, "WEBP"), ".webp")


def _read_appearance(path: Path) -> Any:
    return decode_appearance(path.read_bytes(), str(path))


def hierarchies() -> list[bytes]:
    head = make_head()
    mesh = build_hierarchy(head.mean.double().numpy(), head.faces.numpy(), (2,))
    return [_saved(lambda path: save_hierarchy(path, mesh))]


def _shards(file: str) -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        with ShardWriter(folder, size=SIDE) as writer:
            for number in range(2):
                writer.add(make_sample(number))
        return [Path(folder, file).read_bytes()]


def _read_shard(path: Path) -> Any:
    """Index a shard of any content, and read its samples."""
    (path.parent / "index.json").unlink(missing_ok=True)
    try:
        scan_shard(path.parent, path.name)
        merge_index(path.parent)
        return list(ShardSet.open(path.parent))
    finally:
        (path.parent / "index.json").unlink(missing_ok=True)


def tensors() -> list[bytes]:
    arrays = {name: array for name, array in _ARRAYS.items() if array.dtype.kind in "fib"}
    return [safetensors.numpy.save(arrays, {"headform": json.dumps({"format": "x"})})]


def landmarks_pts() -> list[bytes]:
    rows = "\n".join(f"{x:.3f} {y:.3f}" for x, y in _POINTS)
    return [f"version: 1\nn_points:  68\n{{\n{rows}\n}}\n".encode()]


def landmarks_xml() -> list[bytes]:
    parts = "".join(f"<part name='{k:02d}' x='{x:.1f}' y='{y:.1f}'/>" for k, (x, y) in enumerate(_POINTS))
    text = "<?xml version='1.0' encoding='ISO-8859-1'?><dataset><images><image file='d/a.jpg'>"
    return [f"{text}<box top='1' left='2' width='3' height='4'>{parts}</box></image></images></dataset>".encode()]


def landmarks_points() -> list[bytes]:
    rows = _RANDOM.random((7, 3))
    picks = "".join(
        f'<point x="{x:.4f}" y="{y:.4f}" z="{z:.4f}" active="1" name="{k}"/>' for k, (x, y, z) in enumerate(rows)
    )
    table = "\n".join(" ".join(f"{v:.4f}" for v in row) for row in rows)
    return [
        f"<!DOCTYPE PickedPoints>\n<PickedPoints>{picks}</PickedPoints>".encode(),
        table.encode(),
        ("x,y,z\n" + table.replace(" ", ",")).encode(),
        "\n".join(f"{k} {line}" for k, line in enumerate(table.splitlines())).encode(),
        json.dumps(rows.tolist()).encode(),
        _saved(lambda path: np.save(path, rows), ".npy"),
    ]


def annotations_json() -> list[bytes]:
    entry = {
        "file": "d/a.jpg",
        "set": "s",
        "points68": _POINTS.round(2).tolist(),
        "pose": {"yaw": 1.0, "pitch": 2.0, "roll": 3.0},
    }
    return [json.dumps([entry, entry | {"rotation": np.eye(3).tolist(), "file": "b.jpg"}]).encode()]


def contours_json() -> list[bytes]:
    points = (_RANDOM.random((contours.POINTS, 2)) * 100).round(1).tolist()
    return [json.dumps({"faces": [{"file": "001.jpg", "points": points}]}).encode()]


def manifests() -> list[bytes]:
    face = {"folder": "a", "status": "ok", "confidence": 0.9, "reasons": ["x"]}
    error = {"code": "no_face", "message": "m", "exit_code": 4}
    lines = [
        {"input": "s/c/a.jpg", "status": "ok", "faces": [face], "notes": ["n"], "error": None, "seconds": 1.5},
        {"input": "b.jpg", "status": "failed", "faces": [], "notes": [], "error": error, "seconds": 0.1},
    ]
    return ["".join(json.dumps(line) + "\n" for line in lines).encode()]


def indexes() -> list[bytes]:
    file = {"file": "faces.safetensors", "bytes": 10, "sha256": "0" * 64}
    shards = {"train": [file | {"file": "train-00000.safetensors", "count": 2}]}
    index = {
        "format": "headform-meshes-1",
        "name": "n",
        "license": "l",
        "source": {},
        "vertices": 5,
        "splits": shards,
        "faces": file,
    }
    return [json.dumps(index).encode()]


def networks_onnx() -> list[bytes]:
    """A small embedder; none without the package `onnx`."""
    try:
        from onnx import TensorProto, helper, numpy_helper
    except ImportError:
        return []
    weight = numpy_helper.from_array(_RANDOM.random((4, 3, 3, 3), np.float32), "w")
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], strides=[8, 8]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Flatten", ["p"], ["y"]),
    ]
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 112, 112])
    made = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 4])
    model = helper.make_model(
        helper.make_graph(nodes, "g", [given], [made], [weight]), opset_imports=[helper.make_opsetid("", 13)]
    )
    model.ir_version = 8
    return [model.SerializeToString()]


_TFJS = _RANDOM.integers(0, 256, 20, np.uint8).tobytes()


def manifests_tfjs() -> list[bytes]:
    quantization = {"dtype": "uint8", "scale": 0.5, "min": -1.0}
    weights = [
        {"name": "a/filters", "shape": [2, 3, 2], "dtype": "float32", "quantization": quantization},
        {"name": "a/bias", "shape": [2], "dtype": "float32"},
    ]
    return [json.dumps([{"weights": weights, "paths": ["weights.bin"]}]).encode()]


def _read_tfjs(path: Path) -> Any:
    path.with_name("weights.bin").write_bytes(_TFJS)
    return tfjs_file.read_tfjs(path)


def _embed(path: Path) -> Any:
    from headform.nets.recognition.embedder_files import OnnxEmbedder

    return OnnxEmbedder(path).embed(np.zeros((1, 112, 112, 3), np.uint8))


def _read_hdf5(path: Path) -> Any:
    names = list(hdf5_file.list_hdf5(path))
    return hdf5_file.read_hdf5(
        path, names[:8], optional=["g/f4", "g/chunks", "g/packed", "g/text", "g@name", "g@numbers"]
    )


def _read_npz(path: Path) -> Any:
    npz_file.array_shapes(path), npz_file.holds_objects(path)
    return npz_file.read_npz(path), npz_meshes.read(path)


_CONTAINER = (change.mutated, change.early)
_HDF5 = (change.mutated, change.metadata_of_hdf5, change.metadata_of_hdf5, change.recompressed_chunks)
TARGETS = {
    "photo": Target(images.read, photos, (change.mutated, change.early, change.recompressed_chunks)),
    "obj": Target(reading.read_mesh, meshes_obj),
    "ply": Target(reading.read_mesh, meshes_ply),
    "npz": Target(_read_npz, arrays_npz, (change.mutated, change.rezipped, change.rezipped)),
    "npy": Target(npz_file.read_npy, arrays_npy),
    "mat5": Target(mat_file.read_mat, mats5, (change.mutated, change.rewritten_mat, change.rewritten_mat)),
    "mat73": Target(mat_file.read_mat, mats73, _HDF5),
    "hdf5": Target(_read_hdf5, files_hdf5, _HDF5),
    "pickle": Target(unpickle.read_pickle, pickles),
    "torch": Target(torch_file.state_dict_of, checkpoints, (change.mutated, change.rezipped, change.rezipped)),
    "safetensors": Target(torch_file.state_dict_of, tensors, (change.mutated, change.headed, change.headed)),
    "head": Target(asset.read, heads, (change.mutated, change.headed, change.headed)),
    "appearance": Target(_read_appearance, appearances, (change.mutated, change.headed, change.headed)),
    "hierarchy": Target(load_hierarchy, hierarchies, (change.mutated, change.headed)),
    "onnx": Target(_embed, networks_onnx, (change.mutated, change.early, change.flipped)),
    "tfjs": Target(_read_tfjs, manifests_tfjs),
    "pts": Target(read_pts, landmarks_pts),
    "xml": Target(read_dlib_xml, landmarks_xml),
    "points": Target(picked_points.read_points, landmarks_points),
    "annotations": Target(read_annotations, annotations_json, name="file.json"),
    "contours": Target(contours.read_contours, contours_json),
    "manifest": Target(lambda path: read_manifest(path.parent), manifests, name="manifest.jsonl"),
    "celeba": Target(
        read_list,
        lambda: [b"2\nimage_id x_1 y_1 width height\n000001.jpg    95  71 226 313\n"],
        name="list_bbox_celeba.txt",
    ),
    "images": Target(read_images, lambda: [b"s1/selfie/a.jpg\ns1/selfie/b.jpg\n"]),
    "index": Target(lambda path: PreparedMeshes(path.parent), indexes, name="dataset.json"),
    "shard": Target(_read_shard, lambda: _shards("00000.tar"), name="00000.tar"),
    "samples": Target(lambda path: read_index(path.parent), lambda: _shards("index.json"), name="index.json"),
    "portrait": Target(read_portraits, portrait_bytes, (change.mutated, change.rezipped, change.rezipped)),
    "portraits": Target(lambda path: Portraits(path.parent), index_bytes, name="dataset.json"),
    "config": Target(
        lambda path: check_config(path.parent, {"a": 1, "b": {"c": [1]}}, ()),
        lambda: [b'{"a": 1, "b": {"c": [1]}}'],
        name="config.json",
    ),
}
"""Readers by name; those of archives get what is inside of the archives, too."""
