"""Training of the network of covers on a pool of covered and uncovered faces.

N samples, P side of a stored sample, B batch.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import nn

from headform.images.warp import warp
from headform.nets.cover_net import INPUT_SIDE, MAP_SIDE, MARGIN, CoverNet, CoverNetConfig
from headform.nets.crop_geometry import EyeFrame
from tools.cover.covers import Scene, cover, face_area
from tools.cover.fabrics import degraded, relit
from tools.cover.faces import Faces

SIDE = 128
"""Side of a stored sample, pixels."""
BATCH = 32
"""Samples of a step."""
UNCOVERED = 0.35
"""Share of samples that nothing covers."""
SHIFT_SD, SCALE_SD, TURN_SD = 0.06, 0.1, 0.1
"""Errors of the crop: shift in face sizes, logarithm of the scale, radians. Landmarks of covered faces are off."""
CLEAR = (0.25, 0.75)
"""Opacities between which a cell counts neither as covered nor as not."""


@dataclass(frozen=True)
class Pool:
    """Samples at `SIDE` pixels, before the random crop."""

    image: np.ndarray  # (N, P, P, 3) uint8
    labels: np.ndarray  # (N, P, P, 3) uint8: opacity of the cover, area of the face, inside the photo
    points: np.ndarray  # (N, 68, 2)


def make_pool(rng: np.random.Generator, faces: Faces, count: int) -> Pool:
    """Cover faces at random."""
    factor = SIDE / faces.image.shape[1]
    small = [np.asarray(Image.fromarray(i).resize((SIDE, SIDE), Image.Resampling.BOX)) for i in faces.image]
    images = np.empty((count, SIDE, SIDE, 3), np.uint8)
    labels = np.empty((count, SIDE, SIDE, 3), np.uint8)
    points = np.empty((count, 68, 2))
    for n in range(count):
        row = int(rng.integers(len(small)))
        marks = faces.points[row] * factor
        picture = relit(rng, small[row].astype(np.float32), marks)
        hidden = np.zeros((SIDE, SIDE), np.float32)
        if rng.random() > UNCOVERED:
            other = small[int(rng.integers(len(small)))].astype(np.float32)
            picture, hidden = cover(rng, Scene(picture, marks, other))
        inside = Image.fromarray(faces.inside[row]).resize((SIDE, SIDE))
        images[n] = degraded(rng, picture).astype(np.uint8)
        labels[n] = np.stack([hidden * 255, face_area(marks, SIDE) * 255, np.asarray(inside) * 255.0], 2).astype(
            np.uint8
        )
        points[n] = marks
    return Pool(images, labels, points)


def batches(
    rng: np.random.Generator, pool: Pool, size: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Yield crops, what of them lies in the photo, labels and weights, without end."""
    while True:
        images, rest = [], []
        for n in rng.integers(0, len(pool.image), size):
            frame = EyeFrame.of(pool.points[n])
            crop = _jittered(rng, frame.crop(INPUT_SIDE, MARGIN), frame.size)
            image, label = warp(pool.image[n], crop, INPUT_SIDE), warp(pool.labels[n], crop, INPUT_SIDE)
            if rng.random() < 0.25:
                image, label = _cut(rng, image, label)
            if rng.random() < 0.5:
                image, label = image[:, ::-1], label[:, ::-1]
            images.append(image)
            rest.append(label)
        rgb = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float()
        labels = torch.from_numpy(np.stack(rest)).permute(0, 3, 1, 2).float() / 255
        inside = (labels[:, 2:] > 0.5).float()
        cells = nn.functional.avg_pool2d(labels, INPUT_SIDE // MAP_SIDE)
        opacity, area, there = cells.unbind(1)
        sure = ((opacity < CLEAR[0]) | (opacity > CLEAR[1])) & (there > 0.9)
        yield rgb, inside, (opacity > 0.5).float(), area * sure


def _jittered(rng: np.random.Generator, crop: np.ndarray, size: float) -> np.ndarray:
    angle, scale = rng.normal(0, TURN_SD), np.exp(rng.normal(0, SCALE_SD))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * scale
    unit = np.sqrt(abs(np.linalg.det(crop[:, :2]))) * size
    middle = np.full(2, INPUT_SIDE / 2)
    matrix = turn @ crop
    matrix[:, 2] += middle - turn @ middle + rng.normal(0, SHIFT_SD, 2) * unit
    return np.asarray(matrix)


def _cut(rng: np.random.Generator, image: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Let the photo end within the crop."""
    image, label = image.copy(), label.copy()
    edge = int(INPUT_SIDE * rng.uniform(0.1, 0.5))
    beyond = (slice(None, edge), slice(-edge, None))[int(rng.integers(2))]
    index = (beyond, slice(None)) if rng.random() < 0.6 else (slice(None), beyond)
    image[index] = 0
    label[(*index, 2)] = 0
    return image, label


def train(pool: Pool, seed: int, steps: int, *, rate: float = 6e-3) -> CoverNet:
    """Train a network; prints the loss of every hundredth step."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = CoverNet(CoverNetConfig()).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.15)
    mean = 0.0
    for step, (rgb, inside, covered, weight) in zip(range(steps), batches(rng, pool, BATCH), strict=False):
        loss = nn.functional.binary_cross_entropy_with_logits(net(rgb, inside), covered, weight, reduction="sum")
        loss = loss / weight.sum().clamp(min=1.0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        mean = loss.item() if step == 0 else 0.98 * mean + 0.02 * loss.item()
        if step % 100 == 99:
            print(f"step {step + 1}: loss {mean:.4f}", flush=True)
    return net.eval()
