"""Warm-up: run the commands once on made-up inputs, so that the kernels which they need are compiled and kept."""

import contextlib
import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


def warm_up() -> Iterator[tuple[str, str]]:
    """Run one command after another in a temporary folder.

    Yields:
        The name of each command after it has run, and the last line that it printed to stderr if it failed.
    """
    from headform.cli.main import main

    with tempfile.TemporaryDirectory(prefix="headform-warm-up-") as name:
        folder = Path(name)
        for step in _steps(folder):
            if step[:2] == ["evaluate", "scan"]:
                _write_scan(folder)
            words, stdout, stderr = step, io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
                code = main(words)
            lines = stderr.getvalue().splitlines() or [f"exit code {code}"]
            yield (
                " ".join(words[:2] if words[0] in ("evaluate", "heads", "train") else words[:1]),
                lines[-1] if code else "",
            )


def _steps(folder: Path) -> list[list[str]]:
    faces, photo, scan = folder / "faces", folder / "faces" / "000000.png", folder / "scan.obj"
    landmarks, autoencoder = folder / "scan.txt", ["train", "mesh-autoencoder", "--count", "16", "--held-out", "4"]
    return [
        ["synth", "-o", str(faces), "--count", "2", "--size", "384"],
        ["reconstruct", str(photo), "-o", str(folder / "heads")],
        [
            *("evaluate", "scan", "--scan", str(scan), "--scan-landmarks", str(landmarks), "--prediction", str(scan)),
            *("--prediction-landmarks", str(landmarks), "--unit", "mm"),
        ],
        ["heads", "fit", str(scan), "--to", "open", "-o", str(folder / "fit")],
        [*autoencoder, "--steps", "2", "--batch", "4", "-o", str(folder / "autoencoder")],
    ]


def _write_scan(folder: Path) -> None:
    """Write the skin of the open head as a scan in millimeters, with its seven landmarks."""
    import torch

    from headform import heads
    from headform.io.mesh import TriangleMesh, obj

    head = heads.load_open()
    skin = heads.cut(head, torch.nonzero(head.part <= heads.PARTS.index("head"))[:, 0].numpy())
    obj.write(folder / "scan.obj", TriangleMesh(1000 * skin.mean.numpy(), skin.faces.numpy()))
    rows = (" ".join(f"{x:.6f}" for x in point) for point in (1000 * skin.mean[skin.now7]).tolist())
    (folder / "scan.txt").write_text(os.linesep.join(rows), encoding="ascii")
