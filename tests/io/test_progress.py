"""A bar on a terminal, lines elsewhere, nothing from all processes but the first."""

import io
import sys

import pytest

from headform.io.printable import printable_streams
from headform.io.progress import BatchProgress, TrainingProgress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with TrainingProgress(10.0, "steps") as show:
        show.advance(3.0, 0.125)
        show.line("step 3")
    assert "3/10 steps" in terminal.getvalue()
    assert "loss 0.125" in terminal.getvalue()
    assert capsys.readouterr().out == "step 3\n"


def test_elsewhere_lines_are_printed_or_logged(capsys: pytest.CaptureFixture[str]) -> None:
    logged: list[str] = []
    for keywords in ({}, {"log": logged.append}, {"silent": True}):
        with TrainingProgress(10.0, "steps", **keywords) as show:  # type: ignore[arg-type]
            show.advance(3.0, 0.125)
            show.line("step 3")
    out = capsys.readouterr()
    assert (out.out, out.err, logged) == ("step 3\n", "", ["step 3"])


@pytest.mark.parametrize("stdout_too", [True, False])
def test_a_bar_keeps_its_own_codes_and_escapes_those_of_names(monkeypatch, capsys, stdout_too):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    if stdout_too:
        monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with printable_streams(), BatchProgress(2) as show:
        show.begin("\x1b[5mname")
        show.end("\x1b[5mdone")
        show.end("\x1b[5mfailed", failed=True)
    shown = terminal.getvalue()
    assert "\x1b[" in shown, "the bar moves the cursor"
    assert "\x1b[5m" not in shown
    assert "\\u001b[5mfailed" in shown
    assert "\\u001b[5mdone" in (shown if stdout_too else capsys.readouterr().out)
