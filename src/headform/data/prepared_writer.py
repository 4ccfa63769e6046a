"""Write a prepared folder of meshes, shard by shard, so that it can be stopped and resumed.

N meshes, V vertices.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch

from headform.data.mesh_dataset import MeshDataset
from headform.data.prepared import FORMAT, INDEX, file_hash
from headform.data.splits import SPLITS
from headform.errors import InputError, ResourceError
from headform.io.atomic import write_bytes

SHARD_BYTES = 128 << 20
"""Size of a full shard; a writer holds one in memory."""
_READ = 64
_PLAN = "plan"


def write_prepared(
    folder: Path,
    splits: Mapping[str, MeshDataset],
    *,
    name: str,
    source: Mapping[str, Any],
    shard_bytes: int = SHARD_BYTES,
    done: Callable[[int, int], None] | None = None,
) -> None:
    """Write meshes so that `PreparedMeshes` reads them.

    Each file is written whole under another name and renamed; `dataset.json` comes last. Called
    again with the same arguments after an interruption, it keeps the shards that are whole: each
    carries the digest of the plan (everything here but the meshes themselves) and their own.

    Args:
        folder: Made if absent; its parent must exist.
        splits: "train", "val", "test" (any of them) to meshes, all of one topology and license.
        name: Name of the data set.
        source: Origin of the meshes, plain JSON values, such as `SampledHeads.facts()` of each.
        shard_bytes: Size of a full shard.
        done: Told the number of meshes written and of all.

    Raises:
        InputError: `dataset_exists` when the folder holds another data set.
        ResourceError: `write_failed`.
        ValueError: no split, an unknown one, or topologies that differ.
    """
    unknown = sorted(set(splits) - set(SPLITS))
    if not splits or unknown:
        raise ValueError(f"splits are {', '.join(SPLITS)}; got {unknown or 'none'}")
    parts = [splits[split] for split in SPLITS if split in splits]
    faces = torch.from_numpy(parts[0].faces.astype(np.int32))
    if any(not np.array_equal(part.faces, parts[0].faces) for part in parts):
        raise ValueError("the splits have different triangles")
    count = len(parts[0].vertices(np.zeros(1, np.int64))[0])
    per_shard = max(1, shard_bytes // (count * 12))
    plan: dict[str, Any] = {
        "format": FORMAT,
        "name": name,
        "license": parts[0].license,
        "source": dict(source),
        "vertices": count,
        "triangles": len(faces),
        "counts": {split: splits[split].count for split in SPLITS if split in splits},
        "meshes_per_file": per_shard,
        "faces_sha256": hashlib.sha256(faces.numpy().tobytes()).hexdigest(),
    }
    digest = hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()
    _enter(folder, digest)
    total, written = sum(part.count for part in parts), 0
    index: dict[str, Any] = plan | {_PLAN: digest, "splits": {}}
    index["faces"] = _write(folder / "faces.safetensors", {"faces": faces}, digest)
    for split in [name for name in SPLITS if name in splits]:
        part, entries = splits[split], []
        for number, start in enumerate(range(0, part.count, per_shard)):
            chosen = np.arange(start, min(start + per_shard, part.count))
            path = folder / f"{split}-{number:05d}.safetensors"
            entry = _kept(path, digest)
            if entry is None:
                pieces = [part.vertices(chosen[k : k + _READ]) for k in range(0, len(chosen), _READ)]
                entry = _write(path, {"vertices": torch.cat(pieces).cpu()}, digest)
            entries.append(entry | {"count": len(chosen)})
            written += len(chosen)
            if done is not None:
                done(written, total)
        index["splits"][split] = entries
    write_bytes(folder / INDEX, (json.dumps(index, indent=1) + "\n").encode())


def _enter(folder: Path, digest: str) -> None:
    """Make the folder, or find it empty, unfinished or holding this very data set."""
    try:
        folder.mkdir(exist_ok=True)
        there = json.loads((folder / INDEX).read_bytes())
        known = there.get(_PLAN) if isinstance(there, dict) else None
    except FileNotFoundError:
        if folder.is_dir():
            return
        what = "the folder to put it into does not exist"
        raise ResourceError("write_failed", what, ascii(str(folder)), "make it first") from None
    except ValueError:
        known = None
    except OSError as error:
        what = f"cannot write there: {error.strerror or error}"
        raise ResourceError("write_failed", what, ascii(str(folder)), "choose another") from error
    if known != digest:
        what = "the folder holds another data set"
        raise InputError("dataset_exists", what, ascii(str(folder)), "choose an empty folder")


def _write(path: Path, tensors: dict[str, torch.Tensor], plan: str) -> dict[str, Any]:
    """Write one file; its metadata has the plan and a digest of its tensors."""
    metadata = {"headform": json.dumps({_PLAN: plan, "content": _content(tensors)})}
    data = safetensors.torch.save(tensors, metadata)
    write_bytes(path, data)
    return {"file": path.name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _kept(path: Path, plan: str) -> dict[str, Any] | None:
    """The entry of a file that an interrupted run left, if it is of this plan and whole."""
    try:
        with safetensors.safe_open(path, framework="pt") as opened:
            facts = json.loads(opened.metadata()["headform"])
            if facts[_PLAN] != plan:
                return None
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}
    except (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError):
        return None
    if facts["content"] != _content(tensors):
        return None
    return {"file": path.name, "bytes": path.stat().st_size, "sha256": file_hash(path)}


def _content(tensors: dict[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(tensors[name].contiguous().numpy().tobytes())
    return digest.hexdigest()
