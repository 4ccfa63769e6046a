"""Rows of an ASCII PLY file, taken line by line."""

from array import array

import numpy as np
from jaxtyping import Float64, Int64

from headform.errors import InputError
from headform.io.mesh._ply_header import Element, Header
from headform.io.mesh._text_lines import LONGEST_LINE, lines_of

AsciiColumn = tuple[Float64[np.ndarray, " _"], Int64[np.ndarray, " _"]]


class AsciiRows:
    """Lines of the body that are not blank.

    Each method raises:
        InputError: `mesh_truncated`, `mesh_trailing`, `mesh_format`, `mesh_too_large`, with the line.
    """

    def __init__(self, data: bytes, header: Header, name: str) -> None:
        lines = enumerate(lines_of(data, header.size), start=header.lines + 1)
        self._rows = ((number, line) for number, line in lines if line.strip())
        self._name = name

    def skip(self, element: Element) -> None:
        """Pass over the rows of an element."""
        for row in range(element.count):
            self._next(element, row)

    def take(self, element: Element) -> list[AsciiColumn]:
        """Return, of each property, the numbers of all rows and, if it is a list, its lengths."""
        sinks = [(item, array("d"), array("q")) for item in element.properties]
        for row in range(element.count):
            number, line = self._next(element, row)
            if len(line) > LONGEST_LINE:
                what = f"a line has {len(line)} bytes, the limit is {LONGEST_LINE}"
                raise InputError("mesh_too_large", what, f"{self._name!a}, line {number}")
            words = line.split()
            try:
                at = 0
                for item, values, lengths in sinks:
                    if at >= len(words):
                        raise ValueError(f"the line ends before the property {item.name[:60]!a}")
                    length = 1
                    if item.length_kind:
                        length = int(words[at])
                        at += 1
                        if length < 0 or len(words) - at < length:
                            raise ValueError(f"a list of {length} holds {len(words) - at} numbers")
                        lengths.append(length)
                    values.extend(map(float, words[at : at + length]))
                    at += length
                if at < len(words):
                    raise ValueError("the line holds more numbers than its element has properties")
            except ValueError as error:
                raise InputError("mesh_format", f"{error!s:.160}", f"{self._name!a}, line {number}") from None
        return [(np.array(values, np.float64), np.array(lengths, np.int64)) for _, values, lengths in sinks]

    def end(self) -> None:
        """Make sure that no line is left."""
        row = next(self._rows, None)
        if row is not None:
            where = f"{self._name!a}, line {row[0]}"
            raise InputError("mesh_trailing", "more lines than the header announces", where)

    def _next(self, element: Element, row: int) -> tuple[int, bytes]:
        found = next(self._rows, None)
        if found is None:
            what = f"{element.count} of {element.name[:60]!a} announced, {row} there"
            raise InputError("mesh_truncated", what, f"{self._name!a}, end of file")
        return found
