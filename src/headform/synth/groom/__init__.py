"""Hair, beards, lashes and hats of synthetic people, cut and combed anew for each."""
