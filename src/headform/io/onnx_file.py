"""ONNX files opened for onnxruntime, on one thread, without following anything outside of the file.

onnxruntime is the extra `headform[onnx]`; nothing of it is imported until
a file is opened.
"""

import importlib
from pathlib import Path
from typing import Any

from headform.errors import UsageError, WeightsError
from headform.io.file_bytes import read_bytes

# protobuf of a key "location": the tensor's values would lie in a file that the model names
_EXTERNAL = b"\x0a\x08location"


def open_session(path: Path | str, *, max_bytes: int, fix: str = "") -> Any:
    """An `onnxruntime.InferenceSession` of a file.

    Args:
        path: A regular file.
        max_bytes: Refuse a larger one.
        fix: Advice for the message when it cannot be used.

    Raises:
        UsageError: `onnx_missing` without onnxruntime.
        WeightsError: `weights_missing`; `weights_damaged` when it is no ONNX file, needs operators that are not there, or
            keeps values in other files.
    """
    data = read_bytes(path, max_bytes=max_bytes, fix=fix)
    where = repr(str(path))
    try:
        runtime = importlib.import_module("onnxruntime")
    except ImportError as error:
        what = "an ONNX file needs onnxruntime, which is not installed"
        raise UsageError("onnx_missing", what, where, 'pip install "headform[onnx]"') from error
    if _EXTERNAL in data:
        what = "the ONNX file keeps values in other files, which are not read"
        raise WeightsError("weights_damaged", what, where, fix)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises its own classes
        what = f"not an ONNX file that can be run: {error}"[:200]
        raise WeightsError("weights_damaged", what, where, fix) from error
