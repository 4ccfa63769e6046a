"""The third-party networks that ship, run by torch as headform runs them, beside onnxruntime on their published files.

Run:

    python -m benchmarks.network_speed [--data ../shared/data] [--threads 1 2]

One picture at a time; both use the same number of threads. Needs the extra `onnx`. face-api publishes no ONNX file.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
import onnxruntime
import torch
import tyro
from torch import Tensor, nn

from benchmarks.environment import default_data, describe
from headform.nets.shipped import load_face_mesh, load_landmarks68, load_pfld, load_yunet


@dataclass(frozen=True)
class Arguments:
    """Where the published files are, on how many threads, how often."""

    data: Path = field(default_factory=default_data)
    threads: tuple[int, ...] = (1, 2)
    repeats: int = 40


def main(arguments: Arguments) -> None:
    """Print a row per network and number of threads."""
    nets = arguments.data / "nets"
    rows: list[tuple[str, nn.Module, int, Path | None]] = [
        ("YuNet, 640 x 640", load_yunet()[0], 640, nets / "yunet" / "yunet_n_dynamic.onnx"),
        (
            "MediaPipe 478",
            load_face_mesh()[0],
            256,
            nets / "critics" / "face_landmarks_detector.onnx",
        ),
        ("PFLD", load_pfld()[0], 112, nets / "critics" / "landmarks_68_pfld.onnx"),
        ("face-api 68", load_landmarks68()[0], 112, None),
    ]
    print("| network | threads | torch ms | onnxruntime ms | ratio |\n|---|---|---|---|---|")
    for threads in arguments.threads:
        torch.set_num_threads(threads)
        for name, net, side, file in rows:
            own = _time(_by_torch(net, side), arguments.repeats)
            peer = _time(_by_onnx(file, side, threads), arguments.repeats) if file else None
            cells = "– | –" if peer is None else f"{peer:.1f} | {peer / own:.2f}"
            print(f"| {name} | {threads} | {own:.1f} | {cells} |")
    print(describe())


def _by_torch(net: nn.Module, side: int) -> Callable[[], object]:
    picture = torch.rand(1, 3, side, side).contiguous(memory_format=torch.channels_last)

    def run() -> Tensor:
        with torch.inference_mode():
            found: Tensor = net(picture)
        return found

    return run


def _by_onnx(file: Path, side: int, threads: int) -> Callable[[], object]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    wanted = session.get_inputs()[0]
    kind = np.float16 if "float16" in wanted.type else np.float32
    picture = np.random.default_rng(0).random((1, 3, side, side)).astype(kind)
    return lambda: session.run(None, {wanted.name: picture})


def _time(run: Callable[[], object], repeats: int) -> float:
    """Median milliseconds."""
    for _ in range(3):
        run()
    spent = []
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        spent.append(time.perf_counter() - began)
    return 1000 * median(spent)


if __name__ == "__main__":
    main(tyro.cli(Arguments))
