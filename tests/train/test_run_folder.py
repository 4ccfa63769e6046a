"""config.json and log.jsonl: what is compared, what is cut."""

import json
from pathlib import Path

import pytest

from headform.errors import ResourceError, UsageError
from headform.train._run_folder import FORMAT_FIELD, RunLog, check_config, write_config


@pytest.mark.parametrize("tail", ['{"step": 2}', '{"step": 2, "to', "\n", "[]\n", '{"step": 3}\n'])
def test_what_lies_beyond_a_step_or_is_unfinished_is_cut(tmp_path: Path, tail: str) -> None:
    log = RunLog(tmp_path)
    for step in (1, 2):
        log.append({"step": step, "total": 0.1})
    kept = log.path.read_text()
    with log.path.open("a") as file:
        file.write(tail)
    log.cut(2)
    assert log.path.read_text() == kept
    log.append({"step": 3, "total": float("nan"), "val_mm": float("inf")})
    lines = [json.loads(line) for line in log.path.read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3]
    assert lines[-1] == {"step": 3, "total": None, "val_mm": None}
    assert lines[0]["total"] == 0.1


def test_a_log_that_needs_no_cut_is_not_touched(tmp_path: Path) -> None:
    log = RunLog(tmp_path)
    log.cut(5)
    assert not log.path.exists()
    log.append({"step": 1})
    before = log.path.stat()
    log.cut(1)
    assert (log.path.stat().st_ino, log.path.stat().st_mtime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
    )


def test_a_log_that_cannot_be_written_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").mkdir()
    with pytest.raises(ResourceError) as caught:
        RunLog(tmp_path).append({"step": 1})
    assert caught.value.code == "write_failed"


@pytest.mark.parametrize("before", [None, 1, 3])
def test_a_run_of_another_format_is_refused_before_its_fields_are_compared(tmp_path: Path, before: int | None) -> None:
    old = {"config": {"lr": 0.1}} | ({} if before is None else {FORMAT_FIELD: before})
    write_config(tmp_path, old)
    now = {"config": {"lr": 0.2}, FORMAT_FIELD: 2}
    with pytest.raises(UsageError, match=f"format is {before or 'absent'}, this version's 2") as caught:
        check_config(tmp_path, now, ("config.lr", FORMAT_FIELD))
    assert caught.value.code == "run_outdated"
    check_config(tmp_path, old, ())  # of a stage without a format, or of this one


def test_every_field_that_differs_is_named_but_those_that_may(tmp_path: Path) -> None:
    before = {
        "trainer": {"steps": 3, "rate": 0.1, "groups": []},
        "config": {"trainer": {"steps": 3, "rate": 0.1}, "sizes": (1, 2), "supersteps": 1},
        "head": None,
    }
    check_config(tmp_path, before, ())  # nothing to compare yet
    write_config(tmp_path, before)
    check_config(tmp_path, before, ())
    now = {
        "trainer": {"steps": 4, "rate": 0.1, "groups": ["a"]},
        "config": {"trainer": {"steps": 4, "rate": 0.2}, "sizes": [1, 2, 3], "supersteps": 2},
    }
    with pytest.raises(UsageError) as caught:
        check_config(tmp_path, now, ("trainer.steps",))
    told = caught.value.message.split(": ", 1)[1].split("; ")
    assert told == [
        "config.sizes.2: absent before, 3 now",
        "config.supersteps: 1 before, 2 now",
        "config.trainer.rate: 0.1 before, 0.2 now",
        "head: null before, absent now",
        "trainer.groups: [] before, absent now",
        'trainer.groups.0: absent before, "a" now',
    ]
    check_config(
        tmp_path,
        before | {"trainer": {"steps": 9, "rate": 0.1, "groups": []}},
        ("steps",),
    )
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UsageError) as caught:
        check_config(tmp_path, now, ())
    assert caught.value.code == "config_damaged"


def test_a_field_that_is_no_text_is_named_printably(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"\\ud800": 1}')
    with pytest.raises(UsageError) as caught:
        check_config(tmp_path, {"a": 1}, ())
    assert caught.value.code == "config_changed"
    assert "\\ud800: 1 before, absent now" in str(caught.value)


def test_a_configuration_nested_deep_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("[" * 100_000 + "]" * 100_000)
    with pytest.raises(UsageError) as caught:
        check_config(tmp_path, {"a": 1}, ())
    assert caught.value.code == "config_damaged"
