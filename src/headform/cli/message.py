"""How a failure is printed.

No arrays here, hence no letters.
"""

from headform.errors import HeadformError


def error_line(error: HeadformError) -> str:
    """`error [code]: what (where). Fix.`, on one line."""
    place = f" ({error.where})" if error.where else ""
    advice = f" {error.fix[0].upper()}{error.fix[1:].rstrip('.')}." if error.fix else ""
    return " ".join(f"error [{error.code}]: {error.what.rstrip('.')}{place}.{advice}".split())
