"""Format of error messages."""

from headform.errors import HeadformError


def error_line(error: HeadformError) -> str:
    """Format as `error [code]: message (location). Hint.` on one line."""
    place = f" ({error.location})" if error.location else ""
    advice = f" {error.hint[0].upper()}{error.hint[1:].rstrip('.')}." if error.hint else ""
    return " ".join(f"error [{error.code}]: {error.message.rstrip('.')}{place}.{advice}".split())
