"""Photos in: files and arrays to upright 8-bit sRGB, or a typed refusal."""
