"""Storage of headform's own networks: a safetensors file with a JSON card that documents its origin.

    weights.safetensors   the tensors: matrices and kernels in half precision unless disabled, vectors in single
    weights.json          the card, with the SHA-256 of the safetensors, which is checked at load

Nothing here runs code from a file.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from headform.errors import WeightsError
from headform.io.atomic import write_bytes
from headform.io.file_bytes import read_bytes
from headform.io.file_content import content_of
from headform.io.json_file import parse_json
from headform.io.safetensors_bytes import load_tensors

CARD_FIELDS = (
    "data",
    "license",
    "command",
    "commit",
    "images_seen",
    "minutes",
    "seed",
    "config",
    "metrics",
)
"""Required fields of a card. `save_model` adds `sha256`, `bytes` and `parameters`."""

_HALF_MAX = 65504.0
_PUBLISHED = "use the original file of the publisher, or another kind"
_AGAIN = "install headform again, or get the file and its card from their publisher again"


def card_path(path: Path | str) -> Path:
    """Return the path of the card of a safetensors file: the same name, ending in `.json`."""
    return Path(path).with_suffix(".json")


def save_model(path: Path | str, tensors: Mapping[str, Tensor], card: Mapping[str, Any], *, half: bool = True) -> None:
    """Write the tensors of a network and its card, each atomically.

    Floating tensors of two or more axes are stored as float16 (single precision where a value
    would overflow), vectors and numbers (biases, normalizations) as float32, whole numbers and
    booleans as they are. The same input writes the same bytes.

    Args:
        path: File to write, ending in `.safetensors`.
        tensors: Tensors by name, such as `module.state_dict()`.
        card: At least `CARD_FIELDS`, as plain JSON values.
        half: False to store every floating tensor as float32, for small networks.

    Raises:
        WeightsError: `card_incomplete` when fields are missing or not JSON; `weights_nan` when a
            tensor holds NaN or infinity; nothing is written then.
        ResourceError: `write_failed`.
    """
    path = Path(path)
    where = repr(str(path))
    absent = [field for field in CARD_FIELDS if field not in card]
    if absent:
        raise WeightsError("card_incomplete", f"the model card lacks {', '.join(absent)}", where)
    _check_finite(tensors, where)
    data = safetensors.torch.save({n: _stored(tensors[n], half) for n in sorted(tensors)})
    full = dict(card) | {
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "parameters": sum(t.numel() for t in tensors.values() if t.is_floating_point()),
    }
    try:
        text = json.dumps(full, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        what = f"the model card is not plain JSON: {error}"
        raise WeightsError("card_incomplete", what, where) from error
    write_bytes(path, data)
    write_bytes(card_path(path), text.encode())


def load_model(path: Path | str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a file written by `save_model`.

    Args:
        path: Safetensors file, with its card in the same folder.

    Returns:
        The tensors on the CPU, floating ones as float32; the card.

    Raises:
        WeightsError: `weights_missing` when either file is absent, unreadable or not a regular file;
            `card_damaged`; `weights_truncated` when the file is shorter than the card says;
            `weights_hash` when its content differs; `weights_damaged` when it is not a safetensors
            file; `weights_nan`.
    """
    path = Path(path)
    where = repr(str(path))
    content = content_of(path) if path.is_file() else None
    if content is not None and content.sort not in ("own", "broken"):  # a page, a pointer, another's checkpoint
        raise WeightsError("weights_damaged", f"not a safetensors file, but {content.what}", where, content.hint)
    card = _read_card(card_path(path))
    data = read_bytes(path, fix=_AGAIN)
    if len(data) < card["bytes"]:
        what = f"the weights are truncated: {len(data)} of {card['bytes']} bytes"
        raise WeightsError("weights_truncated", what, where, _AGAIN)
    found = hashlib.sha256(data).hexdigest()
    if found != card["sha256"]:
        what = f"the weights do not match the card: SHA-256 {found[:12]}…, "
        what += f"expected {card['sha256'][:12]}…"
        raise WeightsError("weights_hash", what, where, _AGAIN)
    try:
        stored, _ = load_tensors(data)
    except ValueError as error:
        raise WeightsError("weights_damaged", f"{error}"[:200], where, _AGAIN) from error
    _check_finite(stored, where)
    return {n: t.float() if t.is_floating_point() else t for n, t in stored.items()}, card


def check_state(
    module: nn.Module,
    tensors: Mapping[str, Tensor],
    where: str,
    *,
    foreign: bool = False,
    wanted: Mapping[str, Tensor] | None = None,
) -> None:
    """Check that tensors match the state of a module exactly, without loading them.

    Args:
        module: Network to load the tensors into.
        tensors: Tensors for `module.load_state_dict`.
        where: Name of the file, for error messages.
        foreign: True if the file was saved by another publisher's program.
        wanted: Expected part of the state; all of it if None.

    Raises:
        WeightsError: `weights_mismatch`, naming the first tensor that is missing, of another shape or of another kind
            (floating or not, complex) in the network's order, or not expected, and how many more there are. Of foreign
            tensors `weights_missing_key` (missing, or not expected), `weights_shape`, `weights_dtype`.
    """
    wanted = module.state_dict() if wanted is None else wanted
    wrong: list[tuple[str, str]] = []
    for name, here in wanted.items():
        there = tensors.get(name)
        if there is None:
            wrong.append(("weights_missing_key", f"{name} is missing"))
        elif there.shape != here.shape:
            what = f"{name} has shape {tuple(there.shape)}, expected {tuple(here.shape)}"
            wrong.append(("weights_shape", what))
        elif there.is_floating_point() != here.is_floating_point() or there.is_complex() != here.is_complex():
            wrong.append(("weights_dtype", f"{name} holds {there.dtype}, expected {here.dtype}"))
    wrong += [("weights_missing_key", f"{name} is not expected") for name in tensors if name not in wanted]
    if wrong:
        code, what = wrong[0] if foreign else ("weights_mismatch", wrong[0][1])
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        what = f"the weights do not fit {type(module).__name__}: {what}{more}"
        own = "use weights saved by this version of the network"
        raise WeightsError(code, what, where, _PUBLISHED if foreign else own)


def _stored(tensor: Tensor, half: bool) -> Tensor:
    plain = tensor.detach().cpu().contiguous()
    if not plain.is_floating_point():
        return plain
    half = half and plain.ndim >= 2 and plain.numel() > 0
    fits = half and float(plain.abs().max()) <= _HALF_MAX
    return plain.to(torch.float16 if fits else torch.float32)


def _check_finite(tensors: Mapping[str, Tensor], where: str) -> None:
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(_at_least_half(tensor)).all()):
            raise WeightsError("weights_nan", f"{name} holds NaN or infinity", where, _AGAIN)


def _at_least_half(tensor: Tensor) -> Tensor:
    """Widen floating-point numbers of eight bits, for which torch has few operations."""
    return tensor.float() if tensor.element_size() == 1 else tensor


def _read_card(path: Path) -> dict[str, Any]:
    where = repr(str(path))
    try:
        card = parse_json(read_bytes(path, max_bytes=1 << 24, fix=_AGAIN))
    except WeightsError:
        raise
    except ValueError as error:
        what = f"the model card is not JSON: {error}"[:200]
        raise WeightsError("card_damaged", what, where, _AGAIN) from error
    good = isinstance(card, dict) and isinstance(card.get("sha256"), str)
    if not good or type(card.get("bytes")) is not int:
        what = "the model card lacks sha256 or bytes"
        raise WeightsError("card_damaged", what, where, _AGAIN)
    return dict(card)
