"""Names of others on a terminal: visible, on one line, as JSON would have them."""

import contextlib
import io
import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headform.io.printable import bare, printable, printable_streams, printable_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("日本é 👩‍👧 می‌خواهم", "日本é 👩‍👧 می‌خواهم"),
        ("\x1b[2J\x1b]0;title\x07", "\\u001b[2J\\u001b]0;title\\u0007"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("caf\udce9", "caf\\udce9"),
        ("gpj.\u202eexe", "gpj.\\u202eexe"),
        ("\x9b31m\x7f\u2028\ufeff", "\\u009b31m\\u007f\\u2028\\ufeff"),
        ("\U000e0041", "\\udb40\\udc41"),
    ],
)
def test_what_is_not_visible_is_escaped(text, shown):
    assert printable(text) == shown


@given(st.text())
def test_any_text_becomes_one_line_that_every_encoding_can_show(text):
    shown = printable(text)
    shown.encode()
    assert shown.isprintable() or not {unicodedata.category(c) for c in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert len(shown.splitlines()) <= 1
    assert printable(shown) == shown


@given(st.dictionaries(st.text(), st.text()))
def test_json_means_the_same_afterwards(value):
    assert json.loads(printable(json.dumps(value, ensure_ascii=False))) == value


def test_line_breaks_of_our_own_text_are_kept():
    assert printable_text("a\n\tb\x1b\r\n") == "a\n\tb\\u001b\\r\n"


def test_streams_escape_in_the_context_and_are_put_back(capsys):
    before = sys.stdout, sys.stderr
    with contextlib.suppress(ZeroDivisionError), printable_streams():
        print("out \x1b[1m")
        print("err \x1b[1m", file=sys.stderr)
        sys.stdout.writelines(["a\x07\n"])
        assert sys.stdout.encoding == before[0].encoding
        assert bare(sys.stdout) is before[0]
        raise ZeroDivisionError
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr() == ("out \\u001b[1m\na\\u0007\n", "err \\u001b[1m\n")
    assert bare(stream := io.StringIO()) is stream
