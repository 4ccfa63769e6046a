"""Classifiers that tell two sets of pictures apart, cross-validated, and the Fréchet distance between the sets.

N pictures, D features. An area under the ROC curve of 0.5 means that the sets cannot be told apart, 1 that they always can.
"""

from collections.abc import Callable

import numpy as np
import torch
from scipy.linalg import sqrtm
from scipy.optimize import minimize
from scipy.special import expit
from torch import nn

from headform.nets.recognition.embedder import roc_area

FOLDS = 4
Scorer = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""Training inputs, training labels, test inputs -> scores of the test inputs, higher for label True."""


def cross_validated(
    first: np.ndarray, second: np.ndarray, score: Scorer, *, folds: int = FOLDS, seed: int = 0
) -> float:
    """Mean over the folds of the area under the ROC curve of a classifier of `second` against `first`.

    Every row is one picture of another person, so that folds of rows are folds of people.
    """
    rng = np.random.default_rng(seed)
    values, labels = np.concatenate([first, second]), np.repeat([False, True], [len(first), len(second)])
    fold = np.concatenate([rng.permutation(len(part)) % folds for part in (first, second)])
    areas = []
    for k in range(folds):
        known, asked = fold != k, fold == k
        areas.append(roc_area(score(values[known], labels[known], values[asked]).astype(np.float64), labels[asked]))
    return float(np.mean(areas))


def logistic(decay: float = 1.0) -> Scorer:
    """Logistic regression on standardized features with a ridge of `decay`."""

    def score(known: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
        mean, spread = known.mean(0), known.std(0) + 1e-9
        x, sign = (known - mean) / spread, np.where(labels, 1.0, -1.0)

        def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
            margin = sign * (x @ w[1:] + w[0])
            pull = -sign * expit(-margin)
            slope = np.concatenate([[pull.sum()], x.T @ pull + decay * w[1:]])
            return float(np.logaddexp(0, -margin).sum() + decay / 2 * (w[1:] ** 2).sum()), slope

        w = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
        return np.asarray(np.clip((asked - mean) / spread, -8, 8) @ w[1:] + w[0])

    return score


def convolutional(epochs: int = 12, batch: int = 32, seed: int = 0) -> Scorer:
    """Small convolutional network on uint8 pictures, with mirrored and slightly brighter or darker copies."""

    def score(known: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return _train_and_score(_values(known), torch.from_numpy(labels).float(), _values(asked), epochs, batch)

    return score


def _values(pictures: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div(127.5).sub(1)


def _train_and_score(x: torch.Tensor, y: torch.Tensor, asked: torch.Tensor, epochs: int, batch: int) -> np.ndarray:
    layers: list[nn.Module] = []
    for inputs, outputs in ((3, 16), (16, 32), (32, 64), (64, 64)):
        layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
    net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.3), nn.Linear(256, 1))
    optimizer = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=1e-3)
    steps = epochs * (len(x) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for k in range(0, len(x) - batch + 1, batch):
            rows = order[k : k + batch]
            part = x[rows]
            part = torch.where(torch.rand(len(rows), 1, 1, 1) < 0.5, part.flip(-1), part)
            part = part * (1 + 0.1 * torch.randn(len(rows), 1, 1, 1)) + 0.1 * torch.randn(len(rows), 1, 1, 1)
            optimizer.zero_grad()
            nn.functional.binary_cross_entropy_with_logits(net(part)[:, 0], y[rows]).backward()
            optimizer.step()
            schedule.step()
    net.eval()
    with torch.inference_mode():
        return (net(asked) + net(asked.flip(-1)))[:, 0].numpy()


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Squared Fréchet distance of the normal distributions of two sets of features (Heusel et al. 2017)."""
    a, b = np.cov(first.T), np.cov(second.T)
    root = np.real(sqrtm(a @ b))
    return float(((first.mean(0) - second.mean(0)) ** 2).sum() + np.trace(a + b - 2 * root))
