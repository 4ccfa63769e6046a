"""Face recognition networks under their published names, with their crops and one loader."""
