"""Independent float64 NumPy oracles for the losses, camera, shading and rasterizer of the two papers."""

import numpy as np

EYE_PAIRS = ((37, 41), (38, 40), (43, 47), (44, 46))
LIP_PAIRS = ((61, 67), (62, 66), (63, 65))


def _f64(array):
    """Convert to float64."""
    return np.asarray(array, dtype=np.float64)


def deca_landmark_weights():
    """Weights of the 68 landmarks, (68,). Feng et al. 2021 (DECA)."""
    weights = np.ones(68)
    weights[[5, 6, 10, 11]] = 2.0
    weights[27:36] = 1.5
    weights[48:68] = 1.5
    weights[[30, 31, 35, 48, 54]] = 3.0
    return weights


def weighted_landmark_l1(predicted, target, weights, visible=None, normalize_by_visible=False):
    """Mean over the batch of sum_k w_k v_k (|dx| + |dy|) / (2 sum_k w_k). Feng et al. 2021 (DECA).

    With normalize_by_visible, visibility also enters the denominator and the sums run over the whole batch:
    sum_bk w_k v_bk (|dx| + |dy|) / (2 sum_bk w_k v_bk). The two forms agree when all landmarks are visible.
    """
    predicted, target, weights = _f64(predicted), _f64(target), _f64(weights)
    visible = np.ones(predicted.shape[:2]) if visible is None else _f64(visible)
    weighted = weights * visible * np.abs(predicted - target).sum(axis=2)
    if normalize_by_visible:
        return weighted.sum() / (2.0 * (weights * visible).sum())
    return np.mean(weighted.sum(axis=1) / (2.0 * weights.sum()))


def pair_distance_loss(predicted, target, pairs):
    """Mean over batch and pairs of | ||p_a - p_b|| - ||q_a - q_b|| |. Feng et al. 2021 (DECA)."""
    return np.mean(
        [
            abs(np.linalg.norm(p[a] - p[b]) - np.linalg.norm(q[a] - q[b]))
            for p, q in zip(_f64(predicted), _f64(target), strict=True)
            for a, b in pairs
        ]
    )


def masked_photometric_l1(rendered, image, mask):
    """Mean over all pixels and channels of mask |I_r - I|, not divided by the mask area. Feng et al. 2021 (DECA)."""
    return np.mean(_f64(mask)[:, None] * np.abs(_f64(rendered) - _f64(image)))


def masked_pixel_l2(rendered, image, mask):
    """Sum of mask ||I - R'||_2 over sum of mask, both over the whole batch; norm over RGB. Lin et al. 2020, L_pix."""
    distance = np.sqrt(((_f64(rendered) - _f64(image)) ** 2).sum(axis=1))
    return (_f64(mask) * distance).sum() / _f64(mask).sum()


def _cosines(f, g, eps):
    """Cosines of the rows, with each norm floored at eps."""
    f, g = _f64(f), _f64(g)
    norms = [np.maximum(np.linalg.norm(x, axis=1), eps) for x in (f, g)]
    return (f * g).sum(axis=1) / (norms[0] * norms[1])


def cosine_identity(f, g):
    """Mean of 1 - <f, g> / (||f|| ||g||). Lin et al. 2020, L_id; Feng et al. 2021 (DECA)."""
    return np.mean(1.0 - _cosines(f, g, 0.0))


def feature_similarity(f, f_star, eps=1e-8):
    """Mean of 1 - cos(f, f*) with floored norms, so a zero code costs 1. Xu et al. 2024, eqs. 5-6 (cosine inferred)."""
    return np.mean(1.0 - _cosines(f, f_star, eps))


def permute_codes_within_subjects(codes, subject_ids, permutation):
    """Exchange codes inside each subject: row i becomes codes[permutation[i]]. Feng et al. 2021 (DECA)."""
    codes, subject_ids, permutation = (np.asarray(x) for x in (codes, subject_ids, permutation))
    if sorted(permutation.tolist()) != list(range(len(codes))):
        raise ValueError("not a permutation of the batch")
    if not np.array_equal(subject_ids[permutation], subject_ids):
        raise ValueError("the permutation mixes subjects")
    return codes[permutation].copy()


def flame_region_weights(masks, vertex_count=5023):
    """Weights (V,) assigned in the order all 1, eyeballs 0.01, ears 0.01, face 150. Zielonka et al. 2022 (MICA).

    The masks map face, left_eyeball, right_eyeball, left_ear and right_ear to vertex indices.
    """
    weights = np.ones(vertex_count)
    for name in ("left_eyeball", "right_eyeball", "left_ear", "right_ear"):
        weights[np.asarray(masks[name], dtype=int)] = 0.01
    weights[np.asarray(masks["face"], dtype=int)] = 150.0
    return weights


def region_weighted_vertices(predicted, target, weights, scale=1000.0):
    """Mean over (B, V, 3) of kappa_i |v_i - v_i*| times scale. Xu et al. 2024, eq. 4 (norm and mean as in MICA)."""
    return scale * np.mean(_f64(weights)[None, :, None] * np.abs(_f64(predicted) - _f64(target)))


def vertex_l2(x, x_prime):
    """Mean over batch and vertices of ||x_i - x'_i||_2. Lin et al. 2020, L_vert."""
    return np.mean(np.sqrt(((_f64(x) - _f64(x_prime)) ** 2).sum(axis=-1)))


def laplacian_smoothness(signal, faces):
    """Mean over B and V of ||x_i - mean of its neighbors||^2, uniform weights; isolated vertices add 0."""
    signal = _f64(signal)
    neighbors = [set() for _ in range(signal.shape[1])]
    for a, b, c in np.asarray(faces).tolist():
        neighbors[a] |= {b, c}
        neighbors[b] |= {a, c}
        neighbors[c] |= {a, b}
    terms = np.zeros(signal.shape[:2])
    for i, ring in enumerate(neighbors):
        if ring:
            terms[:, i] = ((signal[:, i] - signal[:, sorted(ring)].mean(axis=1)) ** 2).sum(axis=-1)
    return terms.mean()


def symmetry(signal, mirror, eps=1e-8):
    """Mean over B and V of sqrt(||x_i - x_mirror(i)||^2 + eps). Lin et al. 2020, released code, L_sym."""
    signal = _f64(signal)
    return np.mean(np.sqrt(((signal - signal[:, np.asarray(mirror)]) ** 2).sum(axis=-1) + eps))


def half_squared_sum(code):
    """Sum over batch and components of code^2 / 2. Feng et al. 2021 (DECA), shape, expression and texture."""
    return 0.5 * (_f64(code) ** 2).sum()


def light_gray(light):
    """Mean of (mean_rgb(l) - l)^2 for l of shape (B, 9, 3). Feng et al. 2021 (DECA)."""
    light = _f64(light)
    return np.mean((light.mean(axis=2, keepdims=True) - light) ** 2)


def critic_loss(real_scores, fake_scores):
    """Difference E[D(fake)] - E[D(real)], without the penalty. Lin et al. 2020, L_adv."""
    return np.mean(_f64(fake_scores)) - np.mean(_f64(real_scores))


def generator_loss(fake_scores):
    """Negative mean score -E[D(fake)]. Gulrajani et al. 2017 (WGAN-GP)."""
    return -np.mean(_f64(fake_scores))


def gradient_penalty(critic_gradient, real, fake, epsilon, weight=10.0):
    """Penalty weight E[(||grad D(x_hat)||_2 - 1)^2]. Gulrajani et al. 2017 (WGAN-GP); Lin et al. 2020, L_adv.

    x_hat = eps real + (1 - eps) fake with one eps per item, epsilon (B,); critic_gradient maps x_hat (B, ...)
    to dD/dx_hat of the same shape; the norm runs over all entries of an item.
    """
    real, fake = _f64(real), _f64(fake)
    eps = _f64(epsilon).reshape((len(real),) + (1,) * (real.ndim - 1))
    norms = np.array([np.sqrt((g**2).sum()) for g in _f64(critic_gradient(eps * real + (1.0 - eps) * fake))])
    return weight * np.mean((norms - 1.0) ** 2)


def lin_schedule(epoch, epochs):
    """Pair (sigma1, sigma4) = (clip(epoch / N, 0, 1), 1 - sigma1). Lin et al. 2020, total loss (linear inferred)."""
    sigma1 = min(max(epoch / epochs, 0.0), 1.0)
    return sigma1, 1.0 - sigma1


def lin_released_schedule(epoch):
    """Pair (ren, ref) = (clip(0.2 epoch, 0, 1), clip(1 - ren, 0.2, 1)). Lin et al. 2020, released code."""
    ren = min(max(0.2 * epoch, 0.0), 1.0)
    return ren, min(max(1.0 - ren, 0.2), 1.0)


def weak_perspective(points, camera):
    """Project (B, V, 3) with camera (B, 3) = [s, tx, ty] to (B, V, 3). Feng et al. 2021 (DECA).

    (s (x + tx), -s (y + ty), -s z): x and y are image coordinates in [-1, 1] with y down.
    """
    points, camera = _f64(points), _f64(camera)
    s, tx, ty = (camera[:, k, None] for k in range(3))
    return np.stack([s * (points[..., 0] + tx), -s * (points[..., 1] + ty), -s * points[..., 2]], axis=-1)


def image_to_pixel(xy, size):
    """Pixel coordinates (x + 1) S / 2: -1 is the left or top border, the first pixel center is 0.5."""
    return (_f64(xy) + 1.0) * size / 2.0


def sh_basis(normals):
    """Second-order SH basis times DECA's constants, (..., 3) -> (..., 9). Feng et al. 2021 (DECA)."""
    nx, ny, nz = np.moveaxis(_f64(normals), -1, 0)
    pi, c0 = np.pi, 1.0 / np.sqrt(4.0 * np.pi)
    c1 = (2.0 * pi / 3.0) * np.sqrt(3.0 / (4.0 * pi))
    c4 = (pi / 4.0) * 3.0 * np.sqrt(5.0 / (12.0 * pi))
    c7 = (pi / 4.0) * 1.5 * np.sqrt(5.0 / (12.0 * pi))
    c8 = (pi / 4.0) * 0.5 * np.sqrt(5.0 / (4.0 * pi))
    return np.stack(
        [
            c0 * np.ones_like(nx),
            c1 * nx,
            c1 * ny,
            c1 * nz,
            c4 * nx * ny,
            c4 * nx * nz,
            c4 * ny * nz,
            c7 * (nx**2 - ny**2),
            c8 * (3.0 * nz**2 - 1.0),
        ],
        axis=-1,
    )


def sh_shading(normals, light):
    """Shading sum_k Y_k(n) l_k for normals (B, N, 3) and light (B, 9, 3), (B, N, 3). Feng et al. 2021 (DECA)."""
    return np.einsum("bnk,bkc->bnc", sh_basis(normals), _f64(light))


def _rasterize(xy, depth, faces, height, width, perspective, tolerance=1e-12):
    """Rasterize every face over its bounding box; see the two public functions."""
    xy, depth = _f64(xy), _f64(depth)
    face_index = np.full((height, width), -1, dtype=int)
    barycentric, zbuffer = np.zeros((height, width, 3)), np.full((height, width), np.inf)
    for f, face in enumerate(np.asarray(faces)):
        (ax, ay), (bx, by), (cx, cy) = xy[face]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0.0 or (perspective and (depth[face] <= 0.0).any()):
            continue
        first = np.maximum(np.floor(xy[face].min(axis=0)).astype(int) - 1, 0)
        last = np.minimum(np.ceil(xy[face].max(axis=0)).astype(int) + 1, (width, height))
        for row in range(first[1], last[1]):
            for column in range(first[0], last[0]):
                px, py = column + 0.5, row + 0.5
                w = (
                    np.array(
                        [
                            (bx - px) * (cy - py) - (by - py) * (cx - px),
                            (cx - px) * (ay - py) - (cy - py) * (ax - px),
                            (ax - px) * (by - py) - (ay - py) * (bx - px),
                        ]
                    )
                    / area
                )
                if w.min() < -tolerance:
                    continue
                z = 1.0 / (w / depth[face]).sum() if perspective else w @ depth[face]
                w = w / depth[face] * z if perspective else w
                if z < zbuffer[row, column] - tolerance * max(1.0, abs(z)):
                    face_index[row, column], barycentric[row, column], zbuffer[row, column] = f, w, z
    return face_index, barycentric, zbuffer


def rasterize_bruteforce(xy, depth, faces, height, width):
    """Rasterize with screen-space barycentrics: face_index (H, W), barycentric (H, W, 3), depth (H, W).

    xy (V, 2) is in pixels, x right and y down, centers at +0.5. Smaller depth is nearer, ties go to the lower
    face index, edges are inside, back faces are kept. Background: index -1, barycentric 0, depth inf.
    """
    return _rasterize(xy, depth, faces, height, width, perspective=False)


def rasterize_perspective(xy, camera_z, faces, height, width):
    """Rasterize with perspective-correct barycentrics b_i / z_i / sum_j b_j / z_j and depth 1 / sum_j b_j / z_j.

    xy (V, 2) is already projected to pixels; camera_z is positive in front; faces with a z <= 0 are dropped.
    """
    return _rasterize(xy, camera_z, faces, height, width, perspective=True)
