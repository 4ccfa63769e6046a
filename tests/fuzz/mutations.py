"""Mutations of bytes and of what is inside of containers, drawn from one generator.

A mutation of a container unpacks it, changes what is inside, and packs it again, checksums included: else nearly every
file would end at the checksum.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable

import numpy as np

Random = np.random.Generator
Mutation = Callable[[Random, bytes], bytes]

_NUMBERS = (0, 1, 2, 3, 7, 8, *(2**bits + step for bits in (7, 8, 15, 16, 31, 32, 63, 64) for step in (-1, 0)))
_WORDS = (
    b"nan", b"inf", b"-1", b"0", b"1e999999", b"9" * 400, b"\0", b"\n", b"\r", b"", b" " * 64, b"[" * 64, b"{" * 64,
    b'"', b"/", b"..", b"\\", b"\xff\xfe", b"\xed\xa0\x80", b"\\ud800", b"null", b"true", b"%n", b"-0", b"1" * 30,
    b"}", b"]", b">", b"<a " * 20,
)  # fmt: skip


def flipped(random: Random, data: bytes) -> bytes:
    """Change up to eight bits."""
    out = bytearray(data)
    for _ in range(int(random.integers(1, 9))):
        if out:
            out[int(random.integers(len(out)))] ^= 1 << int(random.integers(8))
    return bytes(out)


def overwritten(random: Random, data: bytes) -> bytes:
    """Put a number that is often a boundary over two, four or eight bytes, in either order."""
    size = int(random.choice([1, 2, 4, 8]))
    if len(data) < size:
        return data
    at = int(random.integers(len(data) - size + 1))
    value = _NUMBERS[int(random.integers(len(_NUMBERS)))] & (1 << 8 * size) - 1
    return data[:at] + value.to_bytes(size, random.choice(["little", "big"])) + data[at + size :]


def cut(random: Random, data: bytes) -> bytes:
    """End early."""
    return data[: int(random.integers(len(data) + 1))]


def moved(random: Random, data: bytes) -> bytes:
    """Repeat, remove or insert a piece of the data elsewhere."""
    if not data:
        return data
    a, b = sorted(int(n) for n in random.integers(0, len(data) + 1, 2))
    b = min(b, a + int(random.choice([1, 4, 16, 256, 4096])))
    at = int(random.integers(len(data) + 1))
    kind = int(random.integers(3))
    if kind == 0:
        return data[:a] + data[b:]
    return data[:at] + data[a:b] * (1 if kind == 1 else int(random.integers(2, 20))) + data[at:]


def worded(random: Random, data: bytes) -> bytes:
    """Put a word of texts that often goes wrong over another, between separators."""
    at = int(random.integers(len(data) + 1))
    end = at
    while end < len(data) and data[end : end + 1].isalnum() and end < at + 40:
        end += 1
    return data[:at] + _WORDS[int(random.integers(len(_WORDS)))] + data[end:]


PLAIN: tuple[Mutation, ...] = (flipped, overwritten, cut, moved, worded)


def mutated(random: Random, data: bytes) -> bytes:
    """Apply one to three plain mutations."""
    for _ in range(int(random.integers(1, 4))):
        data = PLAIN[int(random.integers(len(PLAIN)))](random, data)
    return data


def early(random: Random, data: bytes) -> bytes:
    """Apply plain mutations to the first 512 bytes alone: headers."""
    return mutated(random, data[:512]) + data[512:]


def rezipped(random: Random, data: bytes) -> bytes:
    """Change the content of one entry of a zip archive, sometimes its compression, or repeat it under another name."""
    if not data.startswith(b"PK"):
        return mutated(random, data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [(entry, archive.read(entry)) for entry in archive.infolist()]
    chosen = int(random.integers(len(entries)))
    change = early if random.random() < 0.6 else mutated
    store = io.BytesIO()
    with zipfile.ZipFile(store, "w") as archive:
        for number, (entry, content) in enumerate(entries):
            kind = entry.compress_type
            if number == chosen:
                content = change(random, content)
                kind = int(random.choice([0, 8])) if random.random() < 0.2 else kind
            archive.writestr(zipfile.ZipInfo(entry.filename), content, kind)
    return store.getvalue()


def rewritten_mat(random: Random, data: bytes) -> bytes:
    """Change one variable of a Level 5 MATLAB file behind its compression; the length in its tag follows, mostly."""
    variables, at = [], 128
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<II", data, at)
        variables.append((kind, data[at + 8 : at + 8 + size]))
        at += 8 + size
    chosen = int(random.integers(len(variables)))
    out = [data[:128]]
    for number, (kind, content) in enumerate(variables):
        if number == chosen:
            packed = kind == 15
            content = zlib.decompress(content) if packed else content
            content = early(random, content) if random.random() < 0.7 else mutated(random, content)
            content = zlib.compress(content) if packed else content
        length = len(content) if random.random() < 0.95 else int(random.integers(1 << 32))
        out.append(struct.pack("<II", kind, length) + content)
    return b"".join(out)


def recompressed_chunks(random: Random, data: bytes) -> bytes:
    """Change a zlib stream inside of the data (chunks of HDF5, PNG) and pack it anew, padded or cut to its old length."""
    starts = [at for at in range(len(data) - 2) if data[at] == 0x78 and data[at + 1] in (0x01, 0x5E, 0x9C, 0xDA)]
    random.shuffle(starts)
    for at in starts[:8]:
        reader = zlib.decompressobj()
        try:
            content = reader.decompress(data[at:], 1 << 20)
        except zlib.error:
            continue
        if reader.eof and content:
            end = len(data) - len(reader.unused_data)
            content = mutated(random, content) if random.random() < 0.8 else content * int(random.integers(2, 2000))
            packed = zlib.compress(content, 9)[: end - at]
            return data[:at] + packed.ljust(end - at, b"\0") + data[end:]
    return mutated(random, data)


def headed(random: Random, data: bytes) -> bytes:
    """Change the JSON header of a safetensors file, and state its length anew."""
    size = int.from_bytes(data[:8], "little")
    header = mutated(random, data[8 : 8 + size])
    length = len(header) if random.random() < 0.9 else int(random.integers(1 << 40))
    return length.to_bytes(8, "little") + header + data[8 + size :]


def metadata_of_hdf5(random: Random, data: bytes) -> bytes:
    """Change bytes near the structures of an HDF5 file, which are marked by four letters, or messages of headers."""
    marks = [
        at
        for mark in (b"TREE", b"HEAP", b"SNOD", b"GCOL", b"OHDR", b"FRHP", b"\x89HDF", b"VERS")
        for at in _places(data, mark)
    ]
    if not marks:
        return mutated(random, data)
    at = marks[int(random.integers(len(marks)))]
    end = min(len(data), at + int(random.choice([16, 64, 400])))
    piece = data[at:end]
    for _ in range(int(random.integers(1, 4))):
        piece = overwritten(random, piece) if random.random() < 0.6 else flipped(random, piece)
    return data[:at] + piece + data[end:]


def _places(data: bytes, mark: bytes) -> list[int]:
    found, at = [], data.find(mark)
    while at >= 0 and len(found) < 64:
        found.append(at)
        at = data.find(mark, at + 1)
    return found
