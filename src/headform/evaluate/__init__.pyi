from . import images as images
from . import landmarks68 as landmarks68
from . import meshes as meshes
from . import now as now
from . import peers as peers
from . import rendered_scans as rendered_scans
from . import scan as scan
