"""The sheet of a model shows its mean, its modes and its expressions."""

from dataclasses import replace

import numpy as np
import torch

from headform.viz.model_sheets import COLUMNS, LABEL, TILE, model_sheet
from headform.viz.portrait import BACKGROUND


def tiles(sheet: np.ndarray) -> np.ndarray:
    rows = len(sheet) // (TILE + LABEL)
    grid = sheet.reshape(rows, TILE + LABEL, COLUMNS, TILE, 3)[:, LABEL:]
    return grid.transpose(0, 2, 1, 3, 4)


def drawn(tile: np.ndarray) -> float:
    return float((np.abs(tile.astype(int) - BACKGROUND).max(-1) > 3).mean())


def test_a_sheet_shows_everything_the_model_has(egg) -> None:
    sheet = model_sheet(egg)
    assert sheet.shape[1:] == (COLUMNS * TILE, 3)
    assert sheet.dtype == np.uint8
    grid = tiles(sheet)
    # mean and color, both ends of 4 modes, 2 colors, expressions that move something
    moving = int(egg.expression.flatten(1).any(1).sum())
    assert len(grid) == 4 + -(-moving // COLUMNS)
    for row, count in ((0, 4), (1, 4), (2, 4), (3, 4)):
        assert all(0.1 < drawn(tile) < 0.95 for tile in grid[row, :count])
        assert all((tile == 255).all() for tile in grid[row, count:])
    assert (np.abs(grid[1, :4].astype(int) - grid[2, :4]) > 8).any((1, 2, 3)).all()


def test_a_bare_model_is_drawn_too(egg) -> None:
    empty = torch.zeros(0, dtype=torch.int64)
    bare = replace(
        egg,
        landmark_vertices=torch.zeros((0, 3), dtype=torch.int64),
        landmark_weights=torch.zeros(0, 3),
        landmark_offset=torch.zeros(0, 3),
        expression=egg.expression[:0],
        expression_names=(),
        albedo_mean=torch.zeros(0, 3),
        albedo=torch.zeros(0, 0, 3),
        mirror=empty,
    )
    grid = tiles(model_sheet(bare))
    assert len(grid) == 3
    assert all(0.1 < drawn(tile) < 0.95 for tile in grid[0, :3])
