"""Measures of verification against loops over pairs."""

import numpy as np
import pytest

from headform.nets.recognition.verification import leave_one_out_rank_1, pair_scores, rank_1, verification_auc

RNG = np.random.default_rng(0)
LABELS = np.array([0, 0, 1, 1, 1, 2, 3, 3])
VECTORS = RNG.normal(size=(8, 4)) + 1.5 * np.eye(4)[LABELS]


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_area_over_all_pairs() -> None:
    pairs = [(cosine(VECTORS[i], VECTORS[j]), LABELS[i] == LABELS[j]) for i in range(8) for j in range(i)]
    same, other = [s for s, m in pairs if m], [s for s, m in pairs if not m]
    want = np.mean([a > b for a in same for b in other])
    assert verification_auc(7 * VECTORS, LABELS) == pytest.approx(want)
    assert sorted(pair_scores(VECTORS, LABELS)[0]) == pytest.approx(sorted(s for s, _ in pairs))


def test_rank_1_with_a_gallery_and_by_leaving_one_out() -> None:
    probes, gallery = VECTORS[[0, 2, 5]], VECTORS[[1, 3, 6]]
    want = [np.argmax([cosine(p, g) for g in gallery]) for p in probes]
    right = np.mean(np.array([0, 1, 3])[want] == np.array([0, 1, 2]))
    assert rank_1(probes, np.array([0, 1, 2]), gallery, np.array([0, 1, 3])) == pytest.approx(right)
    hits = []
    for i in range(8):
        others = [j for j in range(8) if j != i]
        nearest = max(others, key=lambda j, i=i: cosine(VECTORS[i], VECTORS[j]))
        if LABELS[i] != 2:  # alone
            hits.append(LABELS[nearest] == LABELS[i])
    assert leave_one_out_rank_1(VECTORS, LABELS) == pytest.approx(np.mean(hits))


def test_a_vector_of_zeros_is_like_nothing() -> None:
    scores, _ = pair_scores(np.array([[0.0, 0], [1, 0]]), np.array([0, 0]))
    assert scores.tolist() == [0.0]
