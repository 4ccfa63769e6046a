"""Pictures for people: drawn heads, sheets, overlays, error maps."""
