"""Calls on other threads: their results and exceptions come back, on one thread too."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch

from headform.kernels.threads import begin, run_all


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> int:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def begun(call: Callable[..., Any], threads: int) -> Callable[[], Any]:
    """Begin a call, and return when another thread is at it: asked for earlier, the result would be computed here."""
    started = threading.Event()

    def marked() -> Any:
        started.set()
        return call()

    later = begin(marked)
    assert threads == 1 or started.wait(60)
    return later


def test_what_was_begun_is_waited_for(threads: int) -> None:
    places: list[int] = []

    def product() -> int:
        places.append(threading.get_ident())
        return 6 * 7

    assert begun(product, threads)() == 42
    assert begin(pow, 2, 5)() == 32
    assert (places[0] == threading.get_ident()) == (threads == 1)


def test_its_exception_is_raised_where_the_result_is_asked_for(threads: int) -> None:
    later = begin(int, "no number")
    with pytest.raises(ValueError, match="no number"):
        later()


def test_it_is_called_once_whoever_asks(threads: int) -> None:
    """The result is asked for again, and by something else that was begun, before and after anybody has it."""
    calls: list[int] = []
    gate = threading.Event()

    def counted() -> int:
        calls.append(1)
        return len(calls)

    holds = begin(gate.wait, 60)  # the other thread is busy: nobody has begun what follows
    first = begin(counted)
    second = begin(lambda: first() + 10)
    if threads == 2:
        assert first() == 1
    gate.set()
    holds()
    assert second() == 11
    assert (first(), first()) == (1, 1)
    assert calls == [1]


def test_tasks_are_done_while_something_begun_holds_the_other_thread(threads: int) -> None:
    gate, done = threading.Event(), []
    later = begin(gate.wait, 60) if threads == 2 else gate.set
    # the caller does all the tasks by itself
    run_all(lambda n: done.append(n), [(n,) for n in range(5)])
    assert sorted(done) == list(range(5))
    gate.set()  # that it comes to this shows that it does not wait for the thread
    later()


def test_what_was_begun_runs_its_tasks_and_what_it_begins_by_itself(threads: int) -> None:
    places: list[int] = []

    def tasks() -> int:
        run_all(lambda n: places.append(threading.get_ident()), [(n,) for n in range(3)])
        later = begin(threading.get_ident)
        return later()

    own = begun(tasks, threads)()
    assert places == [own] * 3


def within_seconds(call: Callable[[], Any], seconds: float = 20) -> Any:
    """The result of a call that could wait for ever."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(call()), daemon=True)
    thread.start()
    thread.join(seconds)
    assert found, "it waits for ever, or has raised"
    return found[0]


def test_tasks_may_begin_something_while_all_threads_run_tasks(threads: int) -> None:
    both, sums = threading.Barrier(threads), []

    def task(number: int) -> None:
        both.wait(60)  # each thread has one
        sums.append(begin(sum, range(number))())

    within_seconds(lambda: run_all(task, [(n,) for n in range(10, 10 + threads)]) or True)
    assert sorted(sums) == [45, 55][:threads]


def test_tasks_may_divide_their_work(threads: int) -> None:
    sums: list[int] = []

    def summed(count: int) -> None:
        terms: list[int] = []
        run_all(lambda n: terms.append(n), [(n,) for n in range(count)])
        sums.append(sum(terms))

    within_seconds(lambda: run_all(summed, [(n,) for n in range(20)]) or True)
    assert sorted(sums) == sorted(n * (n - 1) // 2 for n in range(20))


def test_one_who_waits_does_what_nobody_has_begun(threads: int) -> None:
    """More calls than threads: each is made once, by whomever, and its result is its own."""
    made: list[int] = []

    def place(number: int) -> int:
        made.append(number)
        return number

    later = [begin(place, number) for number in range(8)]
    assert [each() for each in reversed(later)] == list(range(8))[::-1]
    assert sorted(made) == list(range(8))
