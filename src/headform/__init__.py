"""One photo in, a textured, animatable 3D head out; head models, rendering, losses and training to build on.

Start with `Reconstructor.load().reconstruct("photo.jpg")`. The public API is what the packages export: `dir(headform)`,
`dir(headform.render)`; modules whose name begins with an underscore are private.

    data            mesh sets in correspondence, annotated photos
    evaluate        evaluation against ground truth: landmarks68, scan, now, rendered_scans, images, meshes
    export          GLB, OBJ, PLY, parameters, reports; the folder of a result
    fit             a head to landmarks, light and albedo to a photo, texture baking
    geometry        cameras, rotations, head angles, similarities, spherical harmonics, units, landmark schemes
    graph           Chebyshev graph convolution and resampling on meshes
    heads           head models (LinearHead, FlameHead) and their coefficients
    images          photos in: decoding, color, sampling, warping
    importers       third-party head models: FLAME, Basel, Surrey, LSFM, FaceWarehouse, ICT, GNM and others
    io              files: safetensors models, foreign checkpoints, meshes
    losses          losses of both papers
    mesh            topology, normals, simplification, hierarchies, closest points
    nets            networks: detection, landmarks, recognition, identity, mesh autoencoder
    pipeline        photo to reconstruction
    registration    a head model fitted to a scan
    render          rasterization, shading, batched differentiable rendering
    synth           synthetic faces with labels
    train           trainer and training stages
    viz             pictures for people

Everything loads on first use, so `import headform` costs nothing.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, _, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = sorted([*_names, "__version__"])


def __dir__() -> list[str]:
    return __all__
