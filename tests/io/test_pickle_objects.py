"""Objects of chumpy, scipy and torch come out as the arrays in them; what else they could do is refused by name."""

import io
import os
import pickle
import pickletools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch

from headform.errors import WeightsError
from headform.io.unpickle import read_pickle, read_pickles
from tests.io.python2 import Instance, Name, ch, old_matrix, python2_pickle

MATRIX = scipy.sparse.random(5, 40, 0.2, random_state=np.random.default_rng(2))


def refusal(path: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        read_pickle(path)
    assert path.name in str(caught.value)
    return caught.value


def refused(folder: Path, data: bytes, name: str = "file.pkl") -> WeightsError:
    path = folder / name
    path.write_bytes(data)
    return refusal(path)


class Touches:
    """Pickles as a command that leaves a file behind."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, Any]:
        return os.system, (f"touch {self.canary}",)


def npy(value: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, np.array(value, dtype=object), allow_pickle=True)
    return out.getvalue()


def matrix_of(found: dict[str, np.ndarray], name: str) -> np.ndarray:
    """A flattened matrix through scipy's own constructors."""
    kind, shape = str(found[f"{name}/format"]), tuple(found[f"{name}/shape"])
    data = found[f"{name}/data"]
    if kind == "coo":
        place = (found[f"{name}/row"], found[f"{name}/col"])
        return scipy.sparse.coo_matrix((data, place), shape).toarray()
    make = {"csc": scipy.sparse.csc_matrix, "csr": scipy.sparse.csr_matrix}[kind]
    return make((data, found[f"{name}/indices"], found[f"{name}/indptr"]), shape).toarray()


@pytest.mark.parametrize("protocol", [1, 2])
def test_python2_with_chumpy_and_old_scipy(tmp_path: Path, protocol: int) -> None:
    array = np.arange(24.0).reshape(2, 3, 4)
    value = {
        "shapedirs": ch(array),
        "nested": ch(ch(array[0])),
        "bs_type": "lrotmin",
        "count": 2**40,
        "seen": {1},
    } | {kind: old_matrix(MATRIX, kind) for kind in ("csc", "csr", "coo")}
    path = tmp_path / "file.pkl"
    path.write_bytes(python2_pickle(value, protocol))
    found = read_pickle(path)
    np.testing.assert_array_equal(found["shapedirs"], array)
    np.testing.assert_array_equal(found["nested"], array[0])
    assert (str(found["bs_type"]), int(found["count"])) == ("lrotmin", 2**40)
    assert not any("dirty" in name for name in found), "only the array of a chumpy object is kept"
    for kind in ("csc", "csr", "coo"):
        assert str(found[f"{kind}/format"]) == kind
        np.testing.assert_array_equal(matrix_of(found, kind), MATRIX.toarray())


def test_matrices_of_the_installed_scipy(tmp_path: Path) -> None:
    forms = {k: MATRIX.asformat(k) for k in ("csc", "csr", "coo")}
    forms |= {f"{k} array": getattr(scipy.sparse, f"{k}_array")(MATRIX) for k in list(forms)}
    paths = [tmp_path / f"{protocol}.pkl" for protocol in (0, 2, 4, 5)]
    for protocol, path in zip((0, 2, 4, 5), paths, strict=True):
        path.write_bytes(pickle.dumps(forms, protocol))
    for found in read_pickles(paths):
        for name in forms:
            np.testing.assert_array_equal(matrix_of(found, name), MATRIX.toarray())


TENSORS = {
    "long": torch.arange(6).reshape(2, 3),
    "double": torch.linspace(-1, 1, 5, dtype=torch.float64),
    "float": torch.rand(2, 3, 4, generator=torch.Generator().manual_seed(1)),
    "half": torch.tensor([0.5, -2]).half(),
    "bool": torch.tensor([True, False]),
    "byte": torch.tensor([255], dtype=torch.uint8),
    "view": torch.arange(20.0).reshape(4, 5)[1:, 2:].t(),
    "expanded": torch.tensor([3.0]).expand(2, 3),
    "scalar": torch.tensor(4),
    "empty": torch.zeros(0, 3),
}


def test_tensors_as_torch_pickles_them(tmp_path: Path) -> None:
    paths = [tmp_path / f"{protocol}.pkl" for protocol in (2, 4)]
    for protocol, path in zip((2, 4), paths, strict=True):
        path.write_bytes(pickle.dumps(TENSORS, protocol))
    for found in read_pickles(paths):
        assert found.keys() == TENSORS.keys()
        for name, tensor in TENSORS.items():
            np.testing.assert_array_equal(found[name], tensor.numpy())
            assert found[name].dtype == tensor.numpy().dtype


def test_object_arrays_in_npy_and_npz(tmp_path: Path) -> None:
    table = {"static": np.arange(3), "moving": torch.arange(4), "lists": [np.ones(2), np.zeros(2)]}
    paths = [tmp_path / "a.npy", tmp_path / "b.npz", tmp_path / "c.npy"]
    paths[0].write_bytes(npy(table))
    np.savez_compressed(paths[1], J=MATRIX.tocsc(), plain=np.eye(2), name="lbs", both=[{"k": 1}, 2])
    np.save(paths[2], np.asfortranarray(np.arange(6.0).reshape(2, 3)))
    one, two, three = read_pickles(paths)
    np.testing.assert_array_equal(one["static"], [0, 1, 2])
    np.testing.assert_array_equal(one["moving"], [0, 1, 2, 3])
    np.testing.assert_array_equal(one["lists/1"], [0, 0])
    np.testing.assert_array_equal(matrix_of(two, "J"), MATRIX.toarray())
    np.testing.assert_array_equal(two["plain"], np.eye(2))
    assert (str(two["name"]), int(two["both/0/k"]), int(two["both/1"])) == ("lbs", 1, 2)
    np.testing.assert_array_equal(three["value"], np.arange(6.0).reshape(2, 3))


def test_a_call_hidden_in_any_of_them_is_refused_by_name(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    bomb = Touches(canary)
    within = pickle.dumps(bomb, 2)
    bad_storage = storage_of_four().replace(pickle.dumps(1001, 2), within, 1)
    assert bad_storage != storage_of_four()
    load = Calls("torch.storage._load_from_bytes", (bad_storage,))
    files = {
        "chumpy.pkl": pickle_of(Instance("chumpy.ch.Ch", {"x": Call(bomb)})),
        "state.pkl": pickle_of(Instance("chumpy.ch.Ch", Call(bomb))),
        "matrix.pkl": pickle_of(Instance("scipy.sparse.csc.csc_matrix", {"data": Call(bomb)})),
        "storage.pkl": pickle_of(load),
        "object.npy": npy({"a": bomb}),
    }
    with (tmp_path / "object.npz").open("wb") as file:
        np.savez(file, fine=np.ones(2), bad=np.array(bomb, dtype=object))
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    for name in (*files, "object.npz"):
        error = refusal(tmp_path / name)
        assert error.code == "unsafe_pickle", name
        assert "posix.system" in error.message, name
    assert not canary.exists()


class Call:
    """The call that `value` pickles as, also for the writer of Python 2's pickles."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __reduce__(self) -> tuple[Any, Any]:
        return self.value.__reduce__()


class Calls:
    """A call of a global by name."""

    def __init__(self, name: str, arguments: tuple[Any, ...]) -> None:
        self.name, self.arguments = name, arguments


def pickle_of(value: Any) -> bytes:
    if isinstance(value, Calls):
        module, _, name = value.name.rpartition(".")
        arguments = pickle.dumps(value.arguments, 3)[2:-1]
        return b"\x80\x03c" + f"{module}\n{name}\n".encode() + arguments + b"R."
    return python2_pickle(value)


@pytest.mark.parametrize(
    "name",
    [
        "chumpy.ch.MatVecMult",
        "chumpy.ch.Ch.__init__",
        "chumpy.utils.row",
        "scipy.sparse.csc.csc_matrix.todense",
        "scipy.sparse.linalg.expm",
        "scipy.sparse.dia.dia_matrix",
        "torch.load",
        "torch._utils._rebuild_parameter",
        "torch.storage._load_from_bytes.__globals__",
        "copy_reg.add_extension",
        "__builtin__.getattr",
        "builtins.object.__subclasses__",
    ],
)
def test_their_neighbors_are_refused_by_name(tmp_path: Path, name: str) -> None:
    error = refused(tmp_path, python2_pickle([np.ones(2), Name(name)]))
    assert error.code == "unsafe_pickle"
    assert f"asks for {name}" in error.message


@pytest.mark.parametrize(
    "value",
    [
        Instance("chumpy.ch.Ch", {"y": 1}),
        Instance("chumpy.ch.Ch", [1]),
        Instance("scipy.sparse.csc.csc_matrix", {"_shape": (2, 2), "data": 1, "indices": 1}),
        Instance("scipy.sparse.csc.csc_matrix", {"data": 1, "indices": 1, "indptr": 1}),
        Instance("scipy.sparse.coo.coo_matrix", {"_shape": (2,), "data": 1, "row": 1, "col": 1}),
        Instance("scipy.sparse.csr.csr_matrix", None),
    ],
)
def test_malformed_states(tmp_path: Path, value: Instance) -> None:
    assert refused(tmp_path, python2_pickle({"a": value})).code == "weights_damaged"


def test_reconstruction_of_anything_else(tmp_path: Path) -> None:
    for opcodes in (
        b"(c__builtin__\nobject\nc__builtin__\nobject\nNtR.",
        b"(cnumpy\ndtype\nc__builtin__\nobject\nNtR.",
        b"(cchumpy.ch\nCh\nc__builtin__\nobject\n(dtR.",
    ):
        error = refused(tmp_path, b"ccopy_reg\n_reconstructor\n" + opcodes)
        assert error.code == "weights_damaged", opcodes
    assert refused(tmp_path, b"c__builtin__\nobject\n(tR.").code == "weights_damaged"


def test_a_chumpy_array_that_holds_itself_ends(tmp_path: Path) -> None:
    data = b"\x80\x02cchumpy.ch\nCh\n)\x81q\x00}U\x01xh\x00sb."
    assert "entries" in refused(tmp_path, data).message


def storage_of_four() -> bytes:
    """What `_load_from_bytes` is given for the numbers 0, 1, 2, 3."""
    opcodes = pickletools.genops(pickle.dumps(torch.arange(4), 3))
    return next(a for _, a, _ in opcodes if isinstance(a, bytes) and len(a) > 32)


def tensor(size: tuple, stride: tuple, offset: Any = 0, change: Any = lambda data: data) -> bytes:
    """A pickled tensor of four numbers with a view of choice; `change` spoils the storage."""
    data = pickle.dumps(change(storage_of_four()), 3)[2:-1]
    view = b"".join(pickle.dumps(part, 3)[2:-1] for part in (offset, size, stride, False, None))
    load = b"ctorch.storage\n_load_from_bytes\n" + data + b"\x85R"
    return b"\x80\x03ctorch._utils\n_rebuild_tensor_v2\n(" + load + view + b"tR."


def test_tensors_that_lie(tmp_path: Path) -> None:
    path = tmp_path / "good.pkl"
    path.write_bytes(tensor((2, 2), (2, 1)))
    np.testing.assert_array_equal(read_pickle(path)["value"], [[0, 1], [2, 3]])
    bad = [
        tensor((5,), (1,)),
        tensor((2,), (1,), offset=3),
        tensor((2,), (-1,)),
        tensor((2, 2), (1,)),
        tensor((2**40,), (0,)),
        tensor((1,) * 9, (0,) * 9),
        tensor((2,), (1,), offset="0"),
        tensor((4,), (1,), change=lambda data: data[:-8]),
        tensor((4,), (1,), change=lambda data: data[:40]),
        tensor((4,), (1,), change=lambda data: data.replace(b"LongStorage", b"BoolStorage")),
        tensor((4,), (1,), change=lambda data: data.replace(b"\xe9\x03", b"\xe8\x03")),
    ]
    for number, data in enumerate(bad):
        assert refused(tmp_path, data).code == "weights_damaged", number
    conjugate = pickle.dumps(torch.tensor([1 + 2j]).conj(), 2)
    assert "conjugate" in refused(tmp_path, conjugate).message
    error = refused(tmp_path, tensor((4,), (1,), change=lambda d: d.replace(b"LongStorage", b"nnModule")))
    assert error.code == "unsafe_pickle"


@pytest.mark.parametrize("cut", [3, 9, 60, 130, -1])
def test_truncated_npy_of_objects(tmp_path: Path, cut: int) -> None:
    data = npy({"a": np.arange(4)})
    assert refused(tmp_path, data[:cut], "a.npy").code == "weights_damaged"


def test_npz_with_objects_truncated_or_too_large(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, J=MATRIX.tocsc(), a=np.arange(999))
    data = path.read_bytes()
    for cut in (10, 500, len(data) - 10):
        assert refused(tmp_path, data[:cut], "a.npz").code == "weights_damaged"
    np.savez_compressed(path, J=MATRIX.tocsc(), a=np.zeros(80 << 20, np.uint8))
    with pytest.raises(WeightsError) as caught:
        read_pickle(path, memory_bytes=60 << 20)
    assert caught.value.code == "unsafe_pickle"
    assert "limit" in caught.value.message
