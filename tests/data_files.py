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
    "models/eos_sfm/expression_blendshapes_3448.bin",
    "models/eos_sfm/ibug_to_sfm.txt",
    "models/eos_sfm/sfm_shape_3448.bin",
    "models/eos_sfm/sfm_shape_3448.npz",
    "models/scalismo_random_momo/random-momo.h5",
    "now_golden/fixture.npz",
    "now_golden/reference_distances_metrical.npy",
    "now_golden/reference_distances_nonmetrical.npy",
    "photos/landmarks68.json",
    "photos/aflw2000_prnet/image00050.mat",
    "photos/aflw2000_prnet/image00081.mat",
    "photos/aflw2000_prnet/image00251.mat",
    "photos/aflw2000_prnet/image00430.mat",
    "photos/aflw2000_prnet/image00475.mat",
    "photos/aflw2000_prnet/image00514.mat",
    "photos/aflw2000_prnet/image00516.mat",
    "photos/aflw2000_prnet/image01038.mat",
    "photos/aflw2000_prnet/image01322.mat",
    "photos/aflw2000_prnet/image02283.mat",
    "photos/aflw2000_prnet/image02420.mat",
    "photos/aflw2000_prnet/image02545.mat",
    "photos/aflw2000_prnet/image02616.mat",
    "photos/aflw2000_prnet/image03324.mat",
    "photos/aflw2000_prnet/image03614.mat",
    "photos/aflw2000_prnet/image04331.mat",
    "photos/aflw2000_prnet/image00475.mat",
    "photos/dlib_faces/training_with_face_landmarks.xml",
    "photos/ibug_lfpw/image_0001.pts",
    "photos/skimage/astronaut.png",
    "scans/meshmonk/SIMPOP_10.obj",
    "scans/meshmonk/simpop_all.npz",
)

FACES = 49
"""Annotated faces in `photos/landmarks68.json`; the photo of each must be there too."""
