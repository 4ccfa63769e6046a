"""The builder of the open head, from ICT-FaceKit Light."""
