"""`headform evaluate now`: folders of predictions against the scans of the NoW benchmark."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import UseAppendAction, arg

from headform import errors
from headform.cli.method_folders import parse_methods
from headform.geometry.units import MeshUnit
from headform.io.progress import BatchProgress

if TYPE_CHECKING:
    from headform.evaluate.now import NowTable
    from headform.evaluate.now.comparison import Alignment


@dataclass(frozen=True)
class Now:
    """Measure median, mean and standard deviation over all scan vertices, by challenge, subject and image.

    Protocol `official` reproduces the benchmark's evaluator, `corrected` omits its two faults; see
    headform.evaluate.scan.protocol. Several methods are printed in one table, as papers do.
    """

    dataset: Path
    """Data set as distributed: imagepathsvalidation.txt, scans/, scans_lmks_onlypp/."""
    predictions: Path | None = None
    """Folder of SUBJECT/CHALLENGE/IMAGE.obj or .ply, each with 7 or 68 landmarks in a .npy or .txt beside it."""
    method: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="NAME=DIR")] = ()
    """Name of a method and its folder of predictions. May be given several times."""
    published: bool = False
    """Add the rows of Xu et al. 2024, table 1, marked as published: they are of the test set and not measured here."""
    both: bool = False
    """Measure both ways, with and without --metrical."""
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
        from headform.evaluate.now.by_region import map_subjects
        from headform.evaluate.now.comparison import Comparison, Measured
        from headform.evaluate.now.layout import read_images
        from headform.evaluate.now.output_files import remove_leftovers, remove_table, write_comparison, write_table
        from headform.evaluate.now.published import TABLE_1
        from headform.io.atomic import check_place, remove_old, write_bytes

        if self.workers < 1:
            what = f"--workers is {self.workers}"
            raise errors.UsageError("workers_invalid", what, "", "use 1 or more")
        methods = self._methods()
        check_place(self.json)
        remove_old(self.json)
        alone = len(methods) == 1 and not (self.both or self.published or self.method)
        ways: tuple[Alignment, ...] = ("non-metrical", "metrical")
        ways = ways if self.both else ways[int(self.metrical) :][:1]
        folders = {
            (name, way): None if self.out is None else self.out if alone else self.out / name / way
            for name in methods
            for way in ways
        }
        written = [folder for folder in {self.out, *folders.values()} if folder is not None]
        for folder in written:
            remove_table(folder)
        images = read_images(self.dataset)
        for folder in written:
            remove_leftovers(folder, images)
        tables = {}
        with BatchProgress(len(images) * len(folders)) as progress:
            for (name, way), place in folders.items():
                title = "" if alone else f"{name}, {way}: "
                tables[name, way] = self._table(methods[name], way, place, title, progress)
        for (name, _), table in tables.items():
            table.require_complete(allow_missing=self.allow_missing, method="" if alone else name)
        first = next(iter(tables.values()))
        maps = {} if self.out is None else map_subjects(self.dataset, first.subjects(), self.protocol)
        notes: tuple[str, ...] = ()
        for key, table in tables.items():
            if (place := folders[key]) is not None:
                notes += write_table(table, place, maps)
        if alone:
            text, numbers = first.to_markdown(), first.to_json()
        else:
            measured = [Measured(name, {way: tables[name, way] for way in ways}) for name in methods]
            found = Comparison(tuple(measured), TABLE_1 if self.published else ())
            text, numbers = found.to_markdown(), found.to_json()
            if self.out is not None:
                notes += write_comparison(found, self.out, maps)
        if self.json is not None:
            write_bytes(self.json, numbers.encode())
        print(text, end="")
        for note in dict.fromkeys(notes):
            print(note)
        return errors.SUCCESS

    def _methods(self) -> dict[str, Path]:
        methods = parse_methods(self.method)
        if self.predictions is not None:
            name = self.predictions.resolve().name or "predictions"
            if name in methods:
                what = f"--predictions and a --method are both called {name!a:.100}"
                raise errors.UsageError("method_invalid", what, "", "give both as --method NAME=DIR")
            methods = {name: self.predictions, **methods}
        if not methods:
            fix = "give --predictions DIR, or --method NAME=DIR for each method"
            raise errors.UsageError("no_predictions", "no predictions are given", "", fix)
        return methods

    def _table(
        self, predictions: Path, way: "Alignment", out: Path | None, title: str, progress: BatchProgress
    ) -> "NowTable":
        from headform.evaluate.now.image import Options
        from headform.evaluate.now.record import Record
        from headform.evaluate.now.run import evaluate_dataset

        def done(record: Record) -> None:
            number = record.numbers
            if number is not None:
                progress.end(f"{title}{record.image.name}: median {number.median:.4f} mm")
            else:
                progress.end(f"{title}{record.image.name}: {record.message or 'missing'}", failed=True)

        options = Options(self.protocol, self.unit, metrical=way == "metrical")
        return evaluate_dataset(self.dataset, predictions, options, workers=self.workers, out=out, done=done)
