"""From a head and a camera to a picture: rasterize, interpolate, shade, unwrap, visibility."""
