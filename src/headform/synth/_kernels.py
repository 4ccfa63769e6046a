"""Compiled inner loops of the generator: normals, cast shadows, shading of vertices.

V vertices, F faces, N lamps, S side of the picture (rendered at 2S), T side of a shadow map.
"""

import typing

from headform.kernels.jit import njit


@njit(cache=True, nogil=True, fastmath=True)
@typing.no_type_check
def vertex_normals_into(verts, faces, normals):
    """Area-weighted unit normals, as `mesh.normals`; verts (V, 3), faces (F, 3), normals (V, 3) written."""
    # A copy on purpose: in place and in single precision it takes 0.3 ms for the open head, the NumPy one 4 ms.
    normals[:] = 0
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ux = verts[b, 0] - verts[a, 0]
        uy = verts[b, 1] - verts[a, 1]
        uz = verts[b, 2] - verts[a, 2]
        wx = verts[c, 0] - verts[a, 0]
        wy = verts[c, 1] - verts[a, 1]
        wz = verts[c, 2] - verts[a, 2]
        x = uy * wz - uz * wy
        y = uz * wx - ux * wz
        z = ux * wy - uy * wx
        for k in (a, b, c):
            normals[k, 0] += x
            normals[k, 1] += y
            normals[k, 2] += z
    for i in range(normals.shape[0]):
        n = normals[i]
        r = 1.0 / (n[0] * n[0] + n[1] * n[1] + n[2] * n[2] + 1e-24) ** 0.5
        normals[i, 0] *= r
        normals[i, 1] *= r
        normals[i, 2] *= r


@njit(cache=True, nogil=True, fastmath=True)
@typing.no_type_check
def cast_shadow(verts, faces, direction, extent, bias, depth, lit):
    """Compute the share of a distant lamp's light that reaches each vertex.

    verts (V, 3) camera frame; direction (3,) toward the lamp; extent meters of the square map's half side around
    the vertices' own origin; depth (T, T) scratch; lit (V,) written, 0 shadowed to 1 lit (3 x 3 soft edge).
    """
    side = depth.shape[0]
    dx, dy, dz = direction[0], direction[1], direction[2]
    # an orthonormal frame around the direction
    if abs(dy) < 0.9:
        ax, ay, az = dz, 0.0, -dx
    else:
        ax, ay, az = 0.0, -dz, dy
    r = 1.0 / (ax * ax + ay * ay + az * az) ** 0.5
    ax, ay, az = ax * r, ay * r, az * r
    bx = dy * az - dz * ay
    by = dz * ax - dx * az
    bz = dx * ay - dy * ax
    depth[:] = -1e9
    scale = side / (2 * extent)
    half = side / 2.0
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        x0 = (verts[a, 0] * ax + verts[a, 1] * ay + verts[a, 2] * az) * scale + half
        x1 = (verts[b, 0] * ax + verts[b, 1] * ay + verts[b, 2] * az) * scale + half
        x2 = (verts[c, 0] * ax + verts[c, 1] * ay + verts[c, 2] * az) * scale + half
        left = max(0, int(min(x0, x1, x2) + 0.5))
        right = min(side - 1, int(max(x0, x1, x2) - 0.5))
        if right < left:
            continue
        y0 = (verts[a, 0] * bx + verts[a, 1] * by + verts[a, 2] * bz) * scale + half
        y1 = (verts[b, 0] * bx + verts[b, 1] * by + verts[b, 2] * bz) * scale + half
        y2 = (verts[c, 0] * bx + verts[c, 1] * by + verts[c, 2] * bz) * scale + half
        top = max(0, int(min(y0, y1, y2) + 0.5))
        bottom = min(side - 1, int(max(y0, y1, y2) - 0.5))
        if bottom < top:
            continue
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < 1e-9:
            continue
        inv = 1.0 / area
        z0 = verts[a, 0] * dx + verts[a, 1] * dy + verts[a, 2] * dz
        z1 = verts[b, 0] * dx + verts[b, 1] * dy + verts[b, 2] * dz
        z2 = verts[c, 0] * dx + verts[c, 1] * dy + verts[c, 2] * dz
        for row in range(top, bottom + 1):
            y = row + 0.5
            for column in range(left, right + 1):
                x = column + 0.5
                w1 = ((x - x0) * (y2 - y0) - (x2 - x0) * (y - y0)) * inv
                w2 = ((x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)) * inv
                if w1 >= 0 and w2 >= 0 and w1 + w2 <= 1:
                    z = z0 + w1 * (z1 - z0) + w2 * (z2 - z0)
                    if z > depth[row, column]:
                        depth[row, column] = z
    for i in range(verts.shape[0]):
        x = (verts[i, 0] * ax + verts[i, 1] * ay + verts[i, 2] * az) * scale + half
        y = (verts[i, 0] * bx + verts[i, 1] * by + verts[i, 2] * bz) * scale + half
        z = verts[i, 0] * dx + verts[i, 1] * dy + verts[i, 2] * dz
        column, row = int(x), int(y)
        free = 0
        for r0 in range(row - 1, row + 2):
            for c0 in range(column - 1, column + 2):
                if r0 < 0 or c0 < 0 or r0 >= side or c0 >= side or depth[r0, c0] < z + bias:
                    free += 1
        lit[i] = free / 9.0


@njit(cache=True, nogil=True, fastmath=True)
@typing.no_type_check
def shade(normals, albedo, gloss, occlusion, lit, ambient, directions, colors, hardness, shininess, out):
    """Radiance toward the camera per vertex; the camera looks along +z, all in the camera frame.

    Ambient light is a 9-coefficient polynomial of the normal; lamps wrap a little round the edge, red most, as skin
    does; highlights are Blinn-Phong. Everything linear RGB; out (V, 3) written.
    """
    for i in range(normals.shape[0]):
        x, y, z = normals[i, 0], normals[i, 1], normals[i, 2]
        shine = 0.0
        for c in range(3):
            light = ambient[0, c] + ambient[1, c] * y + ambient[2, c] * z + ambient[3, c] * x
            light += ambient[4, c] * x * y + ambient[5, c] * y * z + ambient[6, c] * (3 * z * z - 1)
            light += ambient[7, c] * x * z + ambient[8, c] * (x * x - y * y)
            out[i, c] = max(light, 0.01) * occlusion[i]
        spec0 = 0.0
        spec1 = 0.0
        spec2 = 0.0
        for k in range(directions.shape[0]):
            cosine = x * directions[k, 0] + y * directions[k, 1] + z * directions[k, 2]
            free = 1.0 - hardness * (1.0 - lit[k, i])
            for c in range(3):
                wrap = 0.22 - 0.07 * c
                diffuse = (cosine + wrap) / (1 + wrap)
                if diffuse > 0:
                    out[i, c] += colors[k, c] * diffuse * free
            if cosine > -0.1:
                hx = directions[k, 0]
                hy = directions[k, 1]
                hz = directions[k, 2] - 1.0
                r = 1.0 / (hx * hx + hy * hy + hz * hz + 1e-9) ** 0.5
                half = (x * hx + y * hy + z * hz) * r
                if half > 0:
                    shine = gloss[i] * half**shininess * free
                    spec0 += shine * colors[k, 0]
                    spec1 += shine * colors[k, 1]
                    spec2 += shine * colors[k, 2]
        out[i, 0] = out[i, 0] * albedo[i, 0] + spec0
        out[i, 1] = out[i, 1] * albedo[i, 1] + spec1
        out[i, 2] = out[i, 2] * albedo[i, 2] + spec2
