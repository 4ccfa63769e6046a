"""Child process of `test_refusals`: calls every function of the lists with each wrong argument, one line a call.

With ``--rightly`` each is called once with right arguments, to be run with numba's bounds checks.

The name of a call is printed before it, so that the last line names a call that ended the process.
"""

import dataclasses
import sys
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numba import njit

from headform.errors import HeadformError, MeshWarning
from tests.kernels.mesh_calls import ADDRESSES, CALLS, Call
from tests.kernels.wrong_arguments import not_finite, unusual, wrong, wrong_indices


def parts_of(result: Any) -> Iterator[np.ndarray]:
    """Arrays of a result of any form."""
    if isinstance(result, torch.Tensor):
        yield result.detach().numpy()
    elif dataclasses.is_dataclass(result):
        for each in dataclasses.fields(result):
            yield from parts_of(getattr(result, each.name))
    elif isinstance(result, Mapping):
        yield from parts_of(tuple(result.values()))
    elif isinstance(result, tuple | list):
        for part in result:
            yield from parts_of(part)
    elif hasattr(result, "toarray"):
        yield result.toarray()
    elif result is not None:
        yield np.asarray(result)


def refused(call: Call, name: str, value: Any) -> str:
    """Empty if the call raises an error of ours, else what happened."""
    try:
        call.function(**(call.arguments | {name: value}))
    except HeadformError as error:
        return "" if error.message else "an error without a message"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:150]}"
    return "accepted"


def same(call: Call, name: str, value: Any, expected: list[np.ndarray]) -> str:
    """Empty if the call gives the expected arrays, or is refused; else what happened."""
    try:
        found = list(parts_of(call.function(**(call.arguments | {name: value}))))
    except HeadformError as error:
        return f"refused: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:150]}"
    good = len(found) == len(expected) and all(
        np.allclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=True) if a.dtype.kind in "fc" else np.array_equal(a, b)
        for a, b in zip(found, expected, strict=True)
    )
    return "" if good else "another result"


def wrong_calls(call: Call) -> Iterator[tuple[str, str, Any]]:
    """Argument, change and changed value."""
    for name, value in call.arguments.items():
        if not isinstance(value, np.ndarray | torch.Tensor):
            continue
        yield from ((name, change, other) for change, other in wrong(value))
        if name in call.indices:
            yield from ((name, change, other) for change, other in wrong_indices(value))
        if name in call.finite:
            yield from ((name, change, other) for change, other in not_finite(value))
        if name in call.empty:
            yield name, "empty", value[:0]


@njit(cache=False)
def behind(array):
    """Read behind the end of an array."""
    return array[len(array)]


def bounds_are_checked() -> bool:
    try:
        behind(np.zeros(3))
    except IndexError:
        return True
    return False


def main(rightly: bool, chosen: list[str]) -> int:
    torch.set_num_threads(1)
    warnings.simplefilter("error")
    warnings.simplefilter("ignore", MeshWarning)
    warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
    if rightly:
        print(f"CHECKED\t{bounds_are_checked()}")
        chosen = [label for label in CALLS if label not in ADDRESSES]
    for label in chosen or CALLS:
        call, count, faults = CALLS[label], 0, []
        expected = list(parts_of(call.function(**call.arguments)))
        if rightly:
            print(f"DONE\t{label}\t1\t", flush=True)
            continue
        for name, change, value in wrong_calls(call):
            print(f"{label}: {name}: {change}", flush=True)
            count += 1
            what = refused(call, name, value)
            if what and not (f"{name}: {change}" in call.allowed and what == "accepted"):
                faults.append(f"{name}: {change}: {what}")
        for name, value in call.arguments.items():
            for change, other in unusual(value):
                print(f"{label}: {name}: {change}", flush=True)
                count += 1
                what = same(call, name, other, expected)
                if what:
                    faults.append(f"{name}: {change}: {what}")
        print(f"DONE\t{label}\t{count}\t{' | '.join(faults)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main("--rightly" in sys.argv, [name for name in sys.argv[1:] if name != "--rightly"]))
