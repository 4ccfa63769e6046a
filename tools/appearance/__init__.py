"""Make the asset of synthetic faces: hair, brows, lashes, eyes, skins, a hat and shoulders of MakeHuman on the open head.

    python -m tools.appearance --data ../shared/data --out src/headform/synth/assets/appearance.safetensors

MakeHuman's body is registered to the open head's mean shape (`alignment`), its pieces are carried along (`pieces`) and bound
to the open head's vertices (`binding`), and their pictures are packed (`pictures`, `brows`, `skins`).
"""
