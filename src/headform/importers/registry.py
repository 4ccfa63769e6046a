"""The kinds of model files that can be converted, and the recognition of a file's kind."""

import importlib
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

from headform.errors import UsageError, WeightsError
from headform.heads.linear import LinearHead
from headform.io.file_bytes import check_regular
from headform.io.file_content import TEXT, content_of, explained

MODULES = {
    "flame": ("flame", "FLAME 2017 to 2023 Open, .pkl or .npz"),
    "bfm2009": ("bfm2009", "Basel 2009, 01_MorphableModel.mat"),
    "deep3d": ("deep3d", "Basel front of Deep3D, BFM_model_front.mat"),
    "tddfa": ("tddfa", "Basel without neck of 3DDFA_V2, bfm_noneck_v3.pkl"),
    "bfm2017": ("bfm2017", "Basel 2017, 2019, face12 and other statismo models, .h5"),
    "surrey": ("surrey", "Surrey, eos .bin or .scm"),
    "lsfm": ("lsfm", "LSFM, .mat"),
    "lyhm": ("lyhm", "Liverpool-York, .mat"),
    "facewarehouse": ("facewarehouse", "FaceWarehouse, tensor, shape.bs or OBJ folder"),
    "ict": ("ict", "ICT-FaceKit Light, folder or all_modes.npz"),
    "gnm": ("gnm", "GNM Head 3, gnm_head.npz"),
    "facescape": ("facescape", "FaceScape 1.6, bilinear .npz"),
    "hifi3d": ("hifi3d", "HIFI3D and HIFI3D++, .mat"),
}
"""Module and description of each kind, in the order of recognition."""
_MOST_FILES = 50
"""Files of a folder that are looked at."""


@runtime_checkable
class Importer(Protocol):
    """Interface of the modules in `MODULES`."""

    KIND: str

    def recognizes(self, path: Path) -> bool:
        """Return whether a file looks like one of this kind; cheap, and never raises."""

    def read(self, path: Path, companions: Sequence[Path] = ()) -> LinearHead:
        """Read a file and its companions.

        Raises:
            WeightsError: ``weights_missing``, ``weights_damaged``, ``unsafe_pickle``; ``model_kind`` (another kind of model,
                or a companion that it does not use), ``model_missing_key``, ``model_shape``, ``model_index``,
                ``model_not_finite``, ``model_unit``, ``model_mismatch`` (files of different models).
        """


def importer(kind: str) -> Importer:
    """Return the importer of a kind.

    Raises:
        UsageError: ``kind_unknown``.
    """
    if kind not in MODULES:
        hint = f"choose one of {', '.join(MODULES)}"
        raise UsageError("kind_unknown", f"unknown kind {kind!r}", "--kind", hint)
    return cast(Importer, importlib.import_module(f"headform.importers.{MODULES[kind][0]}"))


def kind_of(path: Path) -> str:
    """Return the kind of a file or folder.

    Raises:
        WeightsError: ``weights_missing``; ``model_kind`` when no importer recognizes it.
    """
    try:
        path.stat()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        what = f"there is no such file or folder: {getattr(error, 'strerror', None) or error}"
        raise WeightsError("weights_missing", what, repr(str(path))) from error
    for kind in MODULES:
        if importer(kind).recognizes(path):
            return kind
    raise _unknown(path)


def _unknown(path: Path) -> WeightsError:
    """Return the error for what no importer recognizes, named for what it is where that can be told."""
    content, code = content_of(path), "model_kind"
    what = "not recognized as any kind of head model"
    hint = f"name the kind with --kind {'|'.join(MODULES)}"
    if content is not None and content.sort == "folder":
        inside = _models_in(path)
        what = f"{what}: it is {content.what}"
        hint = f"give the file in it: {inside}" if inside else content.hint
    elif content is not None and content.is_foreign and content.what != TEXT:
        what, hint = f"no head model: it is {content.what}", content.hint
        code = "weights_damaged" if content.sort == "broken" else code
    elif content is not None:
        what = f"{what}: it is {content.what}"
    return WeightsError(code, what, repr(str(path)), hint)


def _models_in(folder: Path) -> str:
    """Return the names and kinds of the models among the first files of a folder."""
    files = sorted(path for path in islice(folder.iterdir(), _MOST_FILES) if path.is_file())
    found = ((path.name, next((kind for kind in MODULES if importer(kind).recognizes(path)), "")) for path in files)
    return ", ".join(f"{name} ({kind})" for name, kind in found if kind)


def convert(path: Path, kind: str | None = None, companions: Sequence[Path] = ()) -> LinearHead:
    """Read a publisher's model of any kind.

    Args:
        path: The model's own file or folder.
        kind: A key of `MODULES`; recognized if None.
        companions: Further files of the same model: landmarks, masks, expressions, textures. Files of usual names beside
            `path` are found without being named.

    Raises:
        UsageError: ``kind_unknown``.
        WeightsError: see `Importer.read`; ``weights_missing``, also for a companion.
    """
    for companion in companions:
        check_regular(companion)
    chosen = importer(kind or kind_of(path))
    try:
        return chosen.read(path, tuple(companions))
    except WeightsError as error:
        if error.location != repr(str(path)):
            raise  # of a companion
        raise explained(error, path) from error
