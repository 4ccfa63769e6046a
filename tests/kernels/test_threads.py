"""Calls on other threads: their results and exceptions come back, on one thread too."""

import threading

import pytest
import torch

from headform.kernels.threads import begin, run_all


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> int:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_what_was_begun_is_waited_for(threads: int) -> None:
    places: list[int] = []

    def product(a: int, b: int) -> int:
        places.append(threading.get_ident())
        return a * b

    later = begin(product, 6, 7)
    assert later() == 42
    assert (places[0] == threading.get_ident()) == (threads == 1)


def test_its_exception_is_raised_where_the_result_is_asked_for(threads: int) -> None:
    later = begin(int, "no number")
    with pytest.raises(ValueError, match="no number"):
        later()


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

    own = begin(tasks)()
    assert places == [own] * 3
