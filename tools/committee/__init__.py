"""Make `nets/assets/committee.safetensors`: where MediaPipe's points lie on the open head, and how each network errs.

    python -m tools.committee DATA -o WORK [--leave-out K]

DATA is the folder of test data (its `models/mediapipe_canonical` and the open portraits of `photos/london`, `canada` and
`congress`); readings that take minutes are kept in WORK. No annotated test photo is read.
"""
