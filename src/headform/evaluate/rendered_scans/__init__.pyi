from .scan_reconstructors import command_reconstructor as command_reconstructor
from .scan_reconstructors import folder_reconstructor as folder_reconstructor
from .scan_reconstructors import headform_reconstructor as headform_reconstructor
from .scan_subjects import ScanSubject as ScanSubject
from .scan_subjects import read_scan as read_scan
from .scans_rendered import PhotoPlan as PhotoPlan
from .scans_rendered import RenderedScores as RenderedScores
from .scans_rendered import evaluate_rendered as evaluate_rendered
