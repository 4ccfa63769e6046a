"""The command line: one small frozen dataclass per command, each a thin skin over a function."""
