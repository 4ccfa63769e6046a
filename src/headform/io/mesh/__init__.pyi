from . import obj as obj
from . import ply as ply
from .picked_points import read_points as read_points
from .reading import read_mesh as read_mesh
from .triangle_mesh import TriangleMesh as TriangleMesh
