"""Recognition of models of bodies and hands, which share their layout with FLAME and lie beside it on the same sites.

V vertices. Nothing is unpickled: names and the shape of ``v_template`` are looked for in the bytes.
"""

import mmap
from pathlib import Path

from headform.io.file_bytes import first_bytes
from headform.io.npz_file import ZIP_MAGIC, array_shapes

_NAMES = {
    6890: "a body model (SMPL, SMPL+H or STAR)",
    10475: "a body model (SMPL-X or SUPR)",
    778: "a hand model (MANO)",
    3889: "an animal model (SMAL)",
}
"""Models by the number of vertices."""
_HANDS = "hands_components"
_KEYS = (b"v_template", b"shapedirs")
_LARGEST = 4 << 30


def body_model_of(path: Path) -> str:
    """Return the name of a model of bodies or hands; empty for anything else. Never raises."""
    if first_bytes(path, 4) == ZIP_MAGIC:
        shapes = array_shapes(path)
        shape = shapes.get("v_template", ())
        if len(shape) == 2 and shape[1:] == (3,) and shape[0] in _NAMES:
            return _NAMES[shape[0]]
        return "a body or hand model (MANO, SMPL+H or SMPL-X)" if _HANDS in shapes else ""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if len(data) > _LARGEST or any(data.find(key) < 0 for key in _KEYS):
                return ""
            for count, name in _NAMES.items():
                if any(data.find(shape) >= 0 for shape in pickled_shapes(count)):
                    return name
            return "a body or hand model (MANO, SMPL+H or SMPL-X)" if data.find(_HANDS.encode()) >= 0 else ""
    except (OSError, ValueError):
        return ""


def pickled_shapes(count: int) -> tuple[bytes, ...]:
    """Return the shape (`count`, 3) as pickles hold it: in binary protocols, and in text, also copied with CR LF."""
    binary = b"M" + count.to_bytes(2, "little") + b"K\x03"
    texts = [f"I{count}\nI3\n".encode(), f"L{count}L\nL3L\n".encode(), f"I{count}L\nI3L\n".encode()]
    return (binary, *texts, *(text.replace(b"\n", b"\r\n") for text in texts))
