"""FLAME: the head, its 486-number code, and its compiled decoding on a CPU."""
