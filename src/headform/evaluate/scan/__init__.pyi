from .landmark7_files import read_landmarks7 as read_landmarks7
from .protocol import PROTOCOLS as PROTOCOLS
from .protocol import Protocol as Protocol
from .scan_error import ScanError as ScanError
from .scan_error import crop_scan as crop_scan
