"""Morph targets of a result, whatever its head model: ARKit's, the model's own shapes, or the photo's expression as one.

V vertices.
"""

import numpy as np
import torch
from jaxtyping import Float64, Int

from headform.export.lid_closure import shut_lid
from headform.export.morph_targets import MorphTarget, arkit_targets, arkit_weights
from headform.heads.coefficients import layout_of
from headform.heads.opaque import opaque_triangles
from headform.pipeline.reconstruction import Reconstruction

PHOTO_EXPRESSION = "expression"
"""Name of the one target of a model of components: a hundred of them would be a file of hundreds of megabytes."""


def model_shapes(result: Reconstruction) -> tuple[list[MorphTarget], Float64[np.ndarray, " targets"]]:
    """Return the targets on the neutral head and the weights that make it look like the photo.

    A head with the open head's parts has the 52 of ARKit; another one with weighted shapes has these under its own names;
    one with expression components, or with a jaw that turns, has the whole difference between the two as `PHOTO_EXPRESSION`.
    """
    head = result.head
    if head.has_field("dense"):
        eyes = {side: head.part_vertices(f"eye_{side.lower()}").numpy() for side in ("Left", "Right")}
        neutral = torch.from_numpy(result.neutral)
        centers = {
            side: head.eye_center(neutral, f"eye_{side.lower()}").double().numpy()
            for side, ids in eyes.items()
            if len(ids)
        }
        targets = arkit_targets(head.expression.numpy(), head.expression_names, result.neutral, eyes, centers)
        weights = np.asarray(arkit_weights(result.expression, head.expression_names, result.gaze), np.float64)
        return _with_lids_that_shut(targets, weights, result, eyes)
    if not len(result.expression):
        return [], np.zeros(0)
    if "expression" in layout_of(head).gaussian or result.pose:
        moved = result.vertices.astype(np.float64) - result.neutral
        return [MorphTarget(PHOTO_EXPRESSION, moved)], np.ones(1)
    shapes = head.expression.double().numpy()
    names = head.expression_names
    return [MorphTarget(n, d) for n, d in zip(names, shapes, strict=True)], np.asarray(result.expression, np.float64)


def _with_lids_that_shut(
    targets: list[MorphTarget],
    weights: Float64[np.ndarray, " targets"],
    result: Reconstruction,
    eyes: dict[str, Int[np.ndarray, " eye"]],
) -> tuple[list[MorphTarget], Float64[np.ndarray, " targets"]]:
    """Fit the blinks to the person's eyes; their weights in the photo become smaller as the ways become longer."""
    faces, weights = result.head.faces.numpy()[opaque_triangles(result.head)], weights.copy()
    for row, target in enumerate(targets):
        side = target.name.removeprefix("eyeBlink")
        if side in eyes:
            delta, factor = shut_lid(target.delta, result.neutral, faces, eyes[side])
            targets[row] = MorphTarget(target.name, delta)
            weights[row] /= factor
    return targets, weights
