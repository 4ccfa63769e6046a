"""Whether a failure is Ctrl-C in disguise."""


def is_interrupt(error: BaseException | None) -> bool:
    """Whether the user has stopped the program.

    A compiled loop that is interrupted hands back its result together with the `KeyboardInterrupt`; Python makes a
    `SystemError` of that, whose cause is the interrupt.
    """
    if isinstance(error, SystemError):
        return is_interrupt(error.__cause__)
    return isinstance(error, KeyboardInterrupt)
