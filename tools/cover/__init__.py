"""Train `nets/assets/cover.safetensors`: the network that sees what hides a part of a face.

    python -m tools.cover DATA -o WORK [--steps N] [--seed N]

DATA is the folder of test data (its open portraits in `photos/london`, `canada` and `congress`); crops that take minutes are
kept in WORK. Portraits and synthetic faces are covered by drawn objects, whose outlines are the labels. No annotated test
photo is read, and one portrait in eight is held out (`tools.cover.faces.held_out`).
"""
