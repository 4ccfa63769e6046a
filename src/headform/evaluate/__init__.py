"""Evaluation against ground truth: landmarks, scans, the NoW benchmark, renderings, meshes."""
