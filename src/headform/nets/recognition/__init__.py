"""Face recognition networks under their published tensor names, with their crops and one loader."""
