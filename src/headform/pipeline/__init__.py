"""From a photo to a head: detect, crop, read, fit, light, texture."""
