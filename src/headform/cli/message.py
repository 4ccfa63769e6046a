"""How a failure is printed."""

from headform.errors import HeadformError


def error_line(error: HeadformError) -> str:
    """`error [code]: what (where). Fix.`, on one line."""
    place = f" ({error.location})" if error.location else ""
    advice = f" {error.hint[0].upper()}{error.hint[1:].rstrip('.')}." if error.hint else ""
    return " ".join(f"error [{error.code}]: {error.message.rstrip('.')}{place}.{advice}".split())
