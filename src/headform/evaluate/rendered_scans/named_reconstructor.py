"""Choice of a reconstructor by its name on the command line."""

from pathlib import Path

from headform.errors import UsageError
from headform.evaluate.rendered_scans.scan_reconstructors import (
    Reconstruct,
    command_reconstructor,
    folder_reconstructor,
    headform_reconstructor,
)

BUILT_IN = "headform"


def named_reconstructor(name: str, predictions: Path) -> Reconstruct:
    """Return the built-in pipeline, a command, or a reader of predictions.

    Args:
        name: `headform`, a command with `{photo}` and `{out}`, or a folder of predictions.
        predictions: Folder into which a command writes.

    Raises:
        UsageError: `reconstructor_invalid`, and from `command_reconstructor`.
    """
    if name == BUILT_IN:
        return headform_reconstructor()
    if "{" in name:
        return command_reconstructor(name, predictions)
    if Path(name).is_dir():
        return folder_reconstructor(Path(name))
    what = "not headform, a folder, or a command with {photo} and {out}"
    raise UsageError("reconstructor_invalid", what, name, "for example --reconstructor 'tool {photo} -o {out}.obj'")
