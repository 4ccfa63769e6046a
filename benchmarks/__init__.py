"""Measurements that the documentation quotes; each module has its own command line."""
