"""Codes on disk: they come back, they know their head, and priors are what they say."""

import json
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy
import torch

from headform.errors import InputError, WeightsError
from headform.heads.coefficients import BASEL_FRONT, FLAME, OPEN, Coefficients, layout_of
from headform.heads.coefficients_file import known_parts, load_coefficients, save_coefficients
from headform.heads.provenance import Provenance, SourceFile
from headform.importers.importing import linear_head
from tests.heads.made_models import mask_model


def test_a_code_comes_back_with_its_head(head, tmp_path) -> None:
    code = OPEN.sample(2, generator=torch.Generator().manual_seed(3))
    path = tmp_path / "code.safetensors"
    save_coefficients(path, code, head)
    again = load_coefficients(path, head)
    assert again.layout == OPEN
    assert torch.equal(again.pack(), code.pack())
    assert torch.equal(load_coefficients(path).pack(), code.pack())


def test_a_code_of_another_head_is_refused_by_both_names(head, tmp_path) -> None:
    path = tmp_path / "code.safetensors"
    save_coefficients(path, OPEN.zeros(), head)
    other = replace(head, sha256="cd" * 32, provenance=Provenance("flame", "2023-open"))
    with pytest.raises(WeightsError) as caught:
        load_coefficients(path, other)
    assert caught.value.code == "model_mismatch"
    for part in ("made with open", head.sha256[:12], "flame 2023-open", "cdcdcdcdcdcd"):
        assert part in str(caught.value)


def test_heads_that_were_never_files_are_told_apart(head, tmp_path) -> None:
    """Two models read in one program, neither of them written yet."""
    path = tmp_path / "code.safetensors"
    old, new = (SourceFile("generic_model.pkl", digest * 32) for digest in ("ab", "cd"))
    made = replace(head, sha256="", provenance=Provenance("flame", "2020", (old,)))
    save_coefficients(path, OPEN.zeros(), made)
    assert load_coefficients(path, made).layout == OPEN
    for other in (Provenance("flame", "2023", (old,)), Provenance("flame", "2020", (new,))):
        with pytest.raises(WeightsError) as caught:
            load_coefficients(path, replace(made, provenance=other))
        assert caught.value.code == "model_mismatch"
    with pytest.raises(WeightsError):
        load_coefficients(path, replace(made, sha256="ef" * 32))


def test_other_files_are_no_codes(head, tmp_path) -> None:
    good = tmp_path / "code.safetensors"
    save_coefficients(good, OPEN.zeros(), head)
    data, bad = good.read_bytes(), tmp_path / "bad.safetensors"
    for content in (
        b"",
        b"text",
        data[:-1],
        data[:40],
        data.replace(b"coefficients-1", b"something-else"),
    ):
        bad.write_bytes(content)
        with pytest.raises(InputError) as caught:
            load_coefficients(bad)
        assert caught.value.code == "code_format", content[:20]
    one = ("code_format", [["a", 1]])
    for (code, parts), value in (
        (one, np.array([1j], np.complex64)),
        (("code_format", [["a", float("inf")]]), np.ones(1, np.float32)),
        (("code_part", [["a", 1]]), np.float32(1)),
    ):
        made = {"model": "m", "sha256": "", "sources": []}
        text = {"format": "headform-coefficients-1", "layout": "x", "parts": parts, "gaussian": []}
        meta = {"headform": json.dumps(text | {"head": made})}
        bad.write_bytes(safetensors.numpy.save({"a": np.asarray(value)}, meta))
        with pytest.raises(InputError) as caught:
            load_coefficients(bad)
        assert caught.value.code == code
    with pytest.raises(InputError) as caught:
        load_coefficients(tmp_path)
    assert caught.value.code == "code_unreadable"
    with pytest.raises(InputError) as caught:
        load_coefficients(tmp_path / "none")
    assert caught.value.code == "code_unreadable"
    save_coefficients(bad, OPEN.split(torch.full((244,), torch.nan)), head)
    with pytest.raises(InputError, match="not finite"):
        load_coefficients(bad)


@pytest.mark.parametrize("layout", [OPEN, FLAME, BASEL_FRONT])
def test_the_prior_is_standard_normal_where_it_says_so(layout) -> None:
    code = layout.sample(400, generator=torch.Generator().manual_seed(0))
    for name, _ in layout.parts:
        if name in layout.gaussian:
            assert abs(code[name].std().item() - 1) < 0.02
            assert abs(code[name].mean()) < 0.02
        else:
            assert not code[name].any()
    priors = code.neg_log_prior()
    assert set(priors) == set(layout.gaussian)
    normal = torch.distributions.Normal(0.0, 1.0)
    for name, value in priors.items():
        exact = -(normal.log_prob(code[name]) - normal.log_prob(torch.tensor(0.0))).sum(-1)
        torch.testing.assert_close(value, exact, rtol=1e-4, atol=1e-3)


def test_a_head_without_a_published_code_gets_its_own(head) -> None:
    assert layout_of(head) is OPEN
    made = linear_head(mask_model())
    layout = layout_of(made)
    assert layout.parts == (("identity", 3), ("expression", 2), ("texture", 0))
    assert layout.gaussian == ("identity", "expression", "texture")
    assert isinstance(layout.zeros(2), Coefficients)
    assert layout.size == 5
    surrey = replace(made, provenance=Provenance("surrey"))
    assert layout_of(surrey).gaussian == ("identity", "texture")


def test_tells_measured_parts_from_placeholders(tmp_path, head) -> None:
    save_coefficients(tmp_path / "a.safetensors", OPEN.zeros(), head, known=("expression", "identity"))
    assert known_parts(tmp_path / "a.safetensors") == ("identity", "expression")
    assert set(safetensors.numpy.load_file(tmp_path / "a.safetensors")) == {"identity", "expression"}, (
        "nothing is invented"
    )
    whole = load_coefficients(tmp_path / "a.safetensors", head)
    assert not whole["light"].any()
    assert whole["light"].shape == (27,)
    save_coefficients(tmp_path / "b.safetensors", OPEN.zeros(), head)
    assert known_parts(tmp_path / "b.safetensors") == tuple(name for name, _ in OPEN.parts)
    with pytest.raises(ValueError, match="no part"):
        save_coefficients(tmp_path / "c.safetensors", OPEN.zeros(), head, known=("shape",))
    assert not (tmp_path / "c.safetensors").exists()
