"""Terms under which the data sets of samples are given out."""

from collections.abc import Iterable

RESEARCH_ONLY = frozenset({"celeba", "facewarehouse", "florence", "lyhm", "now", "stirling"})
"""Data sets that their owners give out for non-commercial research alone."""


def license_warnings(sources: Iterable[str]) -> list[str]:
    """Return a warning for each source whose owner allows research alone."""
    return [
        f"{source}: its owner allows non-commercial research only; "
        "the terms hold for these samples too, read them for what learns of them"
        for source in sorted(set(sources))
        if source in RESEARCH_ONLY
    ]
