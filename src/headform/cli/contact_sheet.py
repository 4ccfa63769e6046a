"""`headform contact-sheet`: every overlay of a result folder on one picture."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from headform import errors


@dataclass(frozen=True)
class ContactSheet:
    """Put the overlays of a result folder side by side, to be looked at together."""

    folder: Positional[Path]
    """What `headform reconstruct` wrote, with png among its formats."""
    out: Annotated[Path, arg(aliases=("-o",))]
    """The PNG or JPEG to write."""
    columns: int = 4
    """Overlays side by side."""

    def run(self) -> int:
        """Write the sheet."""
        if self.columns < 1:
            what = f"--columns is {self.columns}"
            raise errors.UsageError("columns_invalid", what, "", "ask for 1 or more")
        from headform.viz.contact_sheet import contact_sheet

        count = contact_sheet(self.folder, self.out, self.columns)
        print(f"{count} overlays in {self.out}")
        return errors.SUCCESS
