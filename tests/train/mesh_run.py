"""The mesh-autoencoder stage at its smallest, and on the open head, for `kill_and_resume.py`."""

import contextlib
import io
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from headform.data.mesh_data import MeshData, from_folder, sampled_heads
from headform.heads import load_open
from headform.train.mesh_autoencoder import from_preset, run
from tests.nets.blobs import write_folder


def train_blobs(folder: Path, steps: int, resume: bool) -> None:
    """On round meshes of 150 vertices, written beside the run."""
    meshes = folder.parent / "meshes"
    if not meshes.exists():
        write_folder(meshes, 40, 150)
    _train(from_folder(meshes, load_open(), 0, held_out=8), (2, 2, 2, 2), folder, steps, resume)


def train_heads(folder: Path, steps: int, resume: bool) -> None:
    """On heads made from the open head, at their full number of vertices."""
    heads = sampled_heads(load_open(), 40, 0, held_out=4)
    _train(heads, (4, 4, 4, 4), folder, steps, resume)


def _train(data: MeshData, factors: tuple[int, ...], folder: Path, steps: int, resume: bool) -> None:
    torch.set_num_threads(1)
    config = from_preset("fast", data.train.count, steps=steps, batch=6)
    trainer = replace(config.trainer, log_every=1, validate_every=25, save_every=3)
    config = replace(config, trainer=trainer, factors=factors)
    with contextlib.redirect_stdout(io.StringIO()):
        net, result, _ = run(config, data, folder, resume=resume)
    if not result.stopped:
        save_file(net.state_dict(), folder / "weights.safetensors")
