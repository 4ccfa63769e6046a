"""See the package's text."""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from headform.io.model_file import save_model
from headform.nets.cover_net import CoverNet
from headform.nets.shipped import SHIPPED
from headform.train.export_weights import source_commit
from tools.convert_networks import ASSETS
from tools.cover.faces import HELD_OUT, Faces, held_out, read_faces
from tools.cover.training import BATCH, make_pool, train

SYNTHETIC, SYNTHETIC_SEED = 600, 5
"""Synthetic faces, and the seed by which they are drawn."""
KEPT_BACK = 80
"""The first synthetic faces are not trained with."""


def main() -> None:
    """Make the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True, help="crops are kept here")
    parser.add_argument("--pool", type=int, default=6000, help="covered and uncovered faces")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    faces = read_faces(arguments.data / "photos", SYNTHETIC, SYNTHETIC_SEED, arguments.out / "faces.npz")
    taught = faces.chosen(np.array([_is_taught(str(name)) for name in faces.name]))
    pool = make_pool(np.random.default_rng(arguments.seed + 1), taught, arguments.pool)
    net = train(pool, arguments.seed, arguments.steps)
    save(net, taught, arguments.steps, arguments.seed, (time.perf_counter() - start) / 60)


def save(net: CoverNet, taught: Faces, steps: int, seed: int, minutes: float) -> None:
    """Write weights and card beside the networks that ship."""
    known = SHIPPED[CoverNet]
    synthetic = sum(str(name).startswith("synthetic") for name in taught.name)
    card = {
        "kind": known.kind,
        "name": "Covers of faces",
        "source": "headform's own",
        "command": f"python -m tools.cover DATA -o WORK --steps {steps} --seed {seed}",
        "commit": source_commit(),
        "images_seen": steps * BATCH,
        "minutes": round(minutes, 1),
        "seed": seed,
        "license": "MIT",
        "data": (
            f"{len(taught.name) - synthetic} open portraits: Face Research Lab London Set and Canadian faces (Lisa DeBruine "
            "and Benedict Jones, CC BY 4.0), portraits of members of the United States Congress (public domain), one "
            f"person in {HELD_OUT} held out; {synthetic} synthetic faces. Borders, panels, blobs, masks, scarves, "
            "sunglasses, hands, mosaics and blurs were drawn over two thirds of them. No label of any photo but the "
            "networks' own landmarks"
        ),
        "config": {"net": {"widths": list(net.config.widths)}},
        "metrics": {},
    }
    save_model(ASSETS / known.file, net.state_dict(), card)


def _is_taught(name: str) -> bool:
    folder, _, number = name.partition("/")
    return int(number) >= KEPT_BACK if folder == "synthetic" else not held_out(name)


if __name__ == "__main__":
    torch.set_num_threads(1)  # the bits do not depend on the machine
    main()
