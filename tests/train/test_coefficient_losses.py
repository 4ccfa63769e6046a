"""Losses of the coefficient stage against the paper's equations and DECA's weights, computed once more in NumPy."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from headform.errors import UsageError
from headform.geometry.camera import WeakPerspectiveCameras
from headform.heads.code_decoder import OpenDecoder, decoder_of, mean_code
from headform.heads.coefficients import OPEN_ENCODER
from headform.heads.linear import LinearHead
from headform.losses.image_identity import IdentityLoss
from headform.losses.mesh_identity import MeshIdentityLoss
from headform.nets.recognition.crops import IMAGENET_112
from headform.render.renderer import render_batch
from headform.train.coefficient_batches import CoefficientBatch, CoefficientBatches
from headform.train.coefficient_losses import CoefficientLosses, vertex_weights
from headform.train.coefficients_config import (
    REGIONS,
    CoefficientLossWeights,
    CoefficientsConfig,
    from_preset,
)
from tests.heads.flame.flame_heads import tiny_flame
from tests.train.coefficient_samples import SIDE, face_sample

NOTHING = CoefficientLossWeights(
    dim3=0.0, dim2=0.0, vertices=0.0, mesh_identity=0.0, landmark=0.0, photometric=0.0, identity=0.0, shape=0.0,
    expression=0.0, texture=0.0, light=0.0,
)  # fmt: skip
CODE = OPEN_ENCODER.slices


class Recognizer(nn.Module):
    """Embeds a crop by its mean colors in a grid."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.adaptive_avg_pool2d(x, 4).flatten(1)


def mesh_features(vertices: Tensor) -> Tensor:
    return 100 * vertices[..., ::400, :].flatten(-2)


@dataclass
class Case:
    """Two subjects of two photos, and codes near the mean code."""

    head: LinearHead
    decoder: OpenDecoder
    mean: Tensor
    batch: CoefficientBatch
    codes: Tensor

    def losses(self, config: CoefficientsConfig) -> CoefficientLosses:
        return CoefficientLosses(
            config, self.decoder, self.mean, MeshIdentityLoss(mesh_features), IdentityLoss(Recognizer(), IMAGENET_112)
        )

    def __call__(
        self,
        config: CoefficientsConfig,
        codes: Tensor | None = None,
        batch: CoefficientBatch | None = None,
        seed: int = 0,
    ) -> dict[str, Tensor]:
        given, rng = self.codes if codes is None else codes, np.random.default_rng(seed)
        return self.losses(config)(given, batch or self.batch, rng)


@pytest.fixture(scope="module")
def case(head: LinearHead) -> Case:
    decoder = decoder_of(head)
    assert isinstance(decoder, OpenDecoder)
    rows = [face_sample(head, k, subject=k // 2, jaw=k == 0) for k in range(4)]
    batches = CoefficientBatches(decoder, IMAGENET_112, photos=2, side=SIDE, jitter=0.0, patch_rate=0.0)
    mean = mean_code(decoder, torch.from_numpy(IMAGENET_112.points / 56 - 1).float())
    noise = torch.randn(6, OPEN_ENCODER.size, generator=torch.Generator().manual_seed(3))
    return Case(head, decoder, mean, batches.assemble(rows, None), mean + 0.2 * noise)


def paper(**changed: Any) -> CoefficientsConfig:
    """The paper's preset on the open head at a small size."""
    plain = {"render_side": SIDE, "shape_consistency": "none", "regions": "open"}
    return replace(from_preset("paper-flame"), **(plain | changed))


def test_the_papers_preset() -> None:
    config = from_preset("paper-flame")
    trainer, weights = config.trainer, config.weights
    assert (trainer.steps, trainer.batch, config.photos) == (160_000, 8, 2)
    assert (trainer.optimizer.kind, trainer.optimizer.lr, trainer.optimizer.weight_decay) == ("adamw", 1e-5, 2e-4)
    assert (trainer.schedule.kind, trainer.schedule.warmup, trainer.groups) == ("constant", 0, ())
    assert (weights.dim3, weights.dim2, weights.vertices, weights.mesh_identity) == (0.4, 0.6, 0.5, 0.5)
    deca = {"landmark": 1.0, "photometric": 2.0, "identity": 0.2, "shape": 1e-4, "expression": 1e-4, "texture": 1e-4}
    assert {name: getattr(weights, name) for name in deca} == deca
    assert (config.net.backbone, config.net.layout, config.net.trained) == ("iresnet100", "flame", "last")
    assert (config.net.hidden, config.net.hidden_layers) == (300, 3)
    assert (config.render_side, config.rendered_share, config.mesh_identity_share) == (224, 1.0, 1.0)
    assert (config.canonical, config.shape_consistency, config.latent_relu) == (True, "double", False)
    assert config.identity_images is None
    assert REGIONS[config.regions] == {"eyeballs": 0.01, "ears": 0.01, "face": 150.0}


def test_the_baseline_is_vertices_alone_in_millimeters() -> None:
    config = from_preset("mica")
    assert not config.renders
    assert (config.weights.dim3 * config.weights.vertices, config.weights.mesh_identity) == (1.0, 0.0)
    assert config.vertex_scale == 1000.0
    assert config.trainer == from_preset("paper-flame").trainer


def test_the_open_preset_has_every_loss_but_the_recognition() -> None:
    weights = from_preset("open").weights
    assert min(weights.vertices, weights.mesh_identity, weights.landmark, weights.photometric, weights.pooled) > 0
    assert from_preset("open", seed=7, steps=5).trainer.seed == 7
    assert from_preset("open", seed=7, steps=5).trainer.steps == 5
    with pytest.raises(ValueError, match="shares"):
        paper(rendered_share=1.5)
    with pytest.raises(ValueError, match="counts"):
        paper(photos=0)


def test_weights_of_vertices_on_the_open_head(head: LinearHead) -> None:
    found = vertex_weights(head, REGIONS["mica"]).numpy()
    face, ears = (head.regions[name].numpy() for name in ("face", "ears"))
    eyes = np.isin(head.part.numpy(), [7, 8])  # of `PARTS`
    wanted = np.where(face, 150.0, np.where(ears | eyes, 0.01, 1.0))
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert {0.01, 1.0, 150.0} == set(np.round(found.astype(float), 6).tolist())
    fifty = vertex_weights(head, REGIONS["mica-50"]).numpy()
    inner = head.regions["nose"].numpy() | head.regions["lips"].numpy() | head.regions["forehead"].numpy()
    assert (fifty[inner] == 50).all()
    assert (fifty[head.regions["right_eye"].numpy()] == 50).all()


def test_weights_of_flames_regions() -> None:
    flame = tiny_flame()
    masks = {name: torch.arange(37) // 6 == k for k, name in enumerate(
        ("face", "left_eyeball", "right_eyeball", "left_ear", "right_ear"))}  # fmt: skip
    found = vertex_weights(replace(flame, regions=masks), REGIONS["mica"])
    assert found[::6].tolist() == pytest.approx([150, 0.01, 0.01, 0.01, 0.01, 1, 1])
    with pytest.raises(UsageError, match="eyeballs") as caught:
        vertex_weights(flame, REGIONS["mica"])
    assert caught.value.code == "head_unsupported"


def test_vertex_loss_by_hand(case: Case) -> None:
    found = case(paper(weights=replace(NOTHING, dim3=0.4, vertices=0.5)))
    assert set(found) == {"vertices", "total"}
    head = case.head
    code = case.codes[:4, CODE["identity"]].double().numpy()
    mesh = head.mean.double().numpy() + np.einsum("bk,kvc->bvc", code, head.identity.double().numpy())
    weight = vertex_weights(head, REGIONS["open"]).double().numpy()
    wanted = (weight[None, :, None] * np.abs(mesh - case.batch.shapes.numpy())).mean()
    assert float(found["vertices"]) == pytest.approx(wanted, rel=1e-4)
    assert float(found["total"]) == pytest.approx(0.4 * 0.5 * wanted, rel=1e-4)
    larger = case(paper(weights=replace(NOTHING, dim3=0.4, vertices=0.5), vertex_scale=1000.0))
    assert float(larger["vertices"]) == pytest.approx(1000 * wanted, rel=1e-4)


def test_the_3d_id_loss_by_hand(case: Case) -> None:
    found = case(paper(weights=replace(NOTHING, dim3=1.0, mesh_identity=0.5)))
    head = case.head
    ours = mesh_features(head.vertices(case.codes[:4, CODE["identity"]])).double().numpy()
    theirs = mesh_features(case.batch.shapes).double().numpy()
    cosine = (ours * theirs).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
    assert float(found["mesh_identity"]) == pytest.approx((1 - cosine).mean(), rel=1e-3)


def test_canonical_heads_are_compared_and_posed_ones_as_an_option(case: Case) -> None:
    codes = case.codes.clone()
    codes[:4, CODE["identity"]] = 0
    for k in range(4):  # the true identities, in any pose
        known = face_sample(case.head, k, subject=k // 2).coefficients["identity"]
        codes[k, : len(known)] = torch.from_numpy(known)
    codes.requires_grad_()
    weights = replace(NOTHING, dim3=1.0, vertices=1.0)
    canonical = case(paper(weights=weights), codes)["vertices"]
    assert canonical.item() == pytest.approx(0, abs=1e-7)
    (grad,) = torch.autograd.grad(canonical, codes)
    assert float(grad[:, CODE["pose"]].abs().max()) == 0
    posed = case(paper(weights=weights, canonical=False), codes)["vertices"]
    assert posed.item() > 1e-3
    (grad,) = torch.autograd.grad(posed, codes)
    assert float(grad[:4, CODE["pose"]].abs().min()) > 0
    assert float(grad[:4, CODE["expression"]].abs().max()) > 0


DECA_LANDMARK_WEIGHTS = np.ones(68)
for _points, _weight in (
    ([5, 6, 10, 11], 2),
    (range(27, 36), 1.5),
    ([30, 31, 35], 3),
    (range(48, 68), 1.5),
    ([48, 54], 3),
):
    DECA_LANDMARK_WEIGHTS[list(_points)] = _weight


def test_2d_losses_by_hand(case: Case) -> None:
    found = case(paper())
    code = {name: part.numpy() for name, part in OPEN_ENCODER.split(case.codes[:4].double()).values.items()}
    heads = case.decoder.decode(OPEN_ENCODER.split(case.codes[:4]))
    scale, shift = code["camera"][:, :1, None], code["camera"][:, None, 1:]
    points = heads.landmarks68.double().numpy()[..., :2]
    ndc = scale * (points + shift) * [1, -1]
    off = np.nan_to_num(np.abs(ndc - case.batch.points68.double().numpy())).sum(-1)  # unknown points count nothing
    assert (off[1:, :17] == 0).all()
    assert (off[0, :17] > 0).all()
    weighted = (off * DECA_LANDMARK_WEIGHTS).sum(1) / (2 * DECA_LANDMARK_WEIGHTS.sum())
    assert float(found["landmark"]) == pytest.approx(weighted.mean(), rel=1e-4)
    for name, part in (("shape", "identity"), ("expression", "expression"), ("texture", "texture"), ("pose", "pose")):
        assert float(found[name]) == pytest.approx(np.square(code[part]).sum() / 2, rel=1e-4)
    light = code["light"].reshape(4, 9, 3)
    assert float(found["light"]) == pytest.approx(np.square(light.mean(2, keepdims=True) - light).mean(), rel=1e-4)
    moved = code["camera"] - case.mean.double().numpy()[CODE["camera"]]
    assert float(found["camera"]) == pytest.approx(np.square(moved).sum() / 2, rel=1e-3)
    picture = render(case)
    mask = case.batch.skin.numpy() * picture.alpha.numpy()
    photo = (mask * np.abs(picture.rgb.numpy() - case.batch.images.numpy())).mean()
    assert float(found["photometric"]) == pytest.approx(photo, rel=1e-4)
    assert photo > 0.01
    overlay = mask * picture.rgb.numpy() + (1 - mask) * case.batch.images.numpy()
    loss = IdentityLoss(Recognizer(), IMAGENET_112)
    two = [loss.embed(torch.from_numpy(x).float(), case.batch.points5).double().numpy()
           for x in (overlay, case.batch.images.numpy())]  # fmt: skip
    cosine = (two[0] * two[1]).sum(1) / np.linalg.norm(two[0], axis=1) / np.linalg.norm(two[1], axis=1)
    assert float(found["identity"]) == pytest.approx((1 - cosine).mean(), rel=1e-3)


def render(case: Case) -> Any:
    code = OPEN_ENCODER.split(case.codes[:4])
    heads = case.decoder.decode(code)
    camera = WeakPerspectiveCameras(code["camera"][:, 0], code["camera"][:, 1:])
    light = code["light"].reshape(4, 9, 3)  # nine bands of three colors
    return render_batch(
        heads.posed, case.head.faces, camera, (SIDE, SIDE), attributes=heads.albedo, light=light, srgb=True
    )


def test_the_total_is_that_of_equations_1_and_2(case: Case) -> None:
    found = {name: float(value) for name, value in case(paper()).items()}
    flat = (
        found["landmark"] + 2 * found["photometric"] + 0.2 * found["identity"] + found["light"]
        + 1e-4 * (found["shape"] + found["expression"] + found["texture"])
    )  # fmt: skip
    wanted = 0.4 * (0.5 * found["vertices"] + 0.5 * found["mesh_identity"]) + 0.6 * flat
    assert found["total"] == pytest.approx(wanted, rel=1e-5)
    assert set(found) == {
        "vertices", "mesh_identity", "landmark", "photometric", "identity", "shape", "expression", "texture", "light",
        "pose", "camera", "total",
    }  # fmt: skip


def joined(batch: CoefficientBatch, rows: list[int]) -> CoefficientBatch:
    shapes = {k: batch.shapes[i] for i, k in enumerate(torch.nonzero(batch.labeled)[:, 0].tolist())}
    own = {n: v[rows] for n, v in vars(batch).items() if n != "shapes"}
    return CoefficientBatch(**own, shapes=torch.stack([shapes[k] for k in rows]))


FLAT = ("landmark", "photometric", "identity", "shape", "expression", "texture", "light", "pose", "camera")


def test_shape_consistency_doubles_the_batch_with_codes_exchanged_within_subjects(case: Case) -> None:
    orders = [[1, 0] * a + [0, 1] * (1 - a) + [3, 2] * b + [2, 3] * (1 - b) for a in (0, 1) for b in (0, 1)]
    twice = joined(case.batch, [0, 1, 2, 3] * 2)
    options = []
    for order in orders:
        codes = torch.cat([case.codes[:4], case.codes[:4]])
        codes[4:, CODE["identity"]] = case.codes[order][:, CODE["identity"]]
        options.append(case(paper(), codes, twice))
    seen = set()
    for seed in range(8):
        found = case(paper(shape_consistency="double"), seed=seed)
        same = [k for k, o in enumerate(options) if all(torch.isclose(found[n], o[n], rtol=1e-5) for n in FLAT)]
        assert len(same) == 1
        seen.add(same[0])
        assert float(found["vertices"]) == pytest.approx(float(case(paper())["vertices"]), rel=1e-6)
    assert len(seen) >= 3, "codes are exchanged at random"


def test_codes_may_be_exchanged_in_place(case: Case) -> None:
    plain = case(paper())
    found = [case(paper(shape_consistency="swap"), seed=seed) for seed in range(6)]
    assert [float(f["shape"]) for f in found] == pytest.approx([float(plain["shape"])] * 6)
    assert len({round(float(f["landmark"]), 6) for f in found}) > 1
    assert all(float(f["vertices"]) == float(plain["vertices"]) for f in found)


def test_unlabeled_photos_add_nothing_to_the_3d_losses(case: Case) -> None:
    some = replace(case.batch, labeled=torch.tensor([True, True, False, False]), shapes=case.batch.shapes[:2])
    mixed = case(paper(), batch=some)
    alone = case(paper(), case.codes[[0, 1, 4]], joined(case.batch, [0, 1]))
    for name in ("vertices", "mesh_identity"):
        torch.testing.assert_close(mixed[name], alone[name])
    nobody = replace(case.batch, labeled=torch.zeros(4, dtype=torch.bool), shapes=case.batch.shapes[:0])
    found = case(paper(), batch=nobody)
    assert not {"vertices", "mesh_identity"} & set(found)
    torch.testing.assert_close(found["landmark"], mixed["landmark"])
    codes = case.codes.clone().requires_grad_()
    case(from_preset("mica"), codes, nobody)[
        "total"
    ].backward()  # a batch without meshes teaches nothing and does not fail
    assert codes.grad is not None
    assert float(codes.grad.abs().max()) == 0


def test_pooled_codes_are_compared_with_their_subjects(case: Case) -> None:
    config = paper(weights=replace(NOTHING, dim3=0.4, vertices=0.5, pooled=2.0))
    some = replace(case.batch, labeled=torch.tensor([False, False, True, True]), shapes=case.batch.shapes[2:])
    for batch, rows, shapes in ((case.batch, [4, 5], [0, 2]), (some, [5], [2])):
        found = case(config, batch=batch)
        alone = case(
            paper(weights=replace(NOTHING, dim3=0.4, vertices=1.0)),
            case.codes[rows],
            joined(case.batch, shapes),
        )
        assert float(found["pooled_vertices"]) == pytest.approx(float(alone["vertices"]), rel=1e-5)
        total = 0.4 * 0.5 * (float(found["vertices"]) + 2.0 * float(found["pooled_vertices"]))
        assert float(found["total"]) == pytest.approx(total, rel=1e-5)


def test_the_recognition_loss_teaches_geometry_alone(case: Case) -> None:
    codes = case.codes.clone().requires_grad_()
    (grad,) = torch.autograd.grad(case(paper(), codes)["identity"], codes)
    reached = {name: float(part.abs().max()) for name, part in OPEN_ENCODER.split(grad[:4]).values.items()}
    assert reached["texture"] == reached["light"] == 0
    assert min(reached[name] for name in ("identity", "expression", "pose", "camera")) > 0
    (grad,) = torch.autograd.grad(case(paper(), codes)["photometric"], codes)
    reached = {name: float(part.abs().max()) for name, part in OPEN_ENCODER.split(grad[:4]).values.items()}
    assert min(reached.values()) > 0


def test_where_no_skin_shows_the_overlay_is_the_photo(case: Case) -> None:
    bare = replace(case.batch, skin=torch.zeros_like(case.batch.skin))
    found = case(paper(), batch=bare)
    assert float(found["identity"]) == pytest.approx(0, abs=1e-6)
    assert float(found["photometric"]) == 0
    few = case(paper(identity_images=1))
    one = case(paper(), case.codes[[0, 1, 4]], joined(case.batch, [0, 1]))
    assert float(few["identity"]) != pytest.approx(float(one["identity"]), rel=1e-3)
    assert "identity" not in case(paper(identity_images=0))


def test_a_share_of_the_subjects_is_drawn(case: Case) -> None:
    halves = [case(paper(rendered_share=0.5), seed=seed) for seed in range(6)]
    alone = [case(paper(), case.codes[rows], joined(case.batch, rows[:2])) for rows in ([0, 1, 4], [2, 3, 5])]
    wanted = {round(float(each["landmark"]), 5) for each in alone}
    assert {round(float(each["landmark"]), 5) for each in halves} == wanted
    whole = float(case(paper())["vertices"])
    assert all(float(each["vertices"]) == pytest.approx(whole) for each in halves)
    same = [case(paper(rendered_share=0.5), seed=3)["total"] for _ in range(2)]
    assert torch.equal(*same)


@pytest.mark.parametrize("parts", [("identity", "expression", "pose", "camera"), ("texture", "light")])
def test_the_gradient_is_that_of_finite_differences(case: Case, parts: tuple[str, ...]) -> None:
    """What is seen in a pixel is constant to the gradient: colors are left out where the geometry moves."""
    weights = CoefficientLossWeights(pose=1e-2, camera=1e-2, identity=0.0)  # it holds colors constant on purpose
    if "pose" in parts:
        weights = replace(weights, photometric=0.0)
    # a smooth function of the mesh has no edges to step over: L1 of vertices has
    config = paper(weights=replace(weights, vertices=0.1), vertex_scale=100.0)
    codes = case.codes.clone().requires_grad_()
    (grad,) = torch.autograd.grad(case(config, codes)["total"], codes)
    draw = torch.Generator().manual_seed(1)
    for _ in range(3):
        direction = torch.zeros_like(case.codes)
        for name in parts:
            direction[:4, CODE[name]] = torch.randn(4, CODE[name].stop - CODE[name].start, generator=draw)
        step = 2e-3
        ahead, behind = (float(case(config, case.codes + sign * step * direction)["total"]) for sign in (1, -1))
        wanted = float((grad * direction).sum())
        assert (ahead - behind) / (2 * step) == pytest.approx(wanted, rel=0.03, abs=2e-3)


def test_losses_without_their_networks(case: Case) -> None:
    flat = paper(weights=replace(NOTHING, dim2=0.6, identity=0.2))
    for config, said in ((paper(identity_images=0), "mesh encoder"), (flat, "recognition")):
        with pytest.raises(UsageError, match=said) as caught:
            CoefficientLosses(config, case.decoder, case.mean)
        assert caught.value.code == "network_missing"
    with pytest.raises(UsageError) as caught:
        CoefficientLosses(replace(from_preset("mica"), weights=NOTHING), case.decoder, case.mean)
    assert caught.value.code == "losses_none"
