"""Which release of FLAME a file is: by its digest, a key, or its name.

Parameters of different releases are not interchangeable, although all share one topology.
"""

import re
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

DIGESTS = {
    "efcd14cc4a69f3a3": "2020",
    "8fb1af0db1abb510": "2023",
    "b291fcd1": "2023-no-jaw",
    "e75a0990728ba038": "2023-open",
}
"""First digits of the SHA-256 of files that are known."""
OPEN_KEY = "supr_expression_metadata"
"""Only FLAME 2023 Open has it."""
_OPEN_LICENSE = "CC BY 4.0, FLAME 2023 Open, Max Planck Institute for Intelligent Systems"
_LICENSE = "FLAME model license, Max Planck Society, https://flame.is.tue.mpg.de/modellicense.html"


@dataclass(frozen=True)
class FlameVersion:
    """What was concluded.

    Attributes:
        version: ``2017``, ``2019``, ``2020``, ``2023``, ``2023-no-jaw``, ``2023-open`` or ``unknown``, with `` male`` or
            `` female`` behind it for those models.
        license: One line.
        note: Why.
    """

    version: str
    license: str
    note: str


def identify(path: Path, sha256: str, keys: Set[str]) -> FlameVersion:
    """The release that a model file is of.

    Args:
        path: Where it lies; its folder's name may say the year.
        sha256: Of the file.
        keys: Names of what it holds.
    """
    name = path.stem.lower()
    sex = re.search(r"(?<![a-z])(female|male)(?![a-z])", name)
    suffix = f" {sex.group(1)}" if sex else ""
    for start, version in DIGESTS.items():
        if sha256.startswith(start):
            note = f"version {version}: the file's digest is that of the release"
            return FlameVersion(version + suffix, _license(version), note)
    if OPEN_KEY in keys:
        note = f"version 2023-open: the file holds `{OPEN_KEY}`"
        return FlameVersion("2023-open" + suffix, _OPEN_LICENSE, note)
    for text in (name, path.absolute().parent.name.lower()):
        year = re.search(r"(?<!\d)20(17|19|20|23)(?!\d)", text)
        if year:
            version = year.group(0)
            if version == "2023":
                version += "-no-jaw" if re.search(r"no_?-?jaw", name) else ""
                version += "-open" if "open" in text else ""
            note = f"version {version}: by the name {text!r} alone"
            return FlameVersion(version + suffix, _license(version), note)
    note = (
        "the version is unknown: neither digest, keys nor name say it; parameters of different "
        "versions do not belong together"
    )
    return FlameVersion("unknown" + suffix, _LICENSE, note)


def _license(version: str) -> str:
    return _OPEN_LICENSE if version == "2023-open" else _LICENSE
