"""Scans rendered from all sides, reconstructed, and compared with the scan."""
