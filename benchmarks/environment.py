"""The line under every measurement: what ran it."""

import importlib.metadata
import os
import platform
from pathlib import Path

import torch

import headform

PACKAGES = ("torch", "numpy", "numba", "scipy", "pillow", "onnxruntime", "torch-geometric", "smplx")


def describe() -> str:
    """Versions, processor, cores and threads, as one line."""
    versions = [f"headform {headform.__version__}"]
    for name in PACKAGES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{name} (not installed)")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = torch.get_num_threads()
    software = ", ".join([f"Python {platform.python_version()}", *versions])
    return f"{software}; {_processor()}, {cores} cores, torch on {threads}"


def default_data() -> Path:
    """`HEADFORM_TEST_DATA`, else `../shared/data` beside the repository."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("HEADFORM_TEST_DATA", beside))


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
