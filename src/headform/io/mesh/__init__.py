"""Mesh files: OBJ, PLY, MeshLab picked points."""
