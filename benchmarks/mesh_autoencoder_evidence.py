"""Mesh autoencoders against principal components of the same width, fitted to the same meshes.

Sampled heads (neutral, with expressions, turned on their necks, looking about), 2,000 that no training saw:

    headform train mesh-autoencoder -o RUN8 --latent 8
    python -m benchmarks.mesh_autoencoder_evidence heads RUN8/mesh_autoencoder.safetensors ... -o OUT

Meshmonk's 45 corresponding faces in their own topology, five-fold cross-validation, so that each face is judged once
by models that did not see it:

    python -m benchmarks.mesh_autoencoder_evidence fold -o FOLDS
    headform train mesh-autoencoder --data FOLDS/fold0 -o RUNS/fold0 --latent 8     (and so on)
    python -m benchmarks.mesh_autoencoder_evidence faces RUNS/*/mesh_autoencoder.safetensors --folds FOLDS -o OUT

Either writes a table (markdown, JSON) and a picture. Which heads or fold a network learned from stands in its card; the
components are fitted to the same.
"""

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import tyro
from jaxtyping import Float

from benchmarks.environment import default_data, describe
from headform import heads
from headform.data import (
    PreparedMeshes,
    SampledHeads,
    Subset,
    fold_indices,
    read_registered,
    write_prepared,
)
from headform.data.mesh_pca import MeshPca, fit_pca
from headform.evaluate.meshes.mesh_autoencoder import (
    MeshErrorRow,
    MeshErrorTable,
    Reconstructor,
    evaluate_models,
    head_regions,
    posed_sets,
    summarize,
    vertex_distances,
)
from headform.heads.linear import LinearHead
from headform.io import image_bytes
from headform.nets.shipped import load_mesh_autoencoder
from headform.viz.mesh_error_picture import error_sheet

WIDTHS = (8, 16, 32, 64)
FOLDS = 5
NECK = 3
"""Numbers that say how a head is turned on its neck."""


@dataclass(frozen=True)
class Heads:
    """Judge networks trained on sampled heads."""

    weights: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Networks, all trained on the same sampled heads."""
    out: Annotated[Path, tyro.conf.arg(aliases=("-o",))] = Path("evidence")
    count: int = 2000
    """Held-out heads."""
    device: str = "cpu"

    def run(self) -> None:
        """Write heads.md, heads.json and heads.png."""
        head = heads.load_open().to(self.device)
        nets = [_Net.load(path, self.device) for path in self.weights]
        train = _training_heads(nets, head)
        began = time.perf_counter()
        pca = _cached_pca(train, max(WIDTHS), self.out)
        print(f"components: {pca.passes} passes, {time.perf_counter() - began:.0f} s", flush=True)
        models: dict[str, tuple[int, Reconstructor]] = {"mean head": (0, pca.model(0))}
        models |= {f"PCA {k}": (k, pca.model(k)) for k in WIDTHS}
        models |= {net.name: (net.width, net) for net in nets}
        sets = posed_sets(head, self.count, train.seed, train.recipe)
        regions = head_regions(head)
        facts = {"trained_on": train.facts(), "held_out": self.count, "environment": describe()}
        table, maps = evaluate_models(models, dict(sets), regions=regions, facts=facts)
        table = _with_known_neck(table, sets["everything"], train)
        text = [
            f"Trained on {train.count} heads, judged on {self.count} others.\n",
            table.to_markdown("everything"),
            table.sets_to_markdown(),
            table.regions_to_markdown("everything"),
            facts["environment"],
        ]
        shown = {m: maps[m, "everything"] for m in models if models[m][0] in (WIDTHS[0], 32)}
        sheet = error_sheet(head.mean.cpu().numpy(), train.faces, shown)
        _write(self.out, "heads", table, "\n".join(text), sheet)


@dataclass(frozen=True)
class Fold:
    """Prepare the folds of meshmonk's faces for training."""

    out: Annotated[Path, tyro.conf.arg(aliases=("-o",))] = Path("folds")
    data: Path = default_data() / "scans" / "meshmonk" / "simpop_all.npz"

    def run(self) -> None:
        """Write fold0 to fold4, each with the splits train, val and test."""
        whole = read_registered(self.data, name="meshmonk simpop", license="Apache-2.0")
        self.out.mkdir(exist_ok=True)
        for number in range(FOLDS):
            parts = fold_indices(whole.count, FOLDS, number)
            # three of the rest only watch the training; all of it is aligned to what is learned from
            train, val = parts.train[:-3], parts.train[-3:]
            aligned = whole.aligned(train)
            splits = {
                name: Subset(aligned, chosen, name)
                for name, chosen in (("train", train), ("val", val), ("test", parts.test))
            }
            source = {
                "kind": "meshmonk simpop, aligned",
                "fold": number,
                "folds": FOLDS,
                "test": [whole.files[k] for k in parts.test],
            }
            folder = self.out / f"fold{number}"
            write_prepared(folder, splits, name=f"{whole.name} fold {number}", source=source)


@dataclass(frozen=True)
class Faces:
    """Judge networks trained on folds of meshmonk's faces."""

    weights: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Networks, for each width one per fold."""
    folds: Path = Path("folds")
    out: Annotated[Path, tyro.conf.arg(aliases=("-o",))] = Path("evidence")

    def run(self) -> None:
        """Write faces.md, faces.json and faces.png."""
        found: dict[str, list[Float[np.ndarray, "N V"]]] = {}
        width: dict[str, int] = {}
        nets = [_Net.load(path, "cpu") for path in self.weights]
        mean = None
        for number in range(FOLDS):
            train = PreparedMeshes(self.folds / f"fold{number}", "train")
            test = PreparedMeshes(self.folds / f"fold{number}", "test")
            mine = [net for net in nets if net.fold == number]
            pca = fit_pca(train, min(24, train.count - 1))
            mean = pca.mean.numpy() if mean is None else mean
            models: dict[str, tuple[int, Reconstructor]] = {"mean face": (0, pca.model(0))}
            models |= {f"PCA {k}": (k, pca.model(k)) for k in (2, 4, 8, 16)}
            models |= {net.name: (net.width, net) for net in mine}
            for name, (numbers, model) in models.items():
                found.setdefault(name, []).append(vertex_distances(model, test))
                width[name] = numbers
        whole = {name: np.concatenate(rows) for name, rows in found.items() if len(rows) == FOLDS}
        for name in sorted(set(found) - set(whole)):
            print(f"left out, for there is not one per fold: {name}")
        rows = tuple(MeshErrorRow(name, "faces", width[name], len(d), summarize(d)) for name, d in whole.items())
        table = MeshErrorTable(rows, {"folds": FOLDS, "environment": describe()})
        shown = {name: d.mean(0) for name, d in whole.items() if width[name] in (2, 8)}
        if mean is None:
            raise AssertionError("there are folds")
        sheet = error_sheet(mean, train.faces, shown)
        _write(self.out, "faces", table, table.to_markdown("faces") + "\n" + describe(), sheet)


@dataclass(frozen=True, eq=False)
class _Net:
    """A network, and what its card says it learned from."""

    name: str
    width: int
    module: torch.nn.Module
    meshes: dict[str, Any]
    fold: int | None

    @staticmethod
    def load(path: Path, device: str) -> "_Net":
        module, card = load_mesh_autoencoder(path)
        width, preset = int(card["config"]["net"]["latent"]), card["config"].get("preset", "fast")
        name = f"autoencoder {width}" + ("" if preset == "fast" else f", {preset}")
        meshes = dict(card["meshes"])
        fold = meshes["source"].get("fold") if isinstance(meshes.get("source"), dict) else None
        return _Net(name, width, module.to(device), meshes, fold)

    def __call__(self, vertices: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.module(vertices)
        return result


class _KnownNeck:
    """Components of heads that are not turned, and their true turn put back: 3 numbers are the neck's own.

    No network can know more about a neck than this, and all else is linear: what a non-linear
    model may gain over components by the neck, at most about.
    """

    def __init__(self, turned: SampledHeads, pca: MeshPca, components: int) -> None:
        self._turned, self._model, self._last = turned, pca.model(components), np.zeros(0, np.int64)
        posed = tuple(p for p in turned.posed if p != "neck")
        self._straight = SampledHeads(
            turned.head,
            turned.count,
            turned.seed,
            split=turned.split,
            recipe=turned.recipe,
            posed=posed,
        )
        self.name, self.license, self.count = turned.name, turned.license, turned.count
        self.faces = turned.faces

    def vertices(self, indices: np.ndarray) -> torch.Tensor:
        self._last = indices
        return self._turned.vertices(indices)

    def model(self, vertices: torch.Tensor) -> torch.Tensor:
        from headform.geometry.head_angles import rotation_from_euler

        neck = torch.from_numpy(self._turned.codes.neck[self._last]).to(vertices.device)
        straight = self._model(self._straight.vertices(self._last))
        return self._turned.head.rotate_neck(straight, rotation_from_euler(*neck.unbind(1)))


def _with_known_neck(table: MeshErrorTable, held_out: SampledHeads, train: SampledHeads) -> MeshErrorTable:
    count = min(train.count, 1200)  # exact components; so many heads say enough about the first ones
    straight = SampledHeads(train.head, count, train.seed, recipe=train.recipe, posed=("expression", "gaze"))
    pca = fit_pca(straight, max(WIDTHS) - NECK)
    rows = []
    for width in WIDTHS:
        known = _KnownNeck(held_out, pca, width - NECK)
        distances = vertex_distances(known.model, known)
        means = distances.mean(0)
        parts = {n: float(means[m].mean()) for n, m in head_regions(held_out.head).items()}
        name = f"true neck + PCA {width - NECK}"
        rows.append(MeshErrorRow(name, "everything", width, len(distances), summarize(distances), parts))
    return MeshErrorTable((*table.rows, *rows), table.facts)


def _training_heads(nets: list[_Net], head: LinearHead) -> SampledHeads:
    trains = [SampledHeads.from_facts(head, net.meshes) for net in nets]
    if any(train.facts() != trains[0].facts() for train in trains):
        raise SystemExit("the networks were trained on different heads; judge them one by one")
    return trains[0]


def _cached_pca(train: SampledHeads, components: int, out: Path) -> MeshPca:
    """The components, kept beside the tables, for fitting 20,000 heads takes minutes."""
    facts = json.dumps({"components": components} | train.facts(), sort_keys=True)
    path = out / f"pca-{hashlib.sha256(facts.encode()).hexdigest()[:12]}.npz"
    if path.exists():
        with np.load(path, allow_pickle=False) as kept:
            arrays = [torch.from_numpy(kept[n]) for n in ("mean", "components", "variance")]
            total, change = (float(kept[n]) for n in ("total", "change"))
            return MeshPca(*arrays, total, int(kept["passes"]), change)
    pca = fit_pca(train, components)
    out.mkdir(parents=True, exist_ok=True)
    arrays = [t.cpu().numpy() for t in (pca.mean, pca.components, pca.variance)]
    named = dict(zip(("mean", "components", "variance"), arrays, strict=True))
    numbers = {"total": pca.total_variance, "passes": pca.passes, "change": pca.change}
    np.savez(path, **named, **{name: np.asarray(value) for name, value in numbers.items()})
    return pca


def _write(out: Path, stem: str, table: MeshErrorTable, text: str, sheet: np.ndarray) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{stem}.md").write_text(text + "\n")
    (out / f"{stem}.json").write_text(table.to_json())
    (out / f"{stem}.png").write_bytes(image_bytes.png(sheet))
    print(text)


def main(command: Heads | Fold | Faces) -> None:
    """Run one of the three."""
    command.run()


if __name__ == "__main__":
    main(tyro.cli(Heads | Fold | Faces))
