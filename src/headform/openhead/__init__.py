"""Builder of the open head, from ICT-FaceKit Light."""
