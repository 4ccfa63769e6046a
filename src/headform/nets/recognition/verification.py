"""Measures of verification and identification over all pairs of labeled vectors.

N vectors, P of them probes, D numbers of a vector. Similarity is the cosine; vectors of any length are accepted.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from headform.nets.recognition.embedder import roc_area


def pair_scores(
    vectors: Float[np.ndarray, "N D"], labels: Int[np.ndarray, " N"]
) -> tuple[Float[np.ndarray, " pairs"], Bool[np.ndarray, " pairs"]]:
    """Return the cosine of each pair of vectors, and True for pairs of one label."""
    first, second = np.triu_indices(len(vectors), 1)
    return _cosines(vectors, vectors)[first, second], labels[first] == labels[second]


def verification_auc(vectors: Float[np.ndarray, "N D"], labels: Int[np.ndarray, " N"]) -> float:
    """Area under the ROC curve of all pairs.

    Raises:
        ValueError: all pairs are of one label, or of different ones.
    """
    return roc_area(*pair_scores(vectors, labels))


def rank_1(
    probes: Float[np.ndarray, "P D"],
    probe_labels: Int[np.ndarray, " P"],
    gallery: Float[np.ndarray, "N D"],
    gallery_labels: Int[np.ndarray, " N"],
) -> float:
    """Return the share of probes whose nearest vector of a gallery has their label.

    Probes whose label the gallery lacks count as errors.
    """
    nearest = _cosines(probes, gallery).argmax(1)
    return float((gallery_labels[nearest] == probe_labels).mean())


def leave_one_out_rank_1(vectors: Float[np.ndarray, "N D"], labels: Int[np.ndarray, " N"]) -> float:
    """Return the share of vectors whose nearest other one has their label; labels with one vector are no probes."""
    cosines = _cosines(vectors, vectors)
    np.fill_diagonal(cosines, -np.inf)
    usable = np.array([(labels == label).sum() > 1 for label in labels])
    return float((labels[cosines.argmax(1)] == labels)[usable].mean())


def _cosines(first: Float[np.ndarray, "N D"], second: Float[np.ndarray, "M D"]) -> Float[np.ndarray, "N M"]:
    a, b = first.astype(np.float64), second.astype(np.float64)
    lengths = np.linalg.norm(a, axis=1)[:, None] * np.linalg.norm(b, axis=1)
    return np.asarray((a @ b.T) / np.maximum(lengths, np.finfo(float).tiny))
