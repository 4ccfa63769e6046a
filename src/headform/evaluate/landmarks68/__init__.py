"""68 landmarks, head pose and contours of photos against annotations."""
