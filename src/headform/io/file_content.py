"""The content of files of unknown origin in plain words: downloads that failed, archives, pictures, other programs' models.

People give a saved login page, a Git LFS pointer or a whole zip where a model is expected; the readers of models would call
each of them damaged. Only first bytes, tables of contents and stated sizes are looked at. Nothing here raises, runs or
unpacks a file to disk.
"""

import bz2
import gzip
import html
import io
import json
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, cast

from headform.errors import WeightsError
from headform.io import _cut_off
from headform.io.body_models import body_model_of
from headform.io.file_bytes import regular_size
from headform.io.npz_file import BROKEN, NPY_MAGIC, ZIP_MAGIC, array_shapes

_START = 4096
"""First bytes that are looked at."""
_SHOWN = 3
"""Names inside an archive that a message lists."""
_MOST_TITLE = 60
_MOST_HEADER = 1 << 22
"""Largest JSON header of a safetensors file that is read, bytes; Python's objects take twenty times as much."""
_XZ_BYTES, _XZ_MEMORY = 1 << 16, 1 << 27
"""Bytes of an .xz that are unpacked, and memory for that; a file may ask for gigabytes."""
_AGAIN = "get the file again from its publisher"
_SIGN_IN = (
    "the site wants you to sign in or to accept a license first: do so in a browser, and download the file itself"
)
_UNPACK = "unpack it first, and give the file inside"
_MESH = "a mesh is one head and no model: fit a model to it with `headform heads fit MESH --to HEAD -o DIR`"
_PHOTO = "photos are for `headform reconstruct PHOTO -o DIR`"
_CONVERT = "if it is a publisher's head model, convert it first: `headform heads convert FILE -o head.safetensors`"
_SIGNS: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"%PDF-", "a PDF document", "give the model, not its documentation"),
    (0, b"\x89PNG\r\n\x1a\n", "a picture (PNG)", _PHOTO),
    (0, b"\xff\xd8\xff", "a picture (JPEG)", _PHOTO),
    (0, b"GIF8", "a picture (GIF)", _PHOTO),
    (0, b"BM", "a picture (BMP)", _PHOTO),
    (0, b"II*\0", "a picture (TIFF)", _PHOTO),
    (0, b"MM\0*", "a picture (TIFF)", _PHOTO),
    (8, b"WEBP", "a picture (WebP)", _PHOTO),
    (0, b"8BPS", "a picture (Photoshop)", _PHOTO),
    (4, b"ftyphei", "a picture (HEIC)", _PHOTO),
    (4, b"ftypmif1", "a picture (HEIC)", _PHOTO),
    (4, b"ftypavif", "a picture (AVIF)", _PHOTO),
    (4, b"ftyp", "a video (MP4)", _PHOTO),
    (0, b"ply\n", "a mesh (PLY)", _MESH),
    (0, b"ply\r", "a mesh (PLY)", _MESH),
    (0, b"glTF", "a mesh (GLB)", _MESH),
    (0, b"Kaydara FBX", "a mesh (FBX)", _MESH),
    (0, b"; FBX", "a mesh (FBX)", _MESH),
    (0, b"solid ", "a mesh (STL)", _MESH),
    (0, b"OFF\n", "a mesh (OFF)", _MESH),
    (0, b"BLENDER", "a scene of Blender", _MESH),
    (4, b"TFL3", "a network (TensorFlow Lite)", _AGAIN),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (0, b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (257, b"ustar", "a tar archive", _UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "compressed with zstd", _UNPACK),
    (0, b"MZ", "a program (Windows)", _AGAIN),
    (0, b"\x7fELF", "a program (Linux)", _AGAIN),
    (0, b"SQLite format 3\0", "a database (SQLite)", _AGAIN),
)
"""Offset, signature, name and advice."""
TEXT = "a text file"
_JSON = "a JSON text, such as a server's message"
_OLD_TORCH = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8"
"""Start of checkpoints before torch 1.6; raw numbers stand behind their pickles."""
_CHECKPOINT = "see what is in it with `headform weights inspect FILE`"


def _xz(path: str) -> io.BytesIO:
    """Open the start of an .xz file."""
    with Path(path).open("rb") as file:
        start = file.read(_XZ_BYTES)
    return io.BytesIO(lzma.LZMADecompressor(memlimit=_XZ_MEMORY).decompress(start, _START))


_COMPRESSED = ((b"\x1f\x8b", "gzip", gzip.open), (b"BZh", "bzip2", bz2.open), (b"\xfd7zXZ", "xz", _xz))
_TEXT_PICKLE = re.compile(rb"\(dp\d|\(lp\d|\(d\r?\n|\(l\r?\n|[(}\])]q\x00|\}\(|c[A-Za-z_][\w.]*\r?\n\w+\r?\n|\(c[a-z_]")
"""Starts of pickles of protocols 0 and 1."""
_MESH_LINE = re.compile(rb"(?:^|\n)(?:v|vn|vt) +-?\d[\d.eE+-]* +-?\d")
_MARKUP = re.compile(rb"<(?:!doctype\s+html|html|head|body|script|title|meta)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Content:
    """Content of a file, in words.

    Attributes:
        what: Noun phrase: ``a web page (HTML) titled 'Sign in'``.
        hint: Advice.
        sort: ``other`` for what can be no model of any kind, ``broken`` for what is empty or cut off, ``compressed`` for
            single files that some readers unpack, ``mesh``, ``folder``, ``own`` for files of headform, ``container`` for
            formats in which models are published.
    """

    what: str
    hint: str
    sort: Literal["other", "broken", "compressed", "mesh", "folder", "own", "container"] = "other"

    @property
    def is_foreign(self) -> bool:
        """True if the words say more than the complaint of a reader of models."""
        return self.sort != "container"


def content_of(path: Path | str) -> Content | None:
    """Return the content of a file or folder, None where nothing tells. Never raises."""
    path = Path(path)
    try:
        if path.is_dir():
            return _folder(path)
        size = regular_size(path)
        if size is None:
            return Content("a pipe, a device or a socket", "give a regular file")
        with path.open("rb") as file:
            start = file.read(_START)
            return _content(path, file, start, size)
    except (OSError, ValueError):
        return None


def explained_companion(error: WeightsError, path: Path | str) -> WeightsError:
    """Return an error of the reader of a file beside a model, which may be a text or a mesh, with the same code."""
    content = content_of(path)
    if content is None or content.sort not in ("other", "broken", "folder") or content.what in (TEXT, _JSON):
        return error
    return WeightsError(error.code, f"it is {content.what}", repr(str(path)), content.hint)


def explained(error: WeightsError, path: Path | str) -> WeightsError:
    """Return an error of a reader of models, in the words of `content_of` where they say more than its own.

    The code is ``weights_damaged`` for what is empty or cut off, else ``model_kind``; an absent file keeps its error.
    """
    if error.code == "weights_missing" and not Path(path).is_dir():
        return error
    content = content_of(path)
    if content is None or not content.is_foreign:
        if content is None or error.code != "weights_damaged" or " not a" not in f" {error.message}":
            return error
        return WeightsError(error.code, f"{error.message}; it is {content.what}", error.location, error.hint)
    if error.code == "unsafe_pickle" and (content.sort in ("broken", "compressed") or content.what == TEXT):
        return error  # what a file asks for is the graver fault
    code = "weights_damaged" if content.sort == "broken" else "model_kind"
    return WeightsError(code, f"it is {content.what}", repr(str(path)), content.hint)


def _content(path: Path, file: BinaryIO, start: bytes, size: int) -> Content | None:
    if not size:
        return Content("an empty file, of 0 bytes", "the download or copy has failed: get it again", "broken")
    if not start.strip(b"\0"):
        return Content("nothing but zeros at its start", "the download was not finished: get it again", "broken")
    if missing := _cut_off.missing_bytes(path, start, size):
        what = f"a file that is cut off: {missing} bytes or more are missing behind its {size}"
        return Content(what, "the download or copy was not finished: get it again", "broken")
    if start.startswith(ZIP_MAGIC):
        return _zip(path)
    for magic, name, opened in _COMPRESSED:
        if start.startswith(magic):
            return _compressed(name, opened, path)
    if found := _text(start, size):
        return found
    for offset, sign, what, hint in _SIGNS:
        if start[offset:].startswith(sign):
            listed = _tar(path) if sign == b"ustar" else ""
            return Content(what + listed, hint, "mesh" if hint is _MESH else "other")
    if start[8:9] == b"{" and start[:8].endswith(b"\0\0\0"):
        return _safetensors(path, start)
    return _container(path, start, size)


def _container(path: Path, start: bytes, size: int) -> Content | None:
    """Name a format in which models are published."""
    if start.startswith(b"MATLAB"):
        return Content("a MATLAB file", _CONVERT, "container")
    if _cut_off.HDF5_MAGIC in start[:1024]:
        return Content("an HDF5 file", _CONVERT, "container")
    if start.startswith(NPY_MAGIC):
        return Content("a NumPy array (.npy)", _CONVERT, "container")
    if start.startswith(_OLD_TORCH):
        return Content("a PyTorch checkpoint", _CHECKPOINT, "own")
    if (start[:1] == b"\x80" and start[1:2] <= b"\x05") or _TEXT_PICKLE.match(start):
        if not _cut_off.is_whole_pickle(path, size):
            what = f"a pickle that is cut off: its {size} bytes do not end as pickles do"
            return Content(what, "the download or copy was not finished: get it again", "broken")
        return body_model(path) or Content("a pickle", _CONVERT, "container")
    if path.suffix.lower() == ".onnx" and start[:1] == b"\x08":
        return Content("a network (ONNX)", _AGAIN)
    if _is_text(start):
        if _MESH_LINE.search(start):
            return Content("a mesh (OBJ)", _MESH, "mesh")
        return Content(TEXT, "give the model itself")
    return None


def body_model(path: Path) -> Content | None:
    """Name a model of bodies or hands; None for anything else. Never raises."""
    name = body_model_of(path)
    if not name:
        return None
    hint = "headform reads heads: give FLAME (generic_model.pkl), whose mesh is the head of SMPL-X"
    return Content(name, hint)


def _text(start: bytes, size: int) -> Content | None:
    """Name a text that servers and version control leave in place of a file."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith((b"\xff\xfe<", b"\xfe\xff\0<")):  # UTF-16
        text = start.decode("utf-16", "replace").encode().lstrip()
    if _MARKUP.match(text) or (text[:4] == b"<!--" and _MARKUP.search(text)):
        return Content(f"a web page (HTML){_title(text)}", _SIGN_IN)
    if text.startswith(b"<?xml") or text.startswith(b"<Error>"):
        if _MARKUP.search(text):
            return Content(f"a web page (HTML){_title(text)}", _SIGN_IN)
        code = re.search(rb"<Code>(\w{1,40})</Code>", text)
        return Content(f"an XML file{f', the error {code[1].decode()!r} of a server' if code else ''}", _SIGN_IN)
    if text.startswith((b"version https://git-lfs", b"version https://hawser")):
        stands = re.search(rb"\nsize (\d{1,18})", text)
        behind = f", which stands for a file of {int(stands[1])} bytes" if stands else ""
        return Content(f"a Git LFS pointer{behind}", "fetch the file itself: `git lfs install`, then `git lfs pull`")
    if b"annex/objects/" in text[:300] and size < _START:
        return Content("a git-annex pointer", "fetch the file itself: `git annex get FILE`")
    if text.startswith(b"outs:\n- md5:"):
        return Content("a DVC pointer", "fetch the file itself: `dvc pull`")
    if text[:1] in (b"{", b"[") and _is_text(start) and re.match(rb'[{\[]\s*["{\[\d\]}-]', text):
        return Content(_JSON, _AGAIN)
    return None


def _title(text: bytes) -> str:
    found = re.search(rb"<title[^>]*>([^<]{1,300})</title>", text, re.IGNORECASE)
    if not found:
        return ""
    title = " ".join(html.unescape(found[1].decode("utf-8", "replace")).split())
    return f" titled {title[:_MOST_TITLE]!a}" if title else ""


def _is_text(start: bytes) -> bool:
    """Return whether bytes are printable in UTF-8 or Latin-1."""
    if re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]", start):
        return False
    odd = len(re.findall(rb"[\x80-\xff]", start))
    try:
        start[: len(start) - 4 if len(start) == _START else None].decode()
    except UnicodeDecodeError:
        return odd < len(start) // 10
    return True


def _listed(names: list[str]) -> str:
    """List the files in an archive, those that look like models first."""
    files = [name for name in names if not name.endswith("/") and "__MACOSX" not in name]
    likely = (".pkl", ".npz", ".mat", ".h5", ".npy", ".bin", ".scm", ".bs")
    files.sort(key=lambda name: not name.lower().endswith(likely))
    shown = ", ".join(f"{name!a:.100}" for name in files[:_SHOWN])
    more = f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
    return f" that holds {shown}{more}" if shown else " that holds no file"


def _zip(path: Path) -> Content | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, *BROKEN):
        return Content("a zip archive that is damaged", _AGAIN, "broken")
    if names and all(name.endswith(".npy") for name in names):
        shapes = array_shapes(path)
        held = ", ".join(f"{name!a:.60}" for name in list(shapes)[:8])
        return body_model(path) or Content(
            f"a NumPy archive (.npz) that holds {held or 'nothing'}", _CONVERT, "container"
        )
    if any(name.endswith("/data.pkl") or name == "data.pkl" for name in names):
        return Content("a PyTorch checkpoint", _CHECKPOINT, "own")
    if "[Content_Types].xml" in names:
        return Content("a document of an office program", "give the model, not its documentation")
    return Content(f"a zip archive{_listed(names)}", _UNPACK)


def _tar(path: Path) -> str:
    try:
        with tarfile.open(path) as archive:
            names = []
            for member in archive:
                names.append(member.name)
                if len(names) > 100:
                    break
            return _listed(names)
    except (OSError, tarfile.TarError, ValueError):
        return ""


def _compressed(name: str, opened: Callable[[str], object], path: Path) -> Content:
    """Name what is compressed by its first bytes."""
    inner = b""
    try:
        with cast(BinaryIO, opened(str(path))) as file:
            inner = file.read(_START)
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError):
        pass
    hint = f"unpack it first ({'gunzip' if name == 'gzip' else 'bunzip2' if name == 'bzip2' else 'unxz'} FILE)"
    if inner[257:262] == b"ustar":
        return Content(f"a tar archive compressed with {name}", _UNPACK)
    if page := _text(inner, len(inner)):
        return Content(f"{page.what}, compressed with {name}", page.hint)
    if not inner:
        return Content(f"compressed with {name}, and damaged or empty", _AGAIN, "broken")
    return Content(f"a file compressed with {name}", hint, "compressed")


def _safetensors(path: Path, start: bytes) -> Content:
    """Name a safetensors file by the marks that headform leaves in it."""
    length = int.from_bytes(start[:8], "little")
    try:
        with path.open("rb") as file:
            file.seek(8)
            metadata = json.loads(file.read(min(length, _MOST_HEADER))).get("__metadata__") or {}
        text = json.loads(metadata.get("headform", "{}"))
        format_ = str(text.get("format", ""))
    except (OSError, ValueError, AttributeError, RecursionError):
        return Content("a safetensors file", _AGAIN, "container")
    if "head" in format_.removeprefix("headform") and "coefficients" not in format_:
        return Content(
            f"a head file of headform ({str(text.get('name', ''))!a:.60})",
            "it needs no conversion: see it with `headform heads inspect FILE`, or give it as --head or --to",
            "own",
        )
    if format_:
        return Content(f"a file of headform ({format_!a:.60})", "give a head model", "own")
    if path.with_suffix(".json").is_file():
        return Content("the weights of a network (safetensors, its card beside it)", "they are no head model", "own")
    return Content(
        "a safetensors file that no head was written to", "see it with `headform weights inspect FILE`", "own"
    )


def _folder(path: Path) -> Content:
    names = sorted(entry.name for _, entry in zip(range(1000), path.iterdir(), strict=False))
    return Content(f"a folder{_listed(names)}", "give the file of the model in it", "folder")
