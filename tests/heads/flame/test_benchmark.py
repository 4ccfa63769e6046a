"""What the benchmark of FLAME decoding claims: contestants are given the same, agree, and are refused where they do not."""

from pathlib import Path

import pytest
import torch

from benchmarks import flame_speed, resident
from tests.heads.flame.flame_heads import tiny_flame


def test_the_bare_product_has_every_row() -> None:
    head = tiny_flame(20, identities=300, expressions=100)
    inputs, _ = flame_speed.drawn(2)
    bases = torch.cat([head.identity, head.expression, head.pose_correctives])
    assert len(bases) == 436
    code = torch.cat([*inputs[:2], *inputs[2:6], *inputs[2:6], *inputs[2:6]], dim=-1)
    want = head.mean + torch.einsum("bk,kvc->bvc", code, bases)
    torch.testing.assert_close(flame_speed.make_bare(head)(inputs), want, atol=1e-5, rtol=1e-5)


def test_contestants_agree_before_they_race() -> None:
    head = tiny_flame(5023, identities=300, expressions=100)
    inputs, gradient = flame_speed.drawn(2)
    decoders = {t: flame_speed.ours(head, t) for t in (flame_speed.KERNEL, flame_speed.REFERENCE)}
    apart, slopes = flame_speed.check(decoders, inputs, gradient)
    assert 0 < apart < 1e-6
    assert 0 < slopes < 1e-5
    seconds = flame_speed.take_turns(decoders, flame_speed.forward, inputs, gradient, 3)
    assert all(len(times) == 3 and min(times) > 0 for times in seconds.values())
    off = {**decoders, "off": lambda x: decoders[flame_speed.REFERENCE](x) + 2e-6}
    with pytest.raises(AssertionError, match="apart"):
        flame_speed.check(off, inputs, gradient)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the system does not tell")
def test_memory_counts_what_a_call_needs() -> None:
    size = 64 * 2**20
    peak = resident.peak_megabytes(lambda: torch.ones(size // 4).sum())
    assert peak is not None
    assert 60 < peak < 80
