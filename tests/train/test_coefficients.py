"""The coefficient stage: a short run learns, resumes to the bit, keeps what is frozen; the paper's preset on FLAME."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headform.data.shards import ShardSet
from headform.errors import InputError, UsageError
from headform.heads.code_decoder import OpenDecoder
from headform.heads.flame.head import FlameHead
from headform.heads.linear import LinearHead
from headform.importers import flame
from headform.mesh.hierarchy import build_hierarchy
from headform.nets.face_encoder import FaceEncoder, FaceEncoderConfig
from headform.nets.mesh_autoencoder_net import MeshAutoencoder, MeshAutoencoderConfig
from headform.nets.recognition.crops import IMAGENET_112
from headform.nets.recognition.iresnet_net import LAYERS, IResNet
from headform.nets.recognition.mobilefacenet_net import MobileFaceNet
from headform.nets.shipped import load_mesh_autoencoder, load_mobilefacenet
from headform.train.checkpoint import load_checkpoint
from headform.train.coefficient_batches import CoefficientBatches
from headform.train.coefficients import assess_shapes, run
from headform.train.coefficients_config import CoefficientsConfig, from_preset
from tests.heads import flame_file
from tests.train.coefficient_samples import SIDE, write_faces


@pytest.fixture(scope="module")
def faces(head: LinearHead, tmp_path_factory: pytest.TempPathFactory) -> ShardSet:
    return write_faces(tmp_path_factory.mktemp("faces") / "set", head, 5)


@pytest.fixture(scope="module")
def photos(head: LinearHead, tmp_path_factory: pytest.TempPathFactory) -> ShardSet:
    return write_faces(tmp_path_factory.mktemp("photos") / "set", head, 2, labeled=False)


@pytest.fixture(scope="module")
def backbone() -> MobileFaceNet:
    return load_mobilefacenet()[0]


@pytest.fixture(scope="module")
def autoencoder() -> MeshAutoencoder:
    return load_mesh_autoencoder()[0]


def short(steps: int, batch: int = 2, **changed: Any) -> CoefficientsConfig:
    config = from_preset("open", steps=steps)
    trainer = replace(config.trainer, batch=batch, log_every=1, save_every=1, validate_every=1000, max_grad_norm=None)
    trainer = replace(trainer, schedule=replace(trainer.schedule, warmup=1), ema_decay=0.5)
    plain = {"render_side": SIDE, "held_out": 1, "unlabeled": 1, "rendered_share": 0.5}
    return replace(config, trainer=trainer, **(plain | changed))


def log(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_a_short_run_learns_and_says_what_it_did(head: LinearHead, backbone: MobileFaceNet, tmp_path: Path) -> None:
    config = short(10, 1, unlabeled=0)
    weights = replace(config.weights, dim2=0.0, mesh_identity=0.0)
    rate = replace(config.trainer, optimizer=replace(config.trainer.optimizer, lr=3e-3))
    faces = write_faces(tmp_path / "faces", head, 2)  # one to learn, one held out
    config = replace(config, weights=weights, trainer=rate)
    net, result, facts = run(config, tmp_path, head=head, samples=faces, backbone=backbone)
    lines = log(tmp_path)
    first, last = lines[0], lines[-1]
    # the log has running means, of decay 0.98: the totals themselves follow from them
    raw = [(b["total"] - 0.98 * a["total"]) / 0.02 for a, b in pairwise(lines)]
    assert np.mean(raw[-3:]) < 0.8 * first["total"]
    assert (facts["steps"], facts["samples_seen"], facts["subjects"], facts["photos"]) == (10, 10 * 2, 1, 2)
    assert facts["head"] == head.sha256
    assert facts["data"] == "4 photos of 2 subjects with meshes (drawn)"
    assert set(facts["validation"]) == {
        "metrical_mm", "metrical_percent_of_mean_head", "aligned_mm", "aligned_percent_of_mean_head",
    }  # fmt: skip
    assert last["val_metrical_mm"] == pytest.approx(facts["validation"]["metrical_mm"], rel=1e-4)
    assert not net.training
    for name, value in backbone.state_dict().items():
        same = torch.equal(net.backbone.state_dict()[name], value)
        assert same == (name.split(".")[0] in ("stem", "stage1", "stage2", "stage3")), name
    assert result.steps == 10


def test_resumed_is_the_same_to_the_bit(
    head: LinearHead, faces: ShardSet, photos: ShardSet, backbone: MobileFaceNet, autoencoder: MeshAutoencoder,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    config = short(4, identity_images=1)

    def go(folder: str, resume: bool = False) -> FaceEncoder:
        return run(
            config, tmp_path / folder, head=head, samples=faces, unlabeled=photos, backbone=backbone,
            autoencoder=autoencoder, resume=resume,
        )[0]  # fmt: skip

    whole = go("whole")
    asked = []
    assemble = CoefficientBatches.assemble

    def interrupted(self: CoefficientBatches, rows: Any, rng: Any) -> Any:
        if rng is not None:
            asked.append(len(rows))
            if len(asked) > 2:
                raise KeyError("power cut")
        return assemble(self, rows, rng)

    with monkeypatch.context() as patch:
        patch.setattr(CoefficientBatches, "assemble", interrupted)
        with pytest.raises(KeyError):
            go("cut")
    assert asked == [6, 6, 6], "two subjects with meshes and one without, two photos of each"
    resumed = go("cut", resume=True)
    for name, value in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value), name
    found = load_checkpoint(tmp_path / "cut")
    assert found is not None
    kept = {name.split(".", 1)[1] for name in found.tensors if name.startswith(("model.", "average."))}
    assert not any(name.startswith(("backbone.stem", "backbone.stage1", "backbone.stage3")) for name in kept)
    assert any(name.startswith("backbone.stage4") for name in kept)
    names = set(log(tmp_path / "whole")[-1])
    assert {"vertices", "mesh_identity", "pooled_vertices", "landmark", "photometric", "identity", "total"} <= names


def test_a_run_continues_from_an_encoder(head: LinearHead, faces: ShardSet, tmp_path: Path) -> None:
    config = short(1)
    config = replace(config, weights=replace(config.weights, dim2=0.0, mesh_identity=0.0), unlabeled=0)
    trainer = replace(config.trainer, optimizer=replace(config.trainer.optimizer, lr=1e-12))
    torch.manual_seed(5)
    start = FaceEncoder(FaceEncoderConfig())
    net, _, facts = run(replace(config, trainer=trainer), tmp_path / "a", head=head, samples=faces, start=start)
    for name, value in start.state_dict().items():
        torch.testing.assert_close(net.state_dict()[name], value)
    assert facts["teacher"] == ""
    other = FaceEncoder(FaceEncoderConfig(hidden=8))
    with pytest.raises(UsageError) as caught:
        run(config, tmp_path / "b", head=head, samples=faces, start=other)
    assert caught.value.code == "start_mismatch"


def test_shapes_are_assessed_photo_by_photo(head: LinearHead, faces: ShardSet) -> None:
    decoder = OpenDecoder(head)
    batches = CoefficientBatches(decoder, IMAGENET_112, photos=2, side=SIDE, jitter=1.0, patch_rate=0.0)
    truth = torch.zeros(len(faces), decoder.layout.size)
    for k in range(len(faces)):
        code = faces[k].coefficients["identity"]
        truth[k, : len(code)] = torch.from_numpy(code)

    class Oracle(torch.nn.Module):
        def __init__(self, share: float) -> None:
            super().__init__()
            self.share, self.at = share, 0

        def forward(self, crops: torch.Tensor) -> torch.Tensor:
            self.at += len(crops)
            return self.share * truth[self.at - len(crops) : self.at]

    cpu = torch.device("cpu")
    exact, half, none = (assess_shapes(Oracle(s), decoder, faces, batches, cpu) for s in (1.0, 0.5, 0.0))
    assert exact["metrical_mm"] == pytest.approx(0, abs=1e-3)
    assert none["metrical_percent_of_mean_head"] == pytest.approx(100)
    assert none["aligned_percent_of_mean_head"] == pytest.approx(100)
    assert half["metrical_percent_of_mean_head"] == pytest.approx(50, abs=3)
    assert 0.5 < none["aligned_mm"] < none["metrical_mm"] < 10
    assert "scan_mean_mm" not in none
    asked: list[int] = []

    def scan_errors(found: np.ndarray, wanted: np.ndarray) -> dict[str, float]:
        asked.append(len(found))
        return {"scan_mean_mm": float(np.abs(found - wanted).max())}

    judged = assess_shapes(Oracle(1.0), decoder, faces, batches, cpu, scan_errors, 3)
    assert asked == [3]
    assert judged["scan_mean_mm"] == pytest.approx(0, abs=1e-6)


def test_data_and_networks_that_do_not_fit(
    head: LinearHead, faces: ShardSet, photos: ShardSet, autoencoder: MeshAutoencoder, tmp_path: Path
) -> None:
    plain = short(1, unlabeled=0)
    alone = replace(plain, weights=replace(plain.weights, dim2=0.0, mesh_identity=0.0))
    other = MeshAutoencoder(MeshAutoencoderConfig(encoder_channels=(4,), decoder_channels=(4,)), _hierarchy_of_a_ball())
    for config, options, code in (
        (alone, {"unlabeled": photos}, "photos_unused"),
        (replace(plain, held_out=5), {}, "dataset_small"),
        (plain, {"backbone": load_mobilefacenet()[0]}, "network_missing"),
        (plain, {"autoencoder": other}, "head_unsupported"),
        (from_preset("mica"), {}, "head_unsupported"),
    ):
        with pytest.raises(UsageError) as caught:
            run(config, tmp_path / "run", head=head, samples=faces, **options)
        assert caught.value.code == code
    with pytest.raises(InputError) as missing:
        run(alone, tmp_path / "run", head=replace(head, sha256="1" * 64), samples=faces)
    assert missing.value.code == "meshes_missing"


def _hierarchy_of_a_ball() -> Any:
    from tests.nets.blobs import ball

    return build_hierarchy(*ball(90), factors=(3,))


@pytest.fixture(scope="module")
def flame_head(tmp_path_factory: pytest.TempPathFactory) -> FlameHead:
    folder = tmp_path_factory.mktemp("flame")
    model = flame_file.flame_model()
    files = [
        flame_file.write_landmark_embedding(folder / "landmark_embedding.npy", model),
        flame_file.write_masks(folder / "FLAME_masks.pkl", model),
    ]
    return replace(flame.read(flame_file.write_npz(folder / "flame.npz", model), files), sha256="f" * 64)


def test_the_papers_preset_on_flame(flame_head: FlameHead, tmp_path: Path) -> None:
    """With a small ArcFace network and a mesh autoencoder of random weights."""
    head = flame_head
    assert (len(head.mean), len(head.identity), len(head.expression)) == (5023, 300, 100)
    samples = write_faces(tmp_path / "set", head, 2, vertices=True)
    torch.manual_seed(0)
    hierarchy = build_hierarchy(head.mean.double().numpy(), head.faces.numpy(), factors=(4, 4, 4, 4))
    autoencoder = MeshAutoencoder(MeshAutoencoderConfig(init="balanced", latent_activation="linear"), hierarchy)
    autoencoder.normalization.set_statistics(head.mean, torch.full_like(head.mean, 0.005))
    paper = from_preset("paper-flame", steps=2)
    trainer = replace(paper.trainer, batch=1, log_every=1)
    config = replace(paper, trainer=trainer, held_out=1, render_side=48, net=replace(paper.net, backbone="iresnet18"))
    net, _, facts = run(
        config, tmp_path / "run", head=head, samples=samples, backbone=IResNet(LAYERS[18]), autoencoder=autoencoder
    )
    lines = log(tmp_path / "run")
    assert [line["step"] for line in lines] == [1, 2]
    names = {"vertices", "mesh_identity", "landmark", "photometric", "identity", "shape", "expression", "texture", "light",
             "pose", "camera", "total"}  # fmt: skip
    assert names <= set(lines[0])
    assert all(np.isfinite(value) for line in lines for value in line.values())
    assert min(lines[0][name] for name in ("vertices", "mesh_identity", "landmark", "photometric", "identity")) > 0
    assert net.layout.size == 486
    assert facts["config"]["net"]["backbone"] == "iresnet18"
    found = load_checkpoint(tmp_path / "run")
    assert found is not None
    backbone = {name.split(".")[2] for name in found.tensors if name.startswith("model.backbone.")}
    assert backbone == {"layer4", "bn2", "fc", "features"}
    assert "frozen_sha256" in found.metadata
