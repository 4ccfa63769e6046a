"""Materials by named parts: every triangle has one, borders and heads without parts are skin."""

from dataclasses import replace

import numpy as np
import torch

from headform.export._surface_materials import MATERIALS, surface_materials
from headform.heads import load_open
from headform.heads.linear import PARTS, LinearHead

SKIN, MOUTH, EYES = range(3)


def test_triangles_of_the_open_head_follow_its_parts() -> None:
    head = load_open()
    found = surface_materials(head)
    part, faces = head.part.numpy(), head.faces.numpy()
    names = [{PARTS[part[corner]] for corner in face} for face in faces]
    assert all((names[k] <= {"eye_right", "eye_left"}) == (found[k] == EYES) for k in range(len(faces)))
    assert all((names[k] <= {"mouth", "teeth", "tongue"}) == (found[k] == MOUTH) for k in range(len(faces)))
    # the eyeballs, which hang together with nothing, are eyes as a whole
    eyes = np.isin(part, [PARTS.index("eye_right"), PARTS.index("eye_left")])
    assert (eyes[faces].any(1) == (found == EYES)).all()
    assert np.bincount(found).min() > 1000


def test_a_triangle_across_the_border_is_skin(egg: LinearHead) -> None:
    part = egg.part.clone()
    part[egg.faces[0, 0]] = PARTS.index("teeth")
    part[egg.faces[300]] = PARTS.index("tongue")
    found = surface_materials(replace(egg, part=part))
    assert found[0] == SKIN
    assert found[300] == MOUTH


def test_a_head_without_parts_is_skin(egg: LinearHead) -> None:
    plain = replace(egg, part=torch.zeros(0, dtype=torch.uint8))
    assert not surface_materials(plain).any()
    assert len(surface_materials(plain)) == len(egg.faces)
    assert [material.name for material in MATERIALS] == ["skin", "mouth", "eyes"]
