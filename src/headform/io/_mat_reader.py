"""Variables of MATLAB files of Level 5, by scipy. Runs in the child process.

`headform.io.mat_file` has checked the headers: names are unique, and no variable is an object, a function or sparse.
"""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.io
import scipy.sparse
from numpy.exceptions import ComplexWarning

from headform.io._sandbox import damaged

_DEEPEST = 24
_MOST_ENTRIES = 1_000_000


def read(path: str, names: dict[str, list[str]]) -> Iterator[tuple[str, Any]]:
    """Yield the variables of `names[path]` as plain values; see `headform.io.mat_file.read_mat`."""
    asked = names[path]
    if not asked:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", ComplexWarning)
        try:
            values = stored = scipy.io.loadmat(path, mat_dtype=True, variable_names=asked)
        except ComplexWarning:  # MATLAB's class of a complex array is that of its parts, to which scipy casts
            warnings.simplefilter("ignore", ComplexWarning)
            values = scipy.io.loadmat(path, mat_dtype=True, variable_names=asked)
            stored = scipy.io.loadmat(path, variable_names=asked)
    missing = [name for name in asked if name not in values]
    if missing:
        raise damaged(f"`{missing[0]}` cannot be read")
    plain = _Plain()
    for name in asked:
        yield name, plain.value(values[name], stored[name], name, 0)


class _Plain:
    """Conversion of scipy's arrays of records and objects to lists and dictionaries, with a limit on their number."""

    def __init__(self) -> None:
        self._left = _MOST_ENTRIES

    def value(self, value: Any, stored: Any, path: str, depth: int) -> Any:
        """Return a value as `read_mat` describes it; `stored` is the same, complex where the file is."""
        self._left -= 1
        if depth > _DEEPEST or self._left < 0:
            raise damaged(
                f"`{path}` is nested deeper than {_DEEPEST}, or the file has more than {_MOST_ENTRIES} entries"
            )
        kind = type(value).__name__
        if scipy.sparse.issparse(value) or kind != "ndarray":
            what = {"MatlabFunction": "a function", "MatlabObject": "an object", "MatlabOpaque": "an object"}
            raise damaged(f"`{path}` is {what.get(kind, 'a sparse array')}; only plain data is read")
        if value.dtype.names is not None:
            fields = value.dtype.names
            rows = zip(value.ravel("F"), stored.ravel("F"), strict=True)
            items = [{f: self.value(row[f], other[f], f"{path}/{f}", depth + 1) for f in fields} for row, other in rows]
            return items[0] if len(items) == 1 else items
        if value.dtype.hasobject:
            pairs = zip(value.ravel("F"), stored.ravel("F"), strict=True)
            return [self.value(item, other, f"{path}/{k}", depth + 1) for k, (item, other) in enumerate(pairs)]
        if value.dtype.kind == "U":
            texts = [str(text) for text in value.ravel("F")]
            return texts[0] if len(texts) == 1 else texts or ""
        return stored if np.iscomplexobj(stored) else value
