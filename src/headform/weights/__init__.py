"""Weights on disk: safetensors with a schema, model cards, and pickles read as data.

Import the modules themselves; this one stays empty because the pickle child process imports it and
must not pull in torch.
"""
