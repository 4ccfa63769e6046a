"""`headform evaluate now`: a folder of predictions against the scans of the NoW benchmark."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from headform import errors
from headform.geometry.units import MeshUnit
from headform.io.progress import BatchProgress


@dataclass(frozen=True)
class Now:
    """Measure median, mean and standard deviation over all scan vertices, by challenge, subject and image.

    Protocol `official` reproduces the benchmark's evaluator, `corrected` omits its two faults; see
    headform.evaluate.scan.protocol.
    """

    dataset: Path
    """Data set as distributed: imagepathsvalidation.txt, scans/, scans_lmks_onlypp/."""
    predictions: Path
    """Folder of SUBJECT/CHALLENGE/IMAGE.obj or .ply, each with 7 or 68 landmarks in a .npy or .txt beside it."""
    metrical: bool = False
    """Keep the size of the predictions; by default a scale is fitted to each."""
    unit: MeshUnit | None = None
    """Unit of the predictions; inferred from the landmarks of the first one by default. Only checked without --metrical."""
    protocol: Literal["official", "corrected"] = "official"
    """Evaluation protocol: `official` (bug-compatible) or `corrected`."""
    allow_missing: bool = False
    """Average over the valid predictions; by default a missing or invalid one is an error."""
    workers: int = 1
    """Number of processes; the results do not depend on it."""
    json: Path | None = None
    """Also write all numbers to this file."""
    out: Annotated[Path | None, arg(aliases=("-o",))] = None
    """Folder for tables, curve and per-image results; a second run computes only what is missing or changed."""

    def run(self) -> int:
        """Print the table; hold the output folder meanwhile."""
        from headform.io.folder_lock import FolderLock

        with contextlib.nullcontext() if self.out is None else FolderLock(self.out):
            return self._measure()

    def _measure(self) -> int:
        from headform.evaluate.now.image import Options
        from headform.evaluate.now.layout import read_images
        from headform.evaluate.now.output_files import remove_leftovers, remove_table, write_table
        from headform.evaluate.now.record import Record
        from headform.evaluate.now.run import evaluate_dataset
        from headform.io.atomic import check_place, remove_old, write_bytes

        if self.workers < 1:
            what = f"--workers is {self.workers}"
            raise errors.UsageError("workers_invalid", what, "", "use 1 or more")
        check_place(self.json)
        remove_old(self.json)
        if self.out is not None:
            remove_table(self.out)
        images = read_images(self.dataset)
        if self.out is not None:
            remove_leftovers(self.out, images)
        with BatchProgress(len(images)) as progress:

            def done(record: Record) -> None:
                number = record.numbers
                if number is not None:
                    progress.end(f"{record.image.name}: median {number.median:.4f} mm")
                else:
                    progress.end(f"{record.image.name}: {record.message or 'missing'}", failed=True)

            table = evaluate_dataset(
                self.dataset,
                self.predictions,
                Options(self.protocol, self.unit, self.metrical),
                workers=self.workers,
                out=self.out,
                done=done,
            )
        table.require_complete(allow_missing=self.allow_missing)
        if self.json is not None:
            write_bytes(self.json, table.to_json().encode())
        print(table.to_markdown(), end="")
        if self.out is not None:
            for note in write_table(table, self.out):
                print(note)
        return errors.SUCCESS
