"""The files of the test data that tests, tables and benchmarks name, below the data folder.

Whoever writes a test that reads another file adds it here: `make test-data` and, where the folder
is there, `make test` fail when one is absent.
"""

FILES: tuple[str, ...] = (
    "README.md",
    "ict_facekit/LICENSE",
    "ict_facekit/all_modes.npz",
    "ict_facekit/FaceXModel/generic_neutral_mesh.obj",
    "ict_facekit/FaceXModel/identity000.obj",
    "ict_facekit/FaceXModel/identity001.obj",
    "ict_facekit/FaceXModel/identity057.obj",
    "ict_facekit/FaceXModel/eyeBlink_R.obj",
    "ict_facekit/FaceXModel/jawOpen.obj",
    "ict_facekit/FaceXModel/mouthSmile_L.obj",
    "ict_facekit/FaceXModel/mouthUpperUp_L.obj",
    "ict_facekit/FaceXModel/vertex_indices.json",
    "nets/critics/face_landmark.onnx",
    "nets/critics/face_landmarks_detector.onnx",
    "nets/critics/landmarks_68_pfld.onnx",
    "nets/yunet/yunet_n_dynamic.onnx",
    "photos/landmarks68.json",
    "photos/ibug_lfpw/image_0001.pts",
    "photos/skimage/astronaut.png",
    "scans/meshmonk/SIMPOP_10.obj",
    "scans/meshmonk/simpop_all.npz",
)

FACES = 49
"""Annotated faces in `photos/landmarks68.json`; the photo of each must be there too."""
