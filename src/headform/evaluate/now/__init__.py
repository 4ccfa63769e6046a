"""The NoW benchmark: a folder of scans, a folder of predictions, one table."""
