"""Compiled lighting of vertices: irradiance and specular radiance, of skin and of strands of hair.

W vertices, F triangles, N lamps. Linear RGB; the camera looks along +z, all in the camera frame.
"""

import typing

from headform.kernels.jit import njit


@njit(cache=True, nogil=True, fastmath=True)
@typing.no_type_check
def light_vertices(
    normals, tangents, strands, gloss, occlusion, lit, ambient, directions, colors, softness, hardness, shininess,
    light, shine,
):  # fmt: skip
    """Compute the light that reaches each vertex and what it mirrors to the camera.

    Ambient light is a 9-coefficient polynomial of the normal; lamps wrap a little round the edge, red most, as skin does,
    and more the larger they are; highlights are Blinn-Phong on surfaces and Kajiya-Kay on strands ("Rendering Fur with Three
    Dimensional Textures", 1989).

    normals, tangents (W, 3), tangents used where `strands` (W,) is true; gloss, occlusion (W,); lit (N, W) 0..1; ambient
    (9, 3); directions, colors (N, 3); softness (N,) 0 sharp to 1; light (irradiance over pi), shine (W, 3) written.
    """
    for i in range(normals.shape[0]):
        x, y, z = normals[i, 0], normals[i, 1], normals[i, 2]
        strand = strands[i]
        for c in range(3):
            value = ambient[0, c] + ambient[1, c] * y + ambient[2, c] * z + ambient[3, c] * x
            value += ambient[4, c] * x * y + ambient[5, c] * y * z + ambient[6, c] * (3 * z * z - 1)
            value += ambient[7, c] * x * z + ambient[8, c] * (x * x - y * y)
            light[i, c] = max(value, 0.01) * occlusion[i]
            shine[i, c] = 0.25 * gloss[i] * light[i, c] * (1.0 + z) if not strand else 0.0
        for k in range(directions.shape[0]):
            lx, ly, lz = directions[k, 0], directions[k, 1], directions[k, 2]
            cosine = x * lx + y * ly + z * lz
            free = 1.0 - hardness * (1.0 - lit[k, i])
            free *= 0.35 + 0.65 * occlusion[i]
            narrow = 1.0
            if strand:
                along = tangents[i, 0] * lx + tangents[i, 1] * ly + tangents[i, 2] * lz
                narrow = 0.35 + 0.65 * (max(0.0, 1.0 - along * along)) ** 0.5
            for c in range(3):
                wrap = 0.20 - 0.07 * c + 0.3 * softness[k]
                diffuse = (cosine + wrap) / (1 + wrap)
                if diffuse > 0:
                    light[i, c] += colors[k, c] * diffuse * free * narrow / (1 + 0.5 * wrap)
            hx, hy, hz = lx, ly, lz - 1.0
            r = 1.0 / (hx * hx + hy * hy + hz * hz + 1e-9) ** 0.5
            gleam = 0.0
            if strand:
                across = (tangents[i, 0] * hx + tangents[i, 1] * hy + tangents[i, 2] * hz) * r
                if cosine > -0.3:
                    gleam = (max(0.0, 1.0 - across * across)) ** (0.9 * shininess) * min(1.0, cosine + 0.3)
            elif cosine > -0.1:
                half = (x * hx + y * hy + z * hz) * r
                if half > 0:
                    gleam = half ** (shininess * (1.0 - 0.6 * softness[k]))
            gleam *= gloss[i] * free
            for c in range(3):
                shine[i, c] += gleam * colors[k, c]


@njit(cache=True, nogil=True, fastmath=True)
@typing.no_type_check
def strand_tangents(verts, faces, uv, tangents):
    """Unit tangents along falling v of the texture, the direction in which strands grow; tangents (P, 3) written."""
    tangents[:] = 0
    for f in range(faces.shape[0]):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        du1, dv1 = uv[j, 0] - uv[i, 0], uv[j, 1] - uv[i, 1]
        du2, dv2 = uv[k, 0] - uv[i, 0], uv[k, 1] - uv[i, 1]
        area = du1 * dv2 - du2 * dv1
        sign = -1.0 if area > 0 else 1.0
        for n in range(3):
            a, b = verts[j, n] - verts[i, n], verts[k, n] - verts[i, n]
            along = sign * (b * du1 - a * du2)
            tangents[i, n] += along
            tangents[j, n] += along
            tangents[k, n] += along
    for i in range(tangents.shape[0]):
        t = tangents[i]
        r = 1.0 / (t[0] * t[0] + t[1] * t[1] + t[2] * t[2] + 1e-24) ** 0.5
        tangents[i, 0] *= r
        tangents[i, 1] *= r
        tangents[i, 2] *= r


@njit(cache=True, nogil=True, fastmath=True)
@typing.no_type_check
def fill_background(index, background, scale, radiance, shown):
    """Write a linear background (B, B, 3), stretched, times `scale` where the raster (R, R) shows nothing, class 0."""
    side, rows = index.shape[0], background.shape[0]
    for row in range(side):
        for column in range(side):
            if index[row, column] < 0:
                for n in range(3):
                    radiance[row, column, n] = background[row * rows // side, column * rows // side, n] * scale
                shown[row, column] = 0
