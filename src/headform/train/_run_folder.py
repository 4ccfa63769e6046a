"""The two texts of a run's folder: what it was asked (config.json) and what happened (log.jsonl)."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headform.errors import ResourceError, UsageError
from headform.io.atomic import write_bytes

CONFIG = "config.json"
LOG = "log.jsonl"


def check_config(folder: Path, wanted: Mapping[str, Any], resumable_fields: tuple[str, ...]) -> None:
    """Compare a resumed run's configuration with the one it was begun with.

    Args:
        folder: Of the run; without a config.json there is nothing to compare.
        wanted: Plain JSON values; tuples count as lists.
        resumable_fields: Dotted names of fields, such as `trainer.steps`, that may differ wherever they
            stand in the tree.

    Raises:
        UsageError: `config_changed`, naming every field that differs; `config_damaged`.
    """
    path = folder / CONFIG
    if not path.is_file():
        return
    try:
        before = _flat(json.loads(path.read_bytes()))
    except ValueError as error:
        what = f"the run's configuration is no JSON: {error}"[:200]
        raise UsageError("config_damaged", what, str(path), "start in another folder") from error
    now = _flat(json.loads(json.dumps(wanted)))
    told = [
        f"{name}: {_short(before, name)} before, {_short(now, name)} now"
        for name in sorted(before.keys() | now.keys())
        if before.get(name, _ABSENT) != now.get(name, _ABSENT)
        and not any(f".{name}".endswith(f".{free}") for free in resumable_fields)
    ]
    if told:
        what = "the run was begun with another configuration: " + "; ".join(told)
        advice = "resume with the values of before, or start in another folder"
        raise UsageError("config_changed", what, str(path), advice)


def write_config(folder: Path, config: Mapping[str, Any]) -> None:
    """Write config.json.

    Raises:
        ResourceError: `write_failed`.
    """
    write_bytes(folder / CONFIG, (json.dumps(config, indent=1) + "\n").encode())


class RunLog:
    """log.jsonl: one JSON object per line, each with its `step`; numbers that are not finite are null."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOG

    def append(self, line: Mapping[str, Any]) -> None:
        """Add a line.

        Raises:
            ResourceError: `write_failed`.
        """
        text = json.dumps({key: _plain(value) for key, value in line.items()}) + "\n"
        try:
            with self.path.open("a") as file:
                file.write(text)
        except OSError as error:
            what = f"cannot write the log: {error.strerror or error}"
            raise ResourceError("write_failed", what, str(self.path), "make room") from error

    def cut(self, step: int) -> None:
        """Drop what lies beyond a step, and a last line that was never finished.

        A run that was killed may have logged steps that its checkpoint does not know; they will
        come again. The file is replaced as a whole.
        """
        if not self.path.is_file():
            return
        data = self.path.read_bytes()
        kept = b"".join(line for line in data.splitlines(keepends=True) if _within(line, step))
        if kept != data:
            write_bytes(self.path, kept)

    def flush(self) -> None:
        """Have all lines on the disk before a checkpoint claims their steps."""
        if self.path.is_file():
            with self.path.open("rb") as file:
                os.fsync(file.fileno())


_ABSENT = object()


def _within(line: bytes, step: int) -> bool:
    try:
        return line.endswith(b"\n") and json.loads(line)["step"] <= step
    except (ValueError, KeyError, TypeError):
        return False


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _flat(tree: Any, name: str = "") -> dict[str, Any]:
    """Leaves by dotted names; an empty table or list is a leaf."""
    if isinstance(tree, list):
        tree = {str(k): v for k, v in enumerate(tree)} or tree
    if not isinstance(tree, dict) or not tree:
        return {name: tree}
    found: dict[str, Any] = {}
    for key, value in tree.items():
        found |= _flat(value, f"{name}.{key}" if name else key)
    return found


def _short(values: Mapping[str, Any], name: str) -> str:
    return json.dumps(values[name])[:60] if name in values else "absent"
