"""Coefficients on disk, by parts, with the head that they belong to.

B batch dimensions.

One float32 tensor per known part; layout, head and the list of the known parts are JSON in the metadata (`_tensor_file`). A
code of one model means nothing to another, so that the digest of the head is kept and compared.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import torch

from headform.errors import InputError, WeightsError
from headform.heads import _tensor_file
from headform.heads.coefficients import CoefficientLayout, Coefficients
from headform.heads.linear import LinearHead
from headform.io.file_bytes import read_regular, reason_of

FORMAT = "headform-coefficients-1"
MAX_BYTES = 1 << 30
_LONGEST = 100_000
"""Numbers that a part of a code may have: one that is not in the file is made of zeros."""


def save_coefficients(
    path: Path | str, coefficients: Coefficients, head: LinearHead, *, known: Collection[str] | None = None
) -> None:
    """Write a code, whole or not at all.

    Args:
        path: Such as `coefficients.safetensors`.
        coefficients: Any batch dimensions; stored in single precision.
        head: The head that they belong to.
        known: Names of the parts that were measured; the others are not written. None: all.

    Raises:
        ValueError: `known` names a part that the layout lacks.
        ResourceError: the file cannot be written.
    """
    layout = coefficients.layout
    names = [name for name, _ in layout.parts]
    if strange := set(known or ()) - set(names):
        raise ValueError(f"the layout {layout.name} has no part {sorted(strange)}")
    written = [name for name in names if known is None or name in known]
    text = {
        "format": FORMAT,
        "layout": layout.name,
        "parts": [list(part) for part in layout.parts],
        "gaussian": list(layout.gaussian),
        "known": written,
        "head": {"name": head.name, **_origin(head)},
    }
    arrays = {name: coefficients[name].detach().cpu().float().numpy() for name in written}
    _tensor_file.write(path, _tensor_file.encode(arrays, text))


def load_coefficients(path: Path | str, head: LinearHead | None = None) -> Coefficients:
    """Read what `save_coefficients` wrote.

    Parts that were not measured, and so are not in the file, are zero.

    Args:
        path: The file.
        head: The head that the code is going to be used with.

    Raises:
        InputError: ``code_unreadable``, ``code_format`` (another kind of file, damaged, or not finite).
        WeightsError: ``model_mismatch``: the code was made with another head than `head`; both are named.
    """
    where = str(path)
    text, arrays = _open(Path(path), where)
    try:
        parts = tuple((str(name), int(length)) for name, length in text["parts"])
        layout = CoefficientLayout(str(text["layout"]), parts, tuple(map(str, text["gaussian"])))
        origin = {key: text["head"].get(key, "") for key in ("model", "sha256", "sources")}
        if not all(0 <= length <= _LONGEST for _, length in parts):
            raise ValueError("a part of an impossible length")
        known = {str(name) for name in text.get("known", [name for name, _ in parts])}
        if any(arrays[name].dtype.kind != "f" for name, _ in parts if name in known):
            raise ValueError("numbers that are not real")
        values = {
            name: torch.from_numpy(arrays[name]).float() if name in known else torch.zeros(length)
            for name, length in parts
        }
        finite = all(bool(torch.isfinite(value).all()) for value in values.values())
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError("code_format", f"the file lacks parts of a code: {error}", where) from error
    if not finite:
        raise InputError("code_format", "the code holds a number that is not finite", where)
    if head is not None and not _same(origin, _origin(head)):
        raise WeightsError(
            "model_mismatch",
            f"the code was made with {origin['model']} ({str(origin['sha256'])[:12] or 'no file'}), "
            f"the head is {head.provenance.label} ({head.sha256[:12] or 'no file'})",
            where,
            "use the head that the code was made with, or carry it over with `headform heads fit`",
        )
    return Coefficients(layout, values)


def known_parts(path: Path | str) -> tuple[str, ...]:
    """Return the parts of a code on disk that were measured, in order; the others are not in the file.

    Raises:
        InputError: ``code_unreadable``, ``code_format``.
    """
    text, _ = _open(Path(path), str(path))
    try:
        names = [str(name) for name, _ in text["parts"]]
        known = text.get("known", names)
        return tuple(name for name in names if name in known)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError("code_format", f"the file lacks parts of a code: {error}", str(path)) from error


def _origin(head: LinearHead) -> dict[str, Any]:
    """Return the identity of a head; one that was never a file has no digest, but its publisher's files have."""
    sources = [source.sha256 for source in head.provenance.sources]
    return {"model": head.provenance.label, "sha256": head.sha256, "sources": sources}


def _same(saved: dict[str, Any], origin: dict[str, Any]) -> bool:
    return bool(saved["sha256"] == origin["sha256"] if origin["sha256"] else saved == origin)


def _open(path: Path, where: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    try:
        data = read_regular(path, MAX_BYTES)
    except OSError as error:
        what = f"cannot read the code: {reason_of(error)}"
        raise InputError("code_unreadable", what, where) from error
    try:
        arrays, text = _tensor_file.decode(data)
        if text.get("format") != FORMAT:
            raise ValueError(f"its format is {text.get('format')!r:.60}")
    except ValueError as error:
        hint = "give a file that `headform heads fit` wrote"
        raise InputError("code_format", f"not a file of coefficients: {error}", where, hint) from error
    return text, arrays
