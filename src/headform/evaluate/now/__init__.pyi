from ._table import NowTable as NowTable
from .check import Submission as Submission
from .check import check_submission as check_submission
from .image import Options as Options
from .run import evaluate_dataset as evaluate_dataset
