"""The manifest of a result folder as a table that processes change one after another, under its lock."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from headform.errors import InputError, ResourceError
from headform.export.manifest import MANIFEST, MAX_BYTES, Entry, parse
from headform.io.atomic import write_bytes
from headform.io.file_bytes import read_regular, reason_of


class ManifestTable:
    """Lines of `manifest.jsonl`; the text of those that are not changed is kept to the byte.

    Attributes:
        entries: Lines in order, as of the last `load`.
    """

    def __init__(self, folder: Path) -> None:
        self.path, self.entries = folder / MANIFEST, list[Entry]()
        self._texts: list[str] = []
        self._seen: tuple[int, int, int] | None = None

    def load(self) -> None:
        """Read what another process may have written since.

        Raises:
            InputError: `results_invalid` for another kind of file.
            ResourceError: `write_failed` where the file cannot be read.
        """
        try:
            now = os.stat(self.path)
            if not stat.S_ISREG(now.st_mode):
                raise ResourceError("write_failed", "this is no file", str(self.path), "choose another folder")
            state = (now.st_ino, now.st_mtime_ns, now.st_size)
            if state == self._seen:
                return
            data = read_regular(self.path, MAX_BYTES)
        except FileNotFoundError:
            self._texts, self.entries, self._seen = [], [], None
            return
        except OSError as error:
            what = f"the manifest cannot be read: {reason_of(error)}"
            raise ResourceError("write_failed", what, str(self.path), "choose another folder") from error
        try:
            texts = data.decode().split("\n")
        except UnicodeDecodeError as error:
            what = f"not a manifest of headform reconstruct: {error}"
            raise InputError("results_invalid", what, str(self.path), "move this file away") from error
        self.entries, self._texts = [], []
        for number, text in enumerate(texts, 1):
            try:
                entry = parse(text, f"{self.path}, line {number}") if text.strip() else None
            except InputError:
                if number < len(texts):
                    raise
                continue  # begun when its writer or the machine stopped
            if entry is not None:
                self.entries.append(entry)
                self._texts.append(text)
        self._seen = state

    def replace(self, entry: Entry) -> list[Entry]:
        """Put a line in the place of those of the same photo, or at the end; write, and return the replaced ones."""
        return self._change([entry])

    def extend(self, entries: Iterable[Entry]) -> None:
        """Add lines at the end and write."""
        self._change(list(entries))

    def remove(self, paths: Iterable[str]) -> None:
        """Remove the lines of photos by their absolute paths; the file too when nothing is left."""
        gone = set(paths)
        kept = [k for k, entry in enumerate(self.entries) if entry.path not in gone]
        self._write([self.entries[k] for k in kept], [self._texts[k] for k in kept])
        if not kept:
            self.path.unlink(missing_ok=True)
            self._seen = None

    def _change(self, added: list[Entry]) -> list[Entry]:
        new = {entry.path: entry for entry in added}
        entries, texts, replaced = list[Entry](), list[str](), list[Entry]()
        for entry, text in zip(self.entries, self._texts, strict=True):
            if entry.path not in {line.path for line in added}:
                entries.append(entry)
                texts.append(text)
                continue
            replaced.append(entry)
            if (line := new.pop(entry.path, None)) is not None:
                entries.append(line)
                texts.append(line.line())
        entries += new.values()
        texts += [line.line() for line in new.values()]
        self._write(entries, texts)
        return replaced

    def _write(self, entries: list[Entry], texts: list[str]) -> None:
        """Write first, so that the table is as the file is when the disk is full."""
        write_bytes(self.path, "".join(f"{text}\n" for text in texts).encode())
        self.entries, self._texts = entries, texts
        now = os.stat(self.path)
        self._seen = (now.st_ino, now.st_mtime_ns, now.st_size)
