"""`headform contact-sheet`: combine the overlays of a result folder in one picture."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from headform import errors


@dataclass(frozen=True)
class ContactSheet:
    """Combine the overlays of a result folder in one picture."""

    folder: Positional[Path]
    """Output folder of `headform reconstruct` with the format png."""
    out: Annotated[Path, arg(aliases=("-o",))]
    """Output file, PNG or JPEG."""
    columns: int = 4
    """Number of overlays per row."""

    def run(self) -> int:
        """Write the sheet."""
        if self.columns < 1:
            what = f"--columns is {self.columns}"
            raise errors.UsageError("columns_invalid", what, "", "use 1 or more")
        from headform.viz.contact_sheets import contact_sheet

        count = contact_sheet(self.folder, self.out, self.columns)
        print(f"{count} overlays in {self.out}")
        return errors.SUCCESS
