"""`headform evaluate`: compare results with ground truth."""

from typing import Annotated

from tyro.conf import subcommand

from headform.cli.evaluate_contours import Contours
from headform.cli.evaluate_import import Import
from headform.cli.evaluate_landmarks import Landmarks
from headform.cli.evaluate_now import Now
from headform.cli.evaluate_now_check import NowCheck
from headform.cli.evaluate_scan import Scan
from headform.cli.evaluate_scans_rendered import ScansRendered
from headform.cli.evaluate_texture import Texture

Evaluate = Annotated[
    Annotated[Landmarks, subcommand("landmarks")]
    | Annotated[Contours, subcommand("contours")]
    | Annotated[Scan, subcommand("scan")]
    | Annotated[Now, subcommand("now")]
    | Annotated[NowCheck, subcommand("now-check")]
    | Annotated[Import, subcommand("import")]
    | Annotated[ScansRendered, subcommand("scans-rendered")]
    | Annotated[Texture, subcommand("texture")],
    subcommand("evaluate", description="Evaluate against ground truth."),
]
