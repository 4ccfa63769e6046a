"""JSON within bounds, and the names of files in it."""

import json
import tracemalloc

import pytest

from headform.io import json_file
from headform.io.json_file import MAX_MEMORY, is_file_name, parse_json, read_json


@pytest.mark.parametrize("value", [{"a": [1, 2.5, None, True, "é"]}, [], 3, "text"])
def test_what_was_written_comes_back(tmp_path, value):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    assert read_json(path, 1000) == parse_json(json.dumps(value)) == value


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":', "[[[1],"])
def test_depth_is_an_error_of_the_text(opening):
    with pytest.raises(ValueError, match="nested too deep"):
        parse_json(opening * 200_000)


@pytest.mark.parametrize("piece", [b"[],", b"{},", b'{"":1},', b"1,", b'"",', b"[[[1]]],"])
def test_memory_is_bounded_before_parsing(piece, monkeypatch):
    """Values of three bytes take eighty: a text of 60 MB would take gigabytes."""
    monkeypatch.setattr(json_file, "MAX_MEMORY", MAX_MEMORY >> 6)
    text = b"[" + piece * ((60_000_000 >> 6) // len(piece)) + b"0]"
    with pytest.raises(ValueError, match=f"the limit is {MAX_MEMORY >> 26}"):
        parse_json(text)


@pytest.mark.parametrize("piece", [b"[],", b"{},", b'{"":1},', b"12345,", b'"ab",', b"[[[1]]],", b'{"a":{"b":1}},'])
def test_the_bound_covers_what_python_takes(piece, monkeypatch):
    text = b"[" + piece * 30_000 + b"0]"
    tracemalloc.start()
    parse_json(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    monkeypatch.setattr(json_file, "MAX_MEMORY", peak)
    with pytest.raises(ValueError, match="the limit"):
        parse_json(text)


def test_a_large_table_of_landmarks_is_within_the_bound(monkeypatch):
    row = b"[123.4, 234.5], " * 68
    text = b"[" + row * 300 + b"0]"
    monkeypatch.setattr(json_file, "MAX_MEMORY", len(text) * MAX_MEMORY // (64 << 20))  # as for a file of 64 MiB
    assert len(parse_json(text)) == 68 * 300 + 1


@pytest.mark.parametrize("text", [b"\xff\xfe", b"", b"{", b"[1,]", b"9" * 5000, b"\x00", b'"\xed\xa0\x80'])
def test_other_texts_are_value_errors(text):
    with pytest.raises(ValueError):  # noqa: PT011 - of several texts
        parse_json(text)


@pytest.mark.parametrize("name", ["a.jpg", "b/a.jpg", "/data/日本é.jpg", "a b", "a\udce9.jpg", "." + "a" * 200])
def test_names_of_files(name):
    assert is_file_name(name)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "/", "a/..", "a\0.jpg", "a\ud800.jpg", "a" * 256, "é" * 128, "a/" * 2049 + "a", None, 3, ["a"]],
)
def test_what_no_file_can_be_called(name):
    assert not is_file_name(name)
