"""Text files of a run folder: its configuration (config.json) and its log (log.jsonl)."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headform.errors import ResourceError, UsageError
from headform.io.atomic import write_bytes
from headform.io.json_file import parse_json
from headform.io.printable import printable

CONFIG = "config.json"
FORMAT_FIELD = "run_format"
"""Field of a stage's metadata that is raised when its options or its data mean something else than before."""
LOG = "log.jsonl"


def check_config(folder: Path, wanted: Mapping[str, Any], resumable_fields: tuple[str, ...]) -> None:
    """Check the configuration of a resumed run against the one it was started with.

    Args:
        folder: Run folder; without a config.json nothing is checked.
        wanted: Configuration in plain JSON values; tuples count as lists.
        resumable_fields: Dotted names of fields, such as `trainer.steps`, that may differ, at any depth
            of the tree.

    Raises:
        UsageError: `run_outdated` where `run_format` is another: the same options meant something else; `config_changed`,
            naming every field that differs; `config_damaged`.
    """
    path = folder / CONFIG
    if not path.is_file():
        return
    try:
        before = _flat(parse_json(path.read_bytes()))
    except ValueError as error:
        what = f"the configuration of the run is not valid JSON: {error}"[:200]
        raise UsageError("config_damaged", what, str(path), "start in another folder") from error
    now = _flat(json.loads(json.dumps(wanted)))
    if FORMAT_FIELD in now and before.get(FORMAT_FIELD) != now[FORMAT_FIELD]:
        was = _short(before, FORMAT_FIELD)
        what = (
            f"the run was begun by another version of headform: its format is {was}, this version's {now[FORMAT_FIELD]}"
        )
        advice = "start in another folder, with --start from its weights, or resume with the version that began it"
        raise UsageError("run_outdated", what, str(path), advice)
    changes = [
        f"{printable(name)}: {_short(before, name)} before, {_short(now, name)} now"
        for name in sorted(before.keys() | now.keys())
        if before.get(name, _ABSENT) != now.get(name, _ABSENT)
        and not any(f".{name}".endswith(f".{free}") for free in resumable_fields)
    ]
    if changes:
        what = "the run was started with another configuration: " + "; ".join(changes)
        advice = "resume with the original values, or start in another folder"
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
            raise ResourceError("write_failed", what, str(self.path), "free disk space or check permissions") from error

    def cut(self, step: int) -> None:
        """Remove lines after a step, and an incomplete last line.

        A killed run may have logged steps after its checkpoint, which will be repeated. The file is
        replaced atomically.
        """
        if not self.path.is_file():
            return
        data = self.path.read_bytes()
        kept = b"".join(line for line in data.splitlines(keepends=True) if _within(line, step))
        if kept != data:
            write_bytes(self.path, kept)

    def flush(self) -> None:
        """Flush all lines to disk, before a checkpoint of their steps is written."""
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
    """Flatten a tree to its leaves by dotted name; an empty table or list is a leaf."""
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
