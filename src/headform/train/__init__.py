"""Training of the networks, one file per stage."""
