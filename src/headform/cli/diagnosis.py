"""Examination of an installation: packages, machine, caches, and what ships inside."""

import importlib
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import headform
from headform.cli.message import error_line
from headform.cli.shortage import (
    ENOUGH_BYTES,
    address_space_limit,
    container_limit,
    explain_shortage,
    gigabytes,
    memory_bytes,
)
from headform.errors import HeadformError

REQUIRED = {
    "torch": "torch",
    "numpy": "numpy",
    "numba": "numba",
    "scipy": "scipy",
    "pillow": "PIL",
    "safetensors": "safetensors",
    "jaxtyping": "jaxtyping",
    "tyro": "tyro",
    "rich": "rich",
    "h5py": "h5py",
    "lazy_loader": "lazy_loader",
    "threadpoolctl": "threadpoolctl",
}
"""Packages that headform needs, each with the module that it brings."""
OPTIONAL = {
    "matplotlib": ("matplotlib", "evaluate", "error curves as pictures"),
    "onnxruntime": ("onnxruntime", "onnx", "third-party networks as .onnx"),
    "pillow-heif": ("pillow_heif", "heif", "HEIC photos"),
}
"""Packages of extras, each with its module, the extra, and its use."""


@dataclass(frozen=True)
class Item:
    """One thing that was examined.

    Attributes:
        name: Short name.
        value: Result.
        problem: Reason why commands will fail, with its remedy; empty if none will.
        note: Something to know that stops no command; empty if there is nothing.
    """

    name: str
    value: str
    problem: str = ""
    note: str = ""


def examine() -> list[Item]:
    """Examine everything; a failure becomes the problem of its item."""
    checks: dict[str, Callable[[], Item]] = {
        "versions": _versions,
        "packages": _packages,
        "extras": _extras,
        "cores": _cores,
        "memory": _memory,
        "kernels": _kernels,
        "hierarchies": _hierarchies,
        "temporary": _temporary,
        "networks": _networks,
        "head": _head,
    }
    return [_attempt(name, check) for name, check in checks.items()]


def _attempt(name: str, check: Callable[[], Item]) -> Item:
    try:
        return check()
    except BaseException as error:  # a panic of a library in Rust is no `Exception`
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        known = explain_shortage(error) or error
        if isinstance(known, HeadformError):
            return Item(name, "failed", error_line(known))
        return Item(name, "failed", f"{type(error).__name__}: {error}")


def _versions() -> Item:
    where = Path(headform.__file__).parent
    value = f"headform {headform.__version__} in {where}, Python {platform.python_version()}, {platform.platform()}"
    return Item("versions", value)


def _packages() -> Item:
    found, missing = [], []
    for package, module in REQUIRED.items():
        try:
            importlib.import_module(module)
            found.append(f"{package} {metadata.version(package)}")
        except ImportError as error:
            if explain_shortage(error) is not None:
                raise
            missing.append(f"{package} ({error})"[:200])
    problem = f"packages cannot be loaded: {', '.join(missing)}; install headform again" if missing else ""
    return Item("packages", ", ".join(found), problem)


def _extras() -> Item:
    parts = []
    for package, (module, extra, use) in OPTIONAL.items():
        try:
            importlib.import_module(module)
            parts.append(f"{package} {metadata.version(package)}")
        except ImportError:
            parts.append(f"no {package} ({use}: pip install headform[{extra}])")
    return Item("extras", ", ".join(parts))


def _cores() -> Item:
    import torch

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    gpu = f"; {torch.cuda.get_device_name()}" if torch.cuda.is_available() else "; no GPU, none is needed"
    return Item("cores", f"{usable} of {os.cpu_count()}, torch uses {torch.get_num_threads()}{gpu}")


def _memory() -> Item:
    machine, limit, container = memory_bytes(), address_space_limit(), container_limit()
    parts = [] if machine is None else [f"{gigabytes(machine[1])} of {gigabytes(machine[0])} available"]
    if container is not None:
        parts.append(f"container limited to {gigabytes(container)}")
    parts.append("no ulimit" if limit is None else f"address space limited to {gigabytes(limit)} (ulimit -v)")
    least = min(each for each in (limit, container, ENOUGH_BYTES) if each is not None)
    remedy = f"less than {gigabytes(ENOUGH_BYTES)} may not be enough: raise the limit (`ulimit -v unlimited`)"
    return Item("memory", ", ".join(parts), note=remedy if least < ENOUGH_BYTES else "")


def _kernels() -> Item:
    from headform.kernels.jit import ENTRIES, places

    found = places()
    entries = [path for folder in found.read for path in folder.glob(ENTRIES)]
    value = f"{len(entries)} compiled in {', '.join(map(str, found.read)) or 'no folder'}"
    passed = "; ".join(f"{folder}: {reason}" for folder, reason in found.passed_over)
    value += f" (not used: {passed})" if passed else ""
    if found.write is None:
        note = "no folder can be written, so that what is missing is compiled at every start: set HEADFORM_CACHE"
    else:
        note = (
            "" if entries else "the first runs compile kernels, a minute or more: `headform doctor --warm` does it now"
        )
    return Item("kernels", value, note=note)


def _hierarchies() -> Item:
    from headform.kernels.cache_places import cache_root

    root = cache_root()
    return Item("hierarchies", "no folder, built at every use" if root is None else str(root))


def _temporary() -> Item:
    import tempfile

    try:
        return Item("temporary", tempfile.gettempdir())
    except OSError as error:
        note = f"no temporary folder can be written ({error.strerror or error}): set TMPDIR; some commands need one"
        return Item("temporary", "none", note=note)


def _networks() -> Item:
    from headform.nets import shipped
    from headform.nets.landmarks.committee_calibration import load_calibration

    loaders = {
        "dense landmarks": shipped.load_dense,
        "face encoder": shipped.load_face_encoder,
        "face detector": shipped.load_yunet,
        "face mesh": shipped.load_face_mesh,
        "68 landmarks": shipped.load_landmarks68,
        "PFLD landmarks": shipped.load_pfld,
        "covers": shipped.load_cover,
        "face parsing": shipped.load_parsing,
        "recognition": shipped.load_mobilefacenet,
        "texture": shipped.load_texture,
        "mesh autoencoder": shipped.load_mesh_autoencoder,
        "committee": load_calibration,
    }
    sound, problems = [], []
    for name, load in loaders.items():
        try:
            load()
            sound.append(name)
        except HeadformError as error:
            problems.append(error_line(error))
    return Item("networks", f"present and sound: {', '.join(sound) or 'none'}", " ".join(problems))


def _head() -> Item:
    from headform import heads

    head = heads.load_open()
    return Item("head", f"open: present and sound, {len(head.mean)} vertices")
