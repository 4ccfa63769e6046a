"""Format of error messages."""

from headform.errors import HeadformError
from headform.io.printable import printable


def error_line(error: HeadformError) -> str:
    """Format as `error [code]: message (location). Hint.` on one line, with names escaped."""
    place = f" ({printable(error.location)})" if error.location else ""
    hint = " ".join(error.hint.split()).rstrip(".")
    advice = f" {hint[0].upper()}{hint[1:]}." if hint else ""
    message = " ".join(error.message.split()).rstrip(".")
    return f"error [{error.code}]: {printable(message)}{place}.{printable(advice)}"
