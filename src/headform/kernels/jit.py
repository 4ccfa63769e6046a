"""`njit` with a cache of compiled code that never stands in the way: an unusable one costs time, not the result.

numba's own cache refuses to define a function when it finds no folder to write in, ends the program when a disk is full or
an entry damaged, and cannot read a folder that was filled when the program was installed. This one has a file per function
and signature, named by the SHA-256 of everything the code depends on, so that no entry is ever out of date and processes at
work together cannot mix entries up. Files begin with the SHA-256 of the rest. They are pickles, hence the rules of
`kernels.cache_places`.
"""

import functools
import hashlib
import inspect
import logging
import os
import pickle
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

import numba
import numpy as np
from numba.core import caching, config
from numba.core.compiler import CompileResult
from numba.core.dispatcher import Dispatcher
from numba.core.serialize import dumps

from headform.kernels.cache_places import CachePlaces, kernel_places

ENTRIES = "*.kernel"
"""Pattern of the files in a cache folder."""
_BUILDING_BLOCKS = ("simd.py", "simd_exp.py", "simd_rows.py", "simd_tiles.py")
"""Modules beside this one whose operations become part of the code that uses them."""
_DIGEST_BYTES = hashlib.sha256().digest_size
_log = logging.getLogger("headform")


def njit(*, cache: bool = True, borrowed: bool = False, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function at its first call with each signature, as `numba.njit` does.

    Args:
        cache: Keep the compiled code on disk.
        borrowed: Count no references to arrays, which is atomic and costs more than a small function's work: a function that
            makes or returns no array may be compiled so.
        options: Options of `numba.njit`, such as ``nogil``.
    """
    if borrowed:
        options["_nrt"] = False

    def decorate(function: Callable[..., Any]) -> Any:
        compiled = numba.njit(**options)(function)
        if cache and isinstance(compiled, Dispatcher):  # else NUMBA_DISABLE_JIT is set
            compiled._cache = KernelCache(function, options)  # type: ignore[attr-defined]
        return compiled

    return decorate


class KernelCache(caching._Cache):  # type: ignore[misc]
    """Cache of one function's compiled code, in the interface that numba's dispatchers expect.

    Args:
        function: The Python function.
        options: Options of `numba.njit`.
    """

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        self._function, self._options = function, options
        self._enabled = True

    @property
    def cache_path(self) -> str | None:
        """Folder of new entries."""
        folder = places().write
        return None if folder is None else str(folder)

    def enable(self) -> None:
        """Read and write entries."""
        self._enabled = True

    def disable(self) -> None:
        """Neither read nor write entries."""
        self._enabled = False

    def flush(self) -> None:
        """Do nothing: no entry is ever out of date."""

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """Return the compiled code for a signature; None where there is none that can be used."""
        if not self._enabled:
            return None
        target_context.refresh()
        name = self._file_name(signature, target_context.codegen())
        for folder in places().read:
            payload = _read(folder / name)
            if payload is None:
                continue
            try:
                return CompileResult._rebuild(target_context, *pickle.loads(payload))  # type: ignore[no-untyped-call]  # noqa: S301
            except MemoryError:
                raise
            except Exception as error:
                _log.debug("%s: %s", folder / name, error)
        return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep the compiled code of a signature; says once if it cannot."""
        if not self._enabled or result.library.has_dynamic_globals or not all(x.can_cache for x in result.lifted):
            return
        folder = places().write
        if folder is None:
            return _say_not_kept("no folder for a cache can be written")
        try:
            _write(folder / self._file_name(signature, result.codegen), dumps(result._reduce()))  # type: ignore[no-untyped-call]
        except OSError as error:
            _say_not_kept(f"{folder}: {error.strerror or error}")

    def _file_name(self, signature: Any, codegen: Any) -> str:
        depends = (
            numba.__version__,
            sys.implementation.cache_tag,
            self._function.__qualname__,
            self._function.__code__.co_firstlineno,
            signature,
            codegen.magic_tuple(),  # processor
            sorted(self._options.items()),
            config.BOUNDSCHECK,  # type: ignore[attr-defined]
            config.OPT,  # type: ignore[attr-defined]
            _sources(self._function),
        )
        key = hashlib.sha256(repr(depends).encode()).hexdigest()
        return f"{self._function.__module__.rpartition('.')[2]}.{self._function.__name__}-{key[:32]}.kernel"


@functools.cache
def places() -> CachePlaces:
    """Folders of this process's compiled kernels, found at the first use."""
    return kernel_places()


@functools.cache
def _say_not_kept(reason: str) -> None:
    hint = "set HEADFORM_CACHE to a folder that can be written, and run `headform doctor --warm` once"
    _log.warning("note: compiled kernels are not kept, so that every start takes longer: %s. %s.", reason, hint)


@functools.cache
def _sources(function: Callable[..., Any]) -> str:
    """Digest the sources of a function, of the compiled functions that it calls, and of `kernels.simd`."""
    files = {Path(__file__).with_name(name) for name in _BUILDING_BLOCKS}
    values: list[str] = []
    todo, seen = [function], set()
    while todo:
        each = todo.pop()
        if each in seen:
            continue
        seen.add(each)
        files.add(Path(inspect.getfile(each)))
        for value in _used(each):
            if isinstance(value, Dispatcher):
                todo.append(value.py_func)
            elif isinstance(value, np.ndarray):
                values.append(f"{value.dtype} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}")
            elif isinstance(value, (bool, int, float, str, tuple)):
                values.append(repr(value))
    return hashlib.sha256("".join([*sorted(map(_digest, files)), *values]).encode()).hexdigest()


def _used(function: Callable[..., Any]) -> list[Any]:
    """Values that a function finds outside of itself, which become part of its compiled code."""
    codes: list[CodeType] = [function.__code__]
    names: set[str] = set()
    for code in codes:
        names.update(code.co_names)
        codes += [each for each in code.co_consts if isinstance(each, CodeType)]
    cells = function.__closure__ or ()
    return [function.__globals__.get(name) for name in sorted(names)] + [cell.cell_contents for cell in cells]


@functools.cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read(path: Path) -> bytes | None:
    """Read the payload of an entry; None if there is none, or a damaged one."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    payload = data[_DIGEST_BYTES:]
    return payload if hashlib.sha256(payload).digest() == data[:_DIGEST_BYTES] else None


def _write(path: Path, payload: bytes) -> None:
    """Write an entry, whole or not at all."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(hashlib.sha256(payload).digest() + payload)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
