"""Training data that holds people of evaluation sets: errors measured on those would flatter."""

from collections.abc import Iterable, Mapping

EVALUATION_SETS: Mapping[str, tuple[str, ...]] = {
    "now": ("the NoW benchmark",),
    "stirling": ("the FG 2018 challenge",),
    "florence": ("the Florence (MICC) protocols",),
    "lyhm": ("REALY, whose scans are Headspace's",),
}
"""Sources of samples, with what is evaluated on the same people."""


def contamination(sources: Iterable[str]) -> list[str]:
    """Return a warning for each source whose people are those of an evaluation set."""
    return [
        f"{source}: its people are those of {' and of '.join(EVALUATION_SETS[source])}; "
        "what learns of them cannot be evaluated there"
        for source in sorted(set(sources))
        if source in EVALUATION_SETS
    ]
