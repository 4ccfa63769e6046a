"""Measuring results against truths: 68 points on photos, identity on made people."""
