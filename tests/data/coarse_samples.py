"""Samples with a coarse stage made by hand: the mean head in front of a camera, its photo drawn with a known texture."""

from pathlib import Path

import numpy as np
import torch

from headform.data.coarse_stage import PREFIX
from headform.data.sample import Sample
from headform.data.shards import ShardSet, ShardWriter
from headform.fit.plain_skin import face_skin
from headform.geometry.camera import PerspectiveCamera, PerspectiveCameras
from headform.geometry.spherical_harmonics import AMBIENT
from headform.heads.linear import LinearHead
from headform.images.transfer import srgb_from_linear
from headform.render.renderer import render_batch

SIDE = 64


def coarse_sample(head: LinearHead, number: int = 0, *, truth: bool = False, source: str = "drawn") -> Sample:
    """A photo of the mean head whose true texture is the coarse one times a color that varies over the face."""
    rng = np.random.default_rng(number)
    camera = PerspectiveCamera.frontal(4.2 * SIDE, (SIDE, SIDE), 1.1)
    light = np.zeros((9, 3), np.float32)
    light[0] = 1.5 * AMBIENT
    waves = np.sin(head.mean.numpy() @ rng.normal(0, 60, (3, 3)))
    plain, skin = head.mean_albedo.numpy(), face_skin(head)
    albedo = plain * (1 + 0.5 * waves)
    # of the same level as the coarse texture, as the batches bring it
    albedo = (albedo * np.median(plain[skin], axis=0) / np.median(albedo[skin], axis=0)).clip(0, 1).astype(np.float32)
    drawn = render_batch(
        head.mean[None], head.faces, PerspectiveCameras.of(camera), (SIDE, SIDE),
        attributes=torch.from_numpy(albedo)[None], light=torch.from_numpy(light)[None], srgb=True,
    )  # fmt: skip
    values = {
        "identity": np.zeros(4), "expression": np.zeros(3), "gaze": np.zeros(2), "albedo": np.zeros(5),
        "intrinsics": camera.K, "rotation": camera.R, "translation": camera.t, "light": light,
    }  # fmt: skip
    points = camera.project(head.landmarks(head.mean).double().numpy())[:, :2]
    picture = (drawn.rgb[0] + 0.5 * (1 - drawn.alpha[0])).permute(1, 2, 0)
    return Sample(
        name=f"{source}-{number:03d}",
        subject=f"person {number}",
        image=(255 * picture).round().byte().numpy(),
        points68=points.astype(np.float32),
        skin=(255 * drawn.alpha[0, 0]).byte().numpy(),
        coefficients={PREFIX + name: np.asarray(value, np.float32) for name, value in values.items()},
        head=head.sha256,
        source=source,
        albedo=(255 * srgb_from_linear(torch.from_numpy(albedo))).round().byte().numpy() if truth else None,
    )


def write_coarse_samples(folder: Path, head: LinearHead, count: int) -> ShardSet:
    """A folder of such photos; every second has its true albedo."""
    with ShardWriter(folder, size=SIDE, lossless=True) as writer:
        for number in range(count):
            writer.add(coarse_sample(head, number, truth=number % 2 == 0))
    return ShardSet.open(folder)
