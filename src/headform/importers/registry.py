"""The kinds of model files that can be converted, and which kind a file is."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

from headform.errors import UsageError, WeightsError
from headform.heads.linear import LinearHead
from headform.importers._sniff import first_bytes
from headform.io.file_bytes import check_regular

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
"""Module and description of each kind, in the order in which a file is tried."""


@runtime_checkable
class Importer(Protocol):
    """What a module of `heads.formats` offers."""

    KIND: str

    def recognizes(self, path: Path) -> bool:
        """Whether a file looks like one of this kind; cheap, and never raises."""

    def read(self, path: Path, companions: Sequence[Path] = ()) -> LinearHead:
        """Read a file and what belongs to it."""


def importer(kind: str) -> Importer:
    """The importer of a kind.

    Raises:
        UsageError: ``kind_unknown``.
    """
    if kind not in MODULES:
        what = f"there is no kind {kind!r}"
        raise UsageError("kind_unknown", what, "--kind", f"choose one of {', '.join(MODULES)}")
    return cast(Importer, importlib.import_module(f"headform.importers.{MODULES[kind][0]}"))


def kind_of(path: Path) -> str:
    """Which kind a file or folder is.

    Raises:
        WeightsError: ``weights_missing``; ``model_kind`` when none knows it.
    """
    try:
        path.stat()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        what = f"there is no such file or folder: {getattr(error, 'strerror', None) or error}"
        raise WeightsError("weights_missing", what, repr(str(path))) from error
    for kind in MODULES:
        if importer(kind).recognizes(path):
            return kind
    if first_bytes(path, 9)[8:] == b"{":
        what = "a safetensors file, such as headform writes itself: nothing is to be converted"
        fix = "use it as it is, for example with `headform heads inspect`, or give a publisher's file"
        raise WeightsError("model_kind", what, repr(str(path)), fix)
    what = "no kind of head model that headform knows looks like this"
    fix = f"name the kind with --kind {'|'.join(MODULES)}"
    raise WeightsError("model_kind", what, repr(str(path)), fix)


def convert(path: Path, kind: str | None = None, companions: Sequence[Path] = ()) -> LinearHead:
    """Read a publisher's model, whatever kind it is.

    Args:
        path: The model's own file or folder.
        kind: A key of `MODULES`; None finds it out.
        companions: Further files of the same model: landmarks, masks, expressions, textures. Files of usual names beside
            `path` are found without being named.

    Raises:
        UsageError: ``kind_unknown``.
        WeightsError: as the importer says; ``model_kind``; ``weights_missing``, also for a further file.
    """
    for companion in companions:
        check_regular(companion)
    return importer(kind or kind_of(path)).read(path, tuple(companions))
