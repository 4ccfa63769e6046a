"""From a head and a camera to a picture: rasterise, interpolate, shade, unwrap, visibility."""
