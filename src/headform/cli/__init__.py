"""The command line: one small frozen dataclass per command, each a thin layer over a function."""
