"""The small head with its texture, photo and result."""

from tests.export.conftest import egg, photo, result, texture  # noqa: F401
