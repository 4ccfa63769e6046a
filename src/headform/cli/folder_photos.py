"""Photos directly inside a folder, and the pictures in it that are not read."""

import os
import stat
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headform.errors import InputError
from headform.export.manifest import MANIFEST
from headform.images.kind import ENDINGS, READ, describe, format_of, is_unread_picture

SUFFIXES = tuple(ending for endings in ENDINGS.values() for ending in endings)
"""File endings that are read from a folder, whatever is in the file."""

_RAW = (
    ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .gpr .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf .raw .rw2 "
    ".rwl .sr2 .srf .srw .x3f"
)
_VIDEO = ".3gp .avi .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .webm .wmv"
_UNREAD = {
    **dict.fromkeys(_RAW.split(), "a camera's raw file"),
    **dict.fromkeys(_VIDEO.split(), "a video"),
    **dict.fromkeys((".psd", ".psb"), "a Photoshop file"),
    **dict.fromkeys((".eps", ".ai", ".ps"), "PostScript"),
    **dict.fromkeys((".wmf", ".emf"), "a Windows metafile"),
    **dict.fromkeys((".ico", ".cur", ".icns"), "an icon"),
    ".svg": "an SVG",
    ".pdf": "a PDF",
    ".jxl": "a JPEG XL",
    ".exr": "an OpenEXR",
    ".hdr": "a Radiance HDR",
    ".tga": "a TGA",
    ".pcx": "a PCX",
    ".dds": "a DDS texture",
    ".xcf": "a GIMP file",
    ".pam": "a PAM",
    ".pfm": "a PFM",
}
"""Pictures and videos that are not read, by their endings."""
_BESIDE = frozenset(
    ".txt .json .jsonl .xml .xmp .csv .tsv .md .htm .html .yaml .yml .toml .ini .cfg .log .db .aae .thm .lrv .pp3 .dop "
    ".pts .mat .npy .npz .pkl .obj .mtl .ply .stl .glb .gltf .safetensors .pt .pth .onnx .h5 .py .ipynb .sh .bat .zip "
    ".gz .tar .7z .rar .bak .tmp .part .crdownload .orig .old .lock .url .lnk .webloc .sha256 .md5".split()
)
"""Endings of files that lie beside photos and that nobody expects to be read."""
_LIVE = (".mov", ".mp4")
"""Endings of the video beside each of a phone's live photos."""
_HEAD_BYTES = 4096


@dataclass(frozen=True)
class Listed:
    """One file of a folder.

    Attributes:
        path: file, inside the folder.
        error: reason why it is not read; None for a photo.
    """

    path: Path
    error: InputError | None = None


def photos_in(folder: Path) -> list[Listed]:
    """List the photos directly inside a folder and the pictures and videos that are not read, in order of their names.

    Photos are known by their endings, files of any other ending by their content. Hidden files, sidecars (text, tables,
    thumbnails, models) and the videos of live photos are passed over.

    Raises:
        OSError: the folder cannot be opened.
    """
    names = sorted(os.listdir(folder))
    stems = {os.path.splitext(name)[0].casefold() for name in names if name.lower().endswith(SUFFIXES)}
    found = []
    for name in names:
        stem, ending = os.path.splitext(name.lower())
        path = folder / name
        if name.startswith(".") or name.endswith(("~", "_original")) or ending in _BESIDE or path.is_dir():
            continue
        if ending in SUFFIXES:
            found.append(Listed(path))
            continue
        if ending in _LIVE and stem.casefold() in stems:
            continue
        head = _head(path)
        if ending in _UNREAD or is_unread_picture(head):
            kind = describe(head) if is_unread_picture(head) else _UNREAD[ending]
            found.append(Listed(path, _not_read(kind, path)))
        elif format_of(head) is not None:
            found.append(Listed(path))
    return found


def unsearched_folders(folder: Path) -> list[Path]:
    """List the folders inside a folder that hold photos themselves, results of headform excepted.

    Raises:
        OSError: the folder cannot be opened.
    """
    inside = [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")]
    return [path for path in inside if not (path / MANIFEST).exists() and _has_photos(path)]


def summary(errors: Sequence[InputError], folders: Sequence[Path]) -> str:
    """Return one sentence about what was passed over in folders; empty when nothing was.

    Args:
        errors: errors of `photos_in`.
        folders: folders of `unsearched_folders`.
    """
    parts = []
    if errors:
        kinds = Counter(error.message.split(",")[0].removeprefix("the file is ") for error in errors)
        named = ", ".join(f"{kind} ({count})" if count > 1 else kind for kind, count in sorted(kinds.items()))
        parts.append(f"{len(errors)} {'file was' if len(errors) == 1 else 'files were'} not read: {named}")
    if folders:
        named = ", ".join(path.name for path in folders[:3]) + (", ..." if len(folders) > 3 else "")
        parts.append(f"{len(folders)} {'folder' if len(folders) == 1 else 'folders'} with photos not searched: {named}")
    return "; ".join(parts)


def _has_photos(folder: Path) -> bool:
    try:
        return any(name.lower().endswith(SUFFIXES) for name in os.listdir(folder))
    except OSError:
        return False


def _not_read(kind: str, path: Path) -> InputError:
    what = f"the file is {kind}, not a photo: {READ} are read"
    return InputError("image_format", what, str(path), "save it as JPEG, PNG or WebP")


def _head(path: Path) -> bytes:
    """First bytes of a regular file; none of anything else, and none where it cannot be read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            return file.read(_HEAD_BYTES) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b""
    except OSError:
        return b""
