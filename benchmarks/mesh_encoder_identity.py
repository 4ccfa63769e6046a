"""How well codes of mesh encoders tell who a head is: the same head with two expressions against two heads.

    python -m benchmarks.mesh_encoder_identity RUN/mesh_autoencoder.safetensors ... -o OUT

The 3D-ID loss of Xu et al. (2024) is one minus the cosine of two codes. Here, for sampled heads that no training saw:

- `AUC`: the chance that two looks (expressions) of one head have a greater cosine than looks of two heads; 0.5 is chance.
- `rank`: Spearman's correlation, over pairs of neutral heads, of one minus the cosine with their mean vertex distance after
  the mean displacement was taken off.

Codes are taken before any ReLU; `centered` ones have the mean code of the heads taken off first. Components of the same
widths, fitted to the heads that the first network was trained on, stand beside.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import tyro
from jaxtyping import Float
from scipy.stats import rankdata, spearmanr
from torch import Tensor

from benchmarks.environment import describe
from headform import heads
from headform.data import SampledHeads
from headform.data.mesh_pca import fit_pca
from headform.io.atomic import write_bytes
from headform.nets.shipped import load_mesh_autoencoder

Encoder = Callable[[Float[Tensor, "B V 3"]], Float[Tensor, "B Z"]]


@dataclass(frozen=True)
class Arguments:
    """Compare encoders."""

    weights: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Mesh autoencoders of the open head."""
    count: int = 400
    """Held-out heads."""
    train: int = 1200
    """Training heads that the components are fitted to."""
    out: Annotated[Path, tyro.conf.arg(aliases=("-o",))] = Path("evidence")


def looks(count: int, seed: int) -> tuple[Float[Tensor, "B V 3"], ...]:
    """Held-out heads at rest, with one expression, and with another (that of the next head)."""
    head = heads.load_open()
    made = SampledHeads(head, count, seed, split="test", posed=("expression",))
    identity = torch.from_numpy(made.codes.identity)
    first = torch.from_numpy(made.codes.expression)

    def decode(expression: Float[Tensor, "B E"]) -> Float[Tensor, "B V 3"]:
        parts = zip(identity.split(50), expression.split(50), strict=True)
        return torch.cat([head.vertices(a, b) for a, b in parts])

    return decode(torch.zeros_like(first)), decode(first), decode(first.roll(1, 0))


def cosines(a: Float[Tensor, "N Z"], b: Float[Tensor, "M Z"]) -> Float[np.ndarray, "N M"]:
    """Of every code with every other, float64."""
    left, right = (torch.nn.functional.normalize(x.double(), dim=1) for x in (a, b))
    return np.asarray((left @ right.T).numpy())


def area_under_curve(same: Float[np.ndarray, " N"], other: Float[np.ndarray, " M"]) -> float:
    """Chance that a value of `same` is above one of `other` (Mann and Whitney); ties count half."""
    ranks = rankdata(np.concatenate([same, other]))
    below = ranks[: len(same)].sum() - len(same) * (len(same) + 1) / 2
    return float(below / (len(same) * len(other)))


def judge(codes: tuple[Float[Tensor, "N Z"], ...], distance: Float[np.ndarray, "N N"]) -> tuple[float, float]:
    """AUC and rank correlation; see the module."""
    rest, one, two = codes
    alike = cosines(one, two)
    off = ~np.eye(len(alike), dtype=bool)
    upper = np.triu_indices(len(rest), 1)
    rank = spearmanr(1 - cosines(rest, rest)[upper], distance[upper]).statistic
    return area_under_curve(np.diag(alike), alike[off]), float(rank)


def main(arguments: Arguments) -> None:
    """Print and write encoder_identity.md and .json."""
    sets = looks(arguments.count, 0)
    rest = sets[0] - sets[0].mean(1, keepdim=True)
    distance = np.stack([torch.linalg.vector_norm(rest - r, dim=-1).mean(-1).numpy() for r in rest])
    encoders: dict[str, Encoder] = {}
    widths, facts = set(), None
    for path in arguments.weights:
        net, card = load_mesh_autoencoder(path)
        facts = facts or card["meshes"]
        posed = " + ".join(["identity", *card["meshes"]["posed"]])
        encoders[f"encoder, {net.config.latent} numbers, {posed}"] = net.encode_linear
        widths.add(net.config.latent)
    train = SampledHeads.from_facts(heads.load_open(), facts | {"count": arguments.train})
    pca = fit_pca(train, max(widths))
    for width in sorted(widths):

        def project(x: Float[Tensor, "B V 3"], width: int = width) -> Float[Tensor, "B Z"]:
            return (x.double().flatten(1) - pca.mean.flatten()) @ pca.components[:width].T

        encoders[f"PCA {width}"] = project
    rows = []
    with torch.no_grad():
        for name, encode in encoders.items():
            codes = tuple(torch.cat([encode(x) for x in s.split(50)]) for s in sets)
            middle = codes[0].mean(0)
            plain = judge(codes, distance)
            centered = judge((codes[0] - middle, codes[1] - middle, codes[2] - middle), distance)
            rows.append((name, *plain, *centered))
    table = ["| code | AUC | rank | AUC, centered | rank, centered |", "|---|---|---|---|---|"]
    table += ["| " + " | ".join([n, *(f"{v:.3f}" for v in values)]) + " |" for n, *values in rows]
    text = "\n".join([*table, "", f"{arguments.count} held-out heads. {describe()}", ""])
    print(text)
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_bytes(arguments.out / "encoder_identity.md", text.encode())
    names = ("code", "auc", "rank", "auc_centered", "rank_centered")
    data = [dict(zip(names, row, strict=True)) for row in rows]
    write_bytes(arguments.out / "encoder_identity.json", json.dumps(data, indent=1).encode())


if __name__ == "__main__":
    main(tyro.cli(Arguments))
