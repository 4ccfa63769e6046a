"""`head.obj`, `head.mtl` and `texture.png`: the head in Wavefront's format.

V vertices, F triangles, T texture coordinates.

No vertex colors: readers that evaluation tools rely on (MPI-IS mesh) fail on `v x y z r g b`.
"""

from headform.export.result_folder import MTL, OBJ, TEXTURE
from headform.io.mesh import obj
from headform.io.mesh.triangle_mesh import TriangleMesh

_MATERIAL = "head"


def encode(mesh: TriangleMesh, *, comment: str = "") -> dict[str, bytes]:
    """Encode the OBJ file and its material file, which names `texture.png` beside them.

    Args:
        mesh: Head with texture coordinates, meters; its vertex order is kept.
        comment: Comment lines at the top of both files.

    Returns:
        File names and contents; all references are relative.
    """
    material = [
        *(f"# {line}" for line in comment.splitlines()),
        f"newmtl {_MATERIAL}",
        "Ka 1 1 1",
        "Kd 1 1 1",
        "Ks 0.04 0.04 0.04",
        "Ns 10",
        "illum 2",
        f"map_Kd {TEXTURE}",
    ]
    return {
        OBJ: obj.encode(mesh, mtllib=MTL, material=_MATERIAL, comment=comment),
        MTL: ("\n".join(material) + "\n").encode("ascii", "backslashreplace"),
    }
