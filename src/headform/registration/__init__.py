"""A head model fitted to a scan or to another mesh."""
