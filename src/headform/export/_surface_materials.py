"""Materials of an exported head, told apart by its named parts: skin, the wet inside of the mouth, eyes that shine.

F triangles.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from headform.heads.linear import PARTS, LinearHead


class SurfaceMaterial(NamedTuple):
    """A material of the metallic-roughness model of glTF.

    Attributes:
        name: Name in the file.
        roughness: `roughnessFactor`, 0 for a mirror to 1 for chalk.
        parts: Names in `PARTS` of the vertices of its triangles; empty for what no other material takes.
    """

    name: str
    roughness: float
    parts: tuple[str, ...] = ()


MATERIALS = (
    SurfaceMaterial("skin", 0.65),  # the default of 1 looks like chalk
    # wet, but glTF knows no shadow of the lips: sharper highlights would lie on teeth and gums that no lamp reaches
    SurfaceMaterial("mouth", 0.35, ("mouth", "tongue", "teeth")),
    # the tear film is nearly a mirror; of a small lamp a perfect one would show next to nothing
    SurfaceMaterial("eyes", 0.1, ("eye_right", "eye_left")),
)
"""Materials in the order of the file's primitives."""
SKIN = 0


def surface_materials(head: LinearHead) -> UInt8[np.ndarray, " F"]:
    """Tell the index in `MATERIALS` of each triangle; those whose corners lie in parts of several are skin.

    A head without named parts is skin all over.
    """
    found = np.full(len(head.faces), SKIN, np.uint8)
    if head.has_field("part"):
        corners = head.part.cpu().numpy()[head.faces.cpu().numpy()]
        for index, material in enumerate(MATERIALS):
            if material.parts:
                own = np.isin(corners, [PARTS.index(name) for name in material.parts])
                found[own.all(axis=1)] = index
    return found
