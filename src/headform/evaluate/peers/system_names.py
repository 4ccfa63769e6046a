"""Names of the reconstruction systems whose results are read; apart from what reads them, so that help needs no torch."""

from typing import Literal

SystemName = Literal["prnet", "deep3d", "ringnet", "deca", "focus", "albedogan", "mica"]
