"""Body of a PLY file: each element's properties as columns, in ASCII or binary.

N rows of one element.
"""

import struct

import numpy as np

from headform.errors import HeadformError, InputError
from headform.io.mesh._ply_header import Element, Header

Column = np.ndarray | list[np.ndarray]
"""(N,) float64 of a single number; N arrays, or one (N, K) array, of a list."""
Table = dict[str, Column]


def read_tables(data: bytes, header: Header, *, name: str) -> dict[str, Table]:
    """Read all elements of the body.

    Args:
        data: Content of the file.
        header: Parsed header of the file (`parse_header`).
        name: Name of the file, for error messages.

    Returns:
        For each element its columns by property name. Numbers become float64, which holds every
        type of PLY exactly; a list column is (N, K) when all its lists are K long.

    Raises:
        InputError: `mesh_truncated` when the file has less data than the header states, `mesh_trailing`
            when it has more, `mesh_format`; with line or byte offset.
    """
    if header.encoding == "ascii":
        return _read_ascii(data, header, name)
    return _read_binary(data, header, name, "<" if "little" in header.encoding else ">")


def _read_ascii(data: bytes, header: Header, name: str) -> dict[str, Table]:
    lines = [
        (number, line.split())
        for number, line in enumerate(data[header.size :].splitlines(), start=header.lines + 1)
        if line.strip()
    ]
    position = 0
    tables: dict[str, Table] = {}
    for element in header.elements:
        rows = lines[position : position + element.count]
        if not element.properties:
            rows = []
        elif len(rows) < element.count:
            what = f"{element.count} of {element.name!a} announced, {len(rows)} there"
            raise InputError("mesh_truncated", what, f"{name!a}, end of file")
        position += len(rows)
        columns: list[list[float | np.ndarray]] = [[] for _ in element.properties]
        for number, words in rows:
            try:
                _take_words(element, columns, words)
            except HeadformError:
                raise
            except ValueError as error:
                where = f"{name!a}, line {number}"
                raise InputError("mesh_format", str(error), where) from None
        tables[element.name] = {
            item.name: _column(column, is_list=bool(item.length_kind))
            for item, column in zip(element.properties, columns, strict=True)
        }
    if position < len(lines):
        where = f"{name!a}, line {lines[position][0]}"
        raise InputError("mesh_trailing", "more lines than the header announces", where)
    return tables


def _take_words(element: Element, columns: list[list[float | np.ndarray]], words: list[bytes]) -> None:
    position = 0
    for item, column in zip(element.properties, columns, strict=True):
        if position >= len(words):
            raise ValueError(f"the line ends before the property {item.name!a}")
        if not item.length_kind:
            column.append(float(words[position]))
            position += 1
            continue
        length = int(words[position])
        values = words[position + 1 : position + 1 + length]
        if length < 0 or len(values) < length:
            raise ValueError(f"a list of {length} holds {len(values)} numbers")
        column.append(np.array([float(value) for value in values]))
        position += 1 + length
    if position < len(words):
        raise ValueError("the line holds more numbers than its element has properties")


def _read_binary(data: bytes, header: Header, name: str, order: str) -> dict[str, Table]:
    offset = header.size
    tables: dict[str, Table] = {}
    for element in header.elements:
        if not element.properties:
            continue
        if all(not item.length_kind for item in element.properties):
            tables[element.name], offset = _read_fixed(data, element, offset, name, order)
        else:
            tables[element.name], offset = _read_lists(data, element, offset, name, order)
    if data[offset:].strip():
        what = f"{len(data) - offset} bytes more than the header announces"
        raise InputError("mesh_trailing", what, f"{name!a}, byte {offset}")
    return tables


def _read_fixed(data: bytes, element: Element, offset: int, name: str, order: str) -> tuple[Table, int]:
    kind = np.dtype([(str(i), order + item.kind) for i, item in enumerate(element.properties)])
    _demand(data, element, offset, kind.itemsize * element.count, name)
    rows = np.frombuffer(data, kind, element.count, offset)
    table: Table = {item.name: rows[str(i)].astype(np.float64) for i, item in enumerate(element.properties)}
    return table, offset + kind.itemsize * element.count


def _read_lists(data: bytes, element: Element, offset: int, name: str, order: str) -> tuple[Table, int]:
    least = sum(np.dtype(item.length_kind or item.kind).itemsize for item in element.properties)
    _demand(data, element, offset, least * element.count, name)
    even = _read_even_lists(data, element, offset, order)
    if even is not None:
        return even
    columns: list[list[float | np.ndarray]] = [[] for _ in element.properties]
    for _ in range(element.count):
        for item, column in zip(element.properties, columns, strict=True):
            kind = np.dtype(order + item.kind)
            length = 1
            if item.length_kind:
                size = np.dtype(item.length_kind).itemsize
                _demand(data, element, offset, size, name)
                code = order + np.dtype(item.length_kind).char
                (length,) = struct.unpack_from(code, data, offset)
                offset += size
            if length < 0:
                where = f"{name!a}, byte {offset}"
                raise InputError("mesh_format", f"a list has the length {length}", where)
            _demand(data, element, offset, length * kind.itemsize, name)
            values = np.frombuffer(data, kind, length, offset).astype(np.float64)
            offset += length * kind.itemsize
            column.append(values if item.length_kind else float(values[0]))
    table: Table = {
        item.name: _column(column, is_list=bool(item.length_kind))
        for item, column in zip(element.properties, columns, strict=True)
    }
    return table, offset


def _read_even_lists(data: bytes, element: Element, offset: int, order: str) -> tuple[Table, int] | None:
    """Read one list property whose lists all have the same length, the fast path."""
    lists = [i for i, item in enumerate(element.properties) if item.length_kind]
    if len(lists) != 1 or element.count == 0:
        return None
    before = sum(np.dtype(item.kind).itemsize for item in element.properties[: lists[0]])
    listed = element.properties[lists[0]]
    size = np.dtype(listed.length_kind).itemsize
    if offset + before + size > len(data):
        return None
    first = np.frombuffer(data, order + listed.length_kind, 1, offset + before)
    length = int(first[0])
    if not 0 <= length <= 64:
        return None
    fields: list[tuple[str, str] | tuple[str, str, tuple[int]]] = []
    for i, item in enumerate(element.properties):
        if i == lists[0]:
            fields.append(("length", order + item.length_kind))
            fields.append((str(i), order + item.kind, (length,)))
        else:
            fields.append((str(i), order + item.kind))
    kind = np.dtype(fields)
    if offset + kind.itemsize * element.count > len(data):
        return None
    rows = np.frombuffer(data, kind, element.count, offset)
    if not (rows["length"] == length).all():
        return None
    table: Table = {item.name: rows[str(i)].astype(np.float64) for i, item in enumerate(element.properties)}
    return table, offset + kind.itemsize * element.count


def _demand(data: bytes, element: Element, offset: int, size: int, name: str) -> None:
    if size > len(data) - offset:
        what = f"{element.count} of {element.name!a} announced, the file ends before them"
        raise InputError("mesh_truncated", what, f"{name!a}, byte {offset}")


def _column(values: list[float | np.ndarray], *, is_list: bool) -> Column:
    if not is_list:
        return np.array(values, dtype=np.float64)
    lists = [np.asarray(value) for value in values]
    if lists and len({len(value) for value in lists}) == 1:
        return np.stack(lists)
    return lists
