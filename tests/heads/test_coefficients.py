"""Codes by name: lengths of the published layouts, packing and its refusals."""

import pytest
import torch

from headform.errors import InputError
from headform.heads.coefficients import BASEL_FRONT, FLAME, OPEN, CoefficientLayout, Coefficients


def test_published_lengths() -> None:
    assert (FLAME.size, BASEL_FRONT.size, OPEN.size) == (486, 257, 244)
    assert FLAME.slices["expression"] == slice(306, 406)
    assert BASEL_FRONT.slices["light"] == slice(227, 254)


@pytest.mark.parametrize("layout", [FLAME, BASEL_FRONT, OPEN])
def test_pack_undoes_split(layout: CoefficientLayout) -> None:
    code = torch.randn(2, 3, layout.size)
    parts = layout.split(code)
    assert list(parts) == [name for name, _ in layout.parts]
    assert torch.equal(parts.pack(), code)
    covered = torch.zeros(layout.size)
    for at in layout.slices.values():
        covered[at] += 1
    assert (covered == 1).all()


def test_parts_without_a_batch_are_repeated() -> None:
    layout = CoefficientLayout("small", (("a", 2), ("b", 1)))
    code = Coefficients(layout, {"a": torch.tensor([1.0, 2.0]), "b": torch.zeros(4, 1)}).pack()
    assert code.shape == (4, 3)
    assert torch.equal(code[3], torch.tensor([1.0, 2.0, 0.0]))
    assert layout.zeros(5).pack().shape == (5, 3)


def test_wrong_codes_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        FLAME.split(torch.zeros(485))
    assert caught.value.code == "code_length"
    layout = CoefficientLayout("small", (("a", 2),))
    for values in ({}, {"a": torch.zeros(3)}, {"a": torch.zeros(2), "b": torch.zeros(1)}):
        with pytest.raises(InputError) as caught:
            Coefficients(layout, values)
        assert caught.value.code == "code_part"
