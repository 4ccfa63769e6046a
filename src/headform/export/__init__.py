"""Files out: one module per format, and `write` as the front for a whole reconstruction."""
