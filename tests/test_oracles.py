"""The oracles against numbers that were worked out by hand."""

import numpy as np

from tests.oracles import (
    EYE_PAIRS,
    LIP_PAIRS,
    cosine_identity,
    critic_loss,
    deca_landmark_weights,
    feature_similarity,
    flame_region_weights,
    generator_loss,
    gradient_penalty,
    half_squared_sum,
    image_to_pixel,
    laplacian_smoothness,
    light_gray,
    lin_released_schedule,
    lin_schedule,
    masked_photometric_l1,
    masked_pixel_l2,
    pair_distance_loss,
    permute_codes_within_subjects,
    rasterize_bruteforce,
    rasterize_perspective,
    region_weighted_vertices,
    sh_basis,
    sh_shading,
    symmetry,
    vertex_l2,
    weak_perspective,
    weighted_landmark_l1,
)


def test_by_hand() -> None:
    near = np.testing.assert_allclose
    w68, zero = deca_landmark_weights(), np.zeros((2, 68, 2))
    near(w68.sum(), 35 + 4 * 2 + 6 * 1.5 + 3 * 3 + 18 * 1.5 + 2 * 3)  # 94
    moved = zero.copy()
    moved[0, 30] = (0.4, -0.8)
    near(weighted_landmark_l1(moved, zero, w68), 0.5 * 3 * 1.2 / 188)
    seen = np.ones((2, 68))
    seen[1, 54] = 0
    near(weighted_landmark_l1(moved, zero, w68, seen), 0.5 * 3 * 1.2 / 188)
    near(weighted_landmark_l1(moved, zero, w68, seen, True), 3.6 / (2 * (94 + 91)))
    moved[0, 37] = (3, 4)
    near(pair_distance_loss(moved, zero, EYE_PAIRS), 5 / 8)
    near(pair_distance_loss(moved, zero, LIP_PAIRS), 0)
    a, b, m = np.zeros((1, 3, 2, 2)), np.zeros((1, 3, 2, 2)), np.array([[[1, 1], [0, 0]]])
    a[0, :, 0, 0], a[0, :, 1, 1] = (1, 2, -2), 9
    near([masked_photometric_l1(a, b, m), masked_pixel_l2(a, b, m)], [5 / 12, 3 / 2])
    near(cosine_identity([[1, 0], [3, 4]], [[0, 2], [6, 8]]), 0.5)
    near(feature_similarity([[0, 0], [1, 1]], [[1, 0], [-2, -2]]), 1.5)
    near(permute_codes_within_subjects([[1], [2], [3]], [7, 8, 7], [2, 1, 0]), [[3], [2], [1]])
    masks = dict(face=[0, 1], left_eyeball=[1, 2], right_eyeball=[], left_ear=[3], right_ear=[])
    kappa = flame_region_weights(masks, 5)
    near(kappa, [150, 150, 0.01, 0.01, 1])
    p, q = np.zeros((1, 5, 3)), np.zeros((1, 5, 3))
    p[0, 0], p[0, 4] = (0.001, -0.002, 0), (0, 3, 4)
    near(region_weighted_vertices(p, q, kappa), 1000 * (150 * 0.003 + 7) / 15)
    near(vertex_l2(p, q), (np.sqrt(5e-6) + 5) / 5)
    near(laplacian_smoothness([[[0.0], [2.0], [4.0], [9.0]]], [[0, 1, 2]]), (9 + 0 + 9) / 4)
    near(symmetry([[[0.0], [3.0], [1.0]]], [1, 0, 2], 0.0), 2.0)
    near([half_squared_sum([[1, 2], [2, 1]]), light_gray(np.tile([0.0, 3.0, 6.0], (2, 9, 1)))], [5, 6])
    near([critic_loss([1, 3], [0, 1]), generator_loss([1, 3])], [-1.5, -2])
    near(gradient_penalty(lambda x: np.full(x.shape, 0.5), np.ones((2, 1, 2, 2)), np.zeros((2, 1, 2, 2)), [0, 1]), 0)
    near(gradient_penalty(np.zeros_like, np.ones((2, 4)), np.zeros((2, 4)), [0.2, 0.7]), 10)
    near(gradient_penalty(lambda x: 2 * x, [[1.0], [1]], [[0.0], [0]], [0.25, 1.0]), 10 * (0.25 + 1) / 2)
    near([lin_schedule(e, 5) for e in (0, 2, 5, 9)], [(0, 1), (0.4, 0.6), (1, 0), (1, 0)])
    near([lin_released_schedule(e) for e in (0, 1, 5)], [(0, 1), (0.2, 0.8), (1, 0.2)])
    near(weak_perspective([[[0.1, 0.2, 0.3]]], [[5, 0.02, -0.1]]), [[[0.6, -0.5, -1.5]]])
    near(image_to_pixel([-1, -1 + 1 / 224, 1], 224), [0, 0.5, 224])
    near(sh_basis([0, 0, 1]), [0.2820948, 0, 0, 1.0233267, 0, 0, 0, 0, 0.4954159], atol=1e-7)
    near(
        sh_basis([0.6, 0.8, 0])[[0, 1, 2, 4, 7, 8]],
        [0.2820948, 0.613996, 0.8186614, 0.4118810, -0.1201320, -0.247708],
        atol=1e-6,
    )
    near(sh_shading([[[0, 1, 0]]], np.eye(9)[None, :, 1:4])[0, 0], [0, 1.0233267, 0], atol=1e-7)
    xy, tri = np.array([(0, 0), (4, 0), (0, 4), (4, 4)]), [[0, 1, 2], [1, 2, 3], [0, 2, 1]]
    index, bary, z = rasterize_bruteforce(xy, [1, 1, 1, 5], tri, 4, 5)
    near(index[:, :4], [[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 1], [0, 1, 1, 1]])  # ties and diagonal: face 0
    near([index[0, 4], bary[0, 0, 0], bary[0, 1, 1], z[3, 3], z[0, 0]], [-1, 0.75, 0.375, 4.0, 1.0])
    front = rasterize_bruteforce(np.vstack([xy, xy]), [2] * 4 + [1] * 4, [[0, 1, 2], [4, 6, 5]], 4, 4)[0]
    near(front[0, 0], 1)  # nearer face wins although it winds the other way
    index, bary, z = rasterize_perspective(xy, [1, 2, 4, 1], tri[:1], 4, 4)
    near(bary[0, 0] * (24 + 2 + 1), [24, 2, 1])  # (3/4, 1/8, 1/8) / (1, 2, 4) = (24, 2, 1) / 32
    near(z[0, 0], 32 / 27)
