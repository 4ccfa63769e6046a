"""The error contract: every failure a person can cause has a stable code and an exit code.

| exit code | meaning |
|---|---|
| 0 | all went well |
| 2 | the command or configuration is wrong (`UsageError`) |
| 3 | the input cannot be read (`InputError`) |
| 4 | no usable face in it (`FaceError`) |
| 5 | a model or its weights are wrong (`WeightsError`) |
| 6 | a resource ran out (`ResourceError`) |
| 7 | some inputs of a batch failed |
| 130 | interrupted |
"""

import difflib
from collections.abc import Collection
from typing import ClassVar

SUCCESS = 0
PARTIAL = 7
INTERRUPTED = 130


class HeadformError(Exception):
    """A failure that is explained to the person who caused it, never shown as a traceback.

    Args:
        code: Stable, machine-readable name such as `image_truncated`; programs may match on it.
        message: The problem, one clause.
        location: The file, field or array; empty when the message says it all.
        hint: The remedy; empty when there is none to advise.

    Attributes:
        code: Stable identifier of the error, as given.
        exit_code: Exit status of a command that ends with this error.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, message: str, location: str = "", hint: str = "") -> None:
        self.code, self.message, self.location, self.hint = code, message, location, hint
        super().__init__(code, message, location, hint)  # all four, so that pickling keeps them

    def __str__(self) -> str:
        place = f" ({self.location})" if self.location else ""
        advice = f"; {self.hint}" if self.hint else ""
        return f"{self.message}{place}{advice}"


class UsageError(HeadformError, ValueError):
    """The command line, an option or a configuration is wrong."""

    exit_code = 2


class InputError(HeadformError, ValueError):
    """A photo, mesh or table that was handed in cannot be read."""

    exit_code = 3


class FaceError(HeadformError):
    """The picture is fine but holds no face that can be used."""

    exit_code = 4


class WeightsError(HeadformError):
    """A head model or a network's weights are missing, damaged, unsafe or do not fit."""

    exit_code = 5


class ResourceError(HeadformError):
    """Memory, disk or time ran out, or an output place cannot be written."""

    exit_code = 6


class MeshWarning(UserWarning):
    """A mesh is used, but has parts that its operators do not connect."""


def check_choice(value: object, choices: Collection[str], option: str, where: str = "") -> None:
    """Refuse a value of an option that is none of its choices.

    Args:
        value: Value that was given.
        choices: Values that the option takes.
        option: Name of the option.
        where: Function or class whose option it is.

    Raises:
        UsageError: `option_unknown`.
    """
    if isinstance(value, str) and value in choices:
        return
    listed = ", ".join(repr(choice) for choice in choices)
    near = difflib.get_close_matches(str(value), choices, 1)
    hint = f"did you mean {near[0]!r}?" if near else ""
    raise UsageError("option_unknown", f"{option} must be one of {listed}, got {value!r}"[:300], where, hint)
