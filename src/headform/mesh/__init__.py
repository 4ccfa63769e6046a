"""Triangle meshes: topology, normals, simplification, and the files they come in."""
