"""Body of a PLY file: the properties of vertices and faces as columns, in ASCII or binary.

N rows of one element, M numbers of all lists of a column.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64, Shaped

from headform.errors import InputError
from headform.io.mesh._ply_ascii import AsciiRows
from headform.io.mesh._ply_binary import Places, even_lists, fixed_rows, list_rows
from headform.io.mesh._ply_header import Element, Header

READ = ("vertex", "face")
"""Elements that are read; others are skipped."""


@dataclass(frozen=True)
class Lists:
    """Lists of one property, one after the other.

    Attributes:
        values: (M,) numbers of the file's type.
        lengths: (N,) int64; their sum is M.
    """

    values: Shaped[np.ndarray, " M"]
    lengths: Int64[np.ndarray, " N"]


Column = Float64[np.ndarray, " _"] | Lists
"""(N,) float64 of a single number; lists of a list."""
Table = dict[str, Column]


def read_tables(data: bytes, header: Header, *, name: str) -> dict[str, Table]:
    """Read the elements `READ` of the body.

    Takes memory of at most 64 times the file, and time in proportion to it.

    Args:
        data: Content of the file.
        header: Parsed header of the file (`parse_header`).
        name: Name of the file, for error messages.

    Returns:
        For each of those elements its columns by property name. Single numbers become float64, which holds every
        type of PLY exactly.

    Raises:
        InputError: `mesh_truncated` when the file has less data than the header states, `mesh_trailing`
            when it has more, `mesh_format`, `mesh_too_large`; with line or byte offset.
    """
    if header.encoding == "ascii":
        return _read_ascii(data, header, name)
    return _read_binary(data, header, name, "<" if "little" in header.encoding else ">")


def _read_ascii(data: bytes, header: Header, name: str) -> dict[str, Table]:
    rows = AsciiRows(data, header, name)
    tables: dict[str, Table] = {}
    for element in header.elements:
        if not element.properties:
            continue
        if element.name not in READ:
            rows.skip(element)
            continue
        columns = rows.take(element)
        tables[element.name] = {
            item.name: Lists(values, lengths) if item.length_kind else values
            for item, (values, lengths) in zip(element.properties, columns, strict=True)
        }
    rows.end()
    return tables


def _read_binary(data: bytes, header: Header, name: str, order: str) -> dict[str, Table]:
    offset = header.size
    tables: dict[str, Table] = {}
    for element in header.elements:
        if not element.properties:
            continue
        if all(not item.length_kind for item in element.properties):
            table, offset = _read_fixed(data, element, offset, name, order)
        else:
            table, offset = _read_lists(data, element, offset, name, order)
        if element.name in READ:
            tables[element.name] = table
    if data[offset:].strip():
        what = f"{len(data) - offset} bytes more than the header announces"
        raise InputError("mesh_trailing", what, f"{name!a}, byte {offset}")
    return tables


def _read_fixed(data: bytes, element: Element, offset: int, name: str, order: str) -> tuple[Table, int]:
    columns, end = fixed_rows(data, element, offset, name, order, read=element.name in READ)
    return dict(zip((item.name for item in element.properties), columns, strict=False)), end


def _read_lists(data: bytes, element: Element, offset: int, name: str, order: str) -> tuple[Table, int]:
    read = element.name in READ
    even = even_lists(data, element, offset, order)
    if even is not None:
        rows, length, end = even
        table: Table = {}
        for number, item in enumerate(element.properties if read else ()):
            values = rows[str(number)].astype(item.kind).reshape(-1)
            if item.length_kind:
                table[item.name] = Lists(values, np.full(element.count, length, np.int64))
            else:
                table[item.name] = values.astype(np.float64)
        return table, end
    places, end = list_rows(data, element, offset, name, order, read=read)
    return {
        item.name: _gathered(data, place, order + item.kind, is_list=bool(item.length_kind))
        for item, place in zip(element.properties if read else (), places, strict=True)
    }, end


def _gathered(data: bytes, place: Places, kind: str, *, is_list: bool) -> Column:
    values = place.values(data, np.dtype(kind))
    return Lists(values, np.array(place.lengths, np.int64)) if is_list else values.astype(np.float64)
