"""Generators of synthetic faces that tests share: a second to set up each, and what they draw depends on the seed alone."""

from typing import Any

import pytest

from headform.heads import LinearHead
from headform.synth.generator import Generator

_KEPT: dict[str, Generator] = {}
_MOST = 8
"""Generators that are kept at once; each holds some megabytes."""


def kept_generator(head: LinearHead, **options: Any) -> Generator:
    """In place of `Generator(head, ...)`: the one that was made first with the same head and options."""
    key = repr((head.sha256, sorted(options.items(), key=lambda item: item[0])))
    if key not in _KEPT:
        if len(_KEPT) == _MOST:
            _KEPT.pop(next(iter(_KEPT)))
        _KEPT[key] = Generator(head, **options)
    return _KEPT[key]


def keep_generators(monkeypatch: pytest.MonkeyPatch, *modules: Any) -> None:
    """Let these modules take kept generators for new ones."""
    for module in modules:
        monkeypatch.setattr(module, "Generator", kept_generator)
