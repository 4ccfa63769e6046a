"""The origin of a head model: publisher's files, their digests, version and license."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from headform.errors import WeightsError
from headform.io.file_bytes import reason_of, sha256_of


@dataclass(frozen=True)
class SourceFile:
    """A file that a model was made of.

    Attributes:
        name: File name without folders.
        sha256: Digest of its bytes, hexadecimal.
    """

    name: str
    sha256: str

    @classmethod
    def of(cls, path: Path | str) -> "SourceFile":
        """Digest a file.

        Raises:
            WeightsError: ``weights_missing``.
        """
        path = Path(path)
        try:
            return cls(path.name, sha256_of(path))
        except OSError as error:
            what = f"cannot read the model: {reason_of(error)}"
            raise WeightsError("weights_missing", what, repr(str(path))) from error


@dataclass(frozen=True)
class Provenance:
    """The origin of a model.

    Attributes:
        kind: Model family: open, flame, bfm2009, bfm2017, surrey, lsfm, lyhm, facewarehouse, ict, gnm ...
        version: Release within the family, such as ``2020`` or ``2023-open``; empty where there is one only.
        sources: The files it was made of, the model itself first.
        license: The publisher's terms, in as many words as are known.
        notes: Sentences on what was missing or repaired at import.
    """

    kind: str = "open"
    version: str = ""
    sources: tuple[SourceFile, ...] = ()
    license: str = ""
    notes: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Kind and version, such as ``flame 2020``."""
        return f"{self.kind} {self.version}".strip()

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Any) -> "Provenance":
        """Make a provenance of `to_json`'s values.

        Raises:
            ValueError: it is another object.
        """
        try:
            sources = tuple(SourceFile(str(s["name"]), str(s["sha256"])) for s in value["sources"])
            kind, version, license = (str(value[key]) for key in ("kind", "version", "license"))
            return cls(kind, version, sources, license, tuple(str(n) for n in value["notes"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a provenance: {error}") from error


def provenance_of(
    kind: str,
    paths: Iterable[Path | str],
    *,
    version: str = "",
    license: str = "",
    notes: Iterable[str] = (),
) -> Provenance:
    """Return a provenance, whose sources are digested.

    Raises:
        WeightsError: ``weights_missing``.
    """
    return Provenance(kind, version, tuple(SourceFile.of(path) for path in paths), license, tuple(notes))
