"""The files that a NoW evaluation leaves in its folder.

OUT/now.json          everything but the distances
OUT/now.md            tables by challenge, subject and image, what is missing or doubtful
OUT/regions.md        errors by region of the face, all images and each challenge
OUT/curve.csv         the cumulative curve, all images and each challenge
OUT/curve.png         the same as a picture, where matplotlib is installed
OUT/error_map.png     mean errors on the mean face, all images and each challenge
OUT/images/           results of single images, see `store`

Of several methods each has its own folder, `OUT/METHOD/non-metrical` and `OUT/METHOD/metrical`, and beside them lie:

OUT/comparison.md     one table, by challenge, by region
OUT/comparison.json   the same numbers
OUT/curve.csv, curve.png, error_map.png   a curve, a column for each method
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from headform.evaluate.now import _curve as curve
from headform.evaluate.now._store import result_path
from headform.evaluate.now._table import NowTable, of_challenge
from headform.evaluate.now.by_region import mean_map, pooled_regions, regions_markdown
from headform.evaluate.now.comparison import Comparison
from headform.evaluate.now.layout import Image
from headform.evaluate.scan.error_maps import draw_mean_maps
from headform.evaluate.scan.face_regions import FaceMap
from headform.io.atomic import make_folder, remove_old, remove_temporary_files, write_bytes
from headform.io.image_bytes import png

_TABLE, _TEXT, _CURVE, _PICTURE = "now.json", "now.md", "curve.csv", "curve.png"
_REGIONS, _MAP = "regions.md", "error_map.png"
_COMPARISON, _COMPARISON_JSON = "comparison.md", "comparison.json"
_FILES = (_TABLE, _TEXT, _CURVE, _PICTURE, _REGIONS, _MAP, _COMPARISON, _COMPARISON_JSON)
_NO_CURVE = "no curve.png: matplotlib is not installed (pip install headform[evaluate])"


def remove_table(out: Path) -> None:
    """Remove what an earlier run wrote, but for the results of single images: a run that fails must not leave its numbers.

    Raises:
        ResourceError: `write_failed`.
    """
    remove_old(*(out / name for name in _FILES))


def remove_leftovers(out: Path, images: Iterable[Image]) -> None:
    """Remove half-written files of a killed run; only under the folder's lock."""
    tables = [out / name for name in _FILES]
    remove_temporary_files([*tables, *(result_path(out, image) for image in images)])


def write_table(table: NowTable, out: Path, maps: Mapping[str, FaceMap]) -> tuple[str, ...]:
    """Write the files of one method; return a sentence for each that could not be written.

    Args:
        table: Its results.
        out: Folder.
        maps: Mean face on the scan of each subject, see `by_region.map_subjects`.

    Raises:
        ResourceError: `write_failed`.
    """
    make_folder(out)
    write_bytes(out / _TABLE, table.to_json().encode())
    write_bytes(out / _TEXT, table.to_markdown(details=True).encode())
    wanted = {"all": lambda record: True, **{name: of_challenge(name) for name in table.challenges()}}
    wanted = {name: rule for name, rule in wanted.items() if len(table.distances(rule))}
    curves = {name: table.distances(rule) for name, rule in wanted.items()}
    kind = "metrical" if table.options.metrical else "non-metrical"
    title = f"NoW, {kind}, protocol {table.options.protocol}"
    regions = {name: pooled_regions(table, maps, rule) for name, rule in wanted.items()}
    text = f"{title}, median / mean / std by region, millimeters\n\n{regions_markdown(regions)}\n"
    write_bytes(out / _REGIONS, text.encode())
    columns = {f"{name}: {curves[name].mean():.2f} mm": mean_map(table, maps, rule) for name, rule in wanted.items()}
    write_bytes(out / _MAP, png(draw_mean_maps(columns, title=f"{title}: mean error")))
    return _write_curves(out, curves, {title: curves})


def write_comparison(found: Comparison, out: Path, maps: Mapping[str, FaceMap]) -> tuple[str, ...]:
    """Write the files that compare methods; arguments, result and errors as of `write_table`."""
    make_folder(out)
    text = found.to_markdown()
    columns = {}
    for alignment in found.alignments:
        tables = {method.name: method.tables[alignment] for method in found.methods}
        regions = {name: pooled_regions(table, maps) for name, table in tables.items()}
        text += f"\nBy region, {alignment}, median / mean / std:\n\n{regions_markdown(regions)}\n"
        for name, table in tables.items():
            mean = table.distances().mean()
            label = name if len(found.alignments) == 1 else f"{name}, {alignment}"
            columns[f"{label}: {mean:.2f} mm"] = mean_map(table, maps)
    write_bytes(out / _COMPARISON, text.encode())
    write_bytes(out / _COMPARISON_JSON, found.to_json().encode())
    write_bytes(out / _MAP, png(draw_mean_maps(columns, title="NoW, mean error")))
    panels = {f"NoW, {alignment}": found.curves(alignment) for alignment in found.alignments}
    listed = {f"{name} {alignment}": d for alignment in found.alignments for name, d in found.curves(alignment).items()}
    return _write_curves(out, listed, panels)


def _write_curves(
    out: Path, curves: Mapping[str, curve.Distances], panels: Mapping[str, Mapping[str, curve.Distances]]
) -> tuple[str, ...]:
    write_bytes(out / _CURVE, curve.to_csv(curves).encode())
    try:
        picture = curve.to_png(panels)
    except ImportError:
        return (_NO_CURVE,)
    write_bytes(out / _PICTURE, picture)
    return ()
