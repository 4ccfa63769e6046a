"""Readers of others' head models, one module each."""
