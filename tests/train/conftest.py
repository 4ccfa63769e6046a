"""Stages that render synthetic faces in the tests' own process share the generators."""

import pytest

from headform.train import landmarks, parsing, pool, student, student_sources
from tests.synth.kept_generators import keep_generators


@pytest.fixture(autouse=True)
def _kept_generators(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_generators(monkeypatch, landmarks, parsing, pool, student, student_sources)
