"""ONNX files opened with onnxruntime, on one thread, without access to other files.

onnxruntime is the extra `headform[onnx]` and is imported only when a file is opened.
"""

import importlib
from pathlib import Path
from typing import Any

from headform.errors import UsageError, WeightsError
from headform.io.file_bytes import read_bytes

# protobuf of the key "location": the values of the tensor are in another file named by the model
_EXTERNAL = b"\x0a\x08location"


def open_session(path: Path | str, *, max_bytes: int, fix: str = "") -> Any:
    """Open an `onnxruntime.InferenceSession` of a file.

    Args:
        path: Path of a regular file.
        max_bytes: Largest accepted file, bytes.
        fix: Advice for the error message.

    Raises:
        UsageError: `onnx_missing` without onnxruntime.
        WeightsError: `weights_missing`; `weights_damaged` when it is not an ONNX file, needs unsupported operators, or
            stores values in other files.
    """
    data = read_bytes(path, max_bytes=max_bytes, fix=fix)
    where = repr(str(path))
    try:
        runtime = importlib.import_module("onnxruntime")
    except ImportError as error:
        what = "an ONNX file needs onnxruntime, which is not installed"
        raise UsageError("onnx_missing", what, where, 'pip install "headform[onnx]"') from error
    if _EXTERNAL in data:
        what = "the ONNX file stores values in other files, which are not read"
        raise WeightsError("weights_damaged", what, where, fix)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    try:
        # without its second try, which prints to the terminal
        return runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"], enable_fallback=0)
    except Exception as error:  # onnxruntime raises its own classes
        what = f"not a usable ONNX file: {error}"[:200]
        raise WeightsError("weights_damaged", what, where, fix) from error
