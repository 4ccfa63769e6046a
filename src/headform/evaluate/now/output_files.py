"""The files that a NoW evaluation leaves in its folder.

OUT/now.json        everything but the distances
OUT/now.md          tables by challenge, subject and image, what is missing or doubtful
OUT/curve.csv       the cumulative curve, all images and each challenge
OUT/curve.png       the same as a picture, where matplotlib is installed
OUT/images/         results of single images, see `store`
"""

from collections.abc import Iterable
from pathlib import Path

from headform.evaluate.now import _curve as curve
from headform.evaluate.now._store import result_path
from headform.evaluate.now._table import NowTable, of_challenge
from headform.evaluate.now.layout import Image
from headform.io.atomic import make_folder, remove_old, remove_temporary_files, write_bytes

_TABLE, _TEXT, _CURVE, _PICTURE = "now.json", "now.md", "curve.csv", "curve.png"


def remove_table(out: Path) -> None:
    """Remove what an earlier run wrote, but for the results of single images: a run that fails must not leave its numbers.

    Raises:
        ResourceError: `write_failed`.
    """
    remove_old(*(out / name for name in (_TABLE, _TEXT, _CURVE, _PICTURE)))


def remove_leftovers(out: Path, images: Iterable[Image]) -> None:
    """Remove half-written files of a killed run; only under the folder's lock."""
    tables = [out / name for name in (_TABLE, _TEXT, _CURVE, _PICTURE)]
    remove_temporary_files([*tables, *(result_path(out, image) for image in images)])


def write_table(table: NowTable, out: Path) -> tuple[str, ...]:
    """Write the files; return a sentence for each that could not be written.

    Raises:
        ResourceError: `write_failed`.
    """
    make_folder(out)
    write_bytes(out / _TABLE, table.to_json().encode())
    write_bytes(out / _TEXT, table.to_markdown(details=True).encode())
    curves = {"all": table.distances()}
    for challenge in table.challenges():
        part = table.distances(of_challenge(challenge))
        if len(part):
            curves[challenge] = part
    write_bytes(out / _CURVE, curve.to_csv(curves).encode())
    kind = "metrical" if table.options.metrical else "non-metrical"
    try:
        picture = curve.to_png(curves, f"NoW, {kind}, protocol {table.options.protocol}")
    except ImportError:
        return ("no curve.png: matplotlib is not installed (pip install headform[evaluate])",)
    write_bytes(out / _PICTURE, picture)
    return ()
