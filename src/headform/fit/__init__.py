"""Fit a head to points, to a picture, to a mesh."""
