"""`headform contact-sheet`: combine the overlays of a result folder, or the results of several methods, in one picture."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, UseAppendAction, arg

from headform import errors
from headform.cli.method_folders import parse_methods


@dataclass(frozen=True)
class ContactSheet:
    """Combine pictures of results on one sheet.

    Of one result folder its overlays; with --photos and --method a row for each photo and a column for each method, under
    the headings occlusion, expression and rotation where folders or --conditions tell them.
    """

    out: Annotated[Path, arg(aliases=("-o",))]
    """Output file, PNG or JPEG."""
    folder: Positional[Path | None] = None
    """Output folder of `headform reconstruct` with the format png."""
    columns: int = 4
    """Number of overlays per row."""
    photos: Path | None = None
    """Folder of photos, searched recursively."""
    method: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="NAME=DIR")] = ()
    """Name of a method and its folder: of `headform reconstruct`, of predictions for NoW, of meshes of Basel's vertices or
    of the method's published pictures, named as the photos. May be given several times."""
    show: Literal["shape", "texture", "albedo"] = "shape"
    """Heads as clay; in the texture of `reconstruct --formats obj` over the photo; or in the albedo (`--texture both`) in
    the light that was found. Other methods' meshes then have their own colors."""
    conditions: Path | None = None
    """JSON file with an object of headings by photo."""
    mean_head: bool = False
    """Add a column with the mean head, posed as the first method's."""
    scans: tuple[Path, ...] = ()
    """Scans (OBJ, PLY, or folders of them) named as a photo's folder or as the beginning of its file's name: a column of
    them, and one of errors by the NoW protocol for each method."""

    def run(self) -> int:
        """Write the sheet."""
        if self.columns < 1:
            what = f"--columns is {self.columns}"
            raise errors.UsageError("columns_invalid", what, "", "use 1 or more")
        methods = parse_methods(self.method)
        if (self.folder is None) != bool(methods) or (self.photos is None) == bool(methods):
            fix = "give a result folder, or --photos DIR and --method NAME=DIR for each method"
            raise errors.UsageError("sheet_inputs", "nothing, or two things, to show", "", fix)
        if self.folder is None:
            return self._methods(methods)
        from headform.viz.contact_sheets import contact_sheet

        count = contact_sheet(self.folder, self.out, self.columns)
        print(f"{count} overlays in {self.out}")
        return errors.SUCCESS

    def _methods(self, methods: dict[str, Path]) -> int:
        from headform.evaluate.method_errors import ScanColumns
        from headform.evaluate.method_pictures import sheet_of_methods
        from headform.images.read import shown
        from headform.viz.contact_sheets import write_sheet

        assert self.photos is not None  # noqa: S101 - checked above
        scans = ScanColumns(self.scans) if self.scans else None
        sheet, notes = sheet_of_methods(
            self.photos,
            methods,
            conditions=self.conditions,
            shown=self.show,
            mean=self.mean_head,
            scans=scans,
        )
        write_sheet(sheet, self.out)
        for note in notes:
            print(f"warning: {shown(note)}")
        print(f"{len(methods)} methods in {self.out}")
        return errors.PARTIAL if notes else errors.SUCCESS
