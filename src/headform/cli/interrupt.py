"""Recognition of Ctrl-C in disguise."""


def is_interrupt(error: BaseException | None) -> bool:
    """Return True if the user has interrupted the program.

    A compiled loop that is interrupted hands back its result together with the `KeyboardInterrupt`; Python makes a
    `SystemError` of that, whose cause is the interrupt.
    """
    if isinstance(error, SystemError):
        return is_interrupt(error.__cause__)
    return isinstance(error, KeyboardInterrupt)
