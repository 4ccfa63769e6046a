import threading

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from headform.kernels.blas_threads import one_blas_thread


def threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_the_setting_is_one_inside_and_back_outside() -> None:
    with threadpool_limits(2, user_api="blas"):
        before = threads()
        with one_blas_thread():
            assert threads() == {1}
        assert threads() == before
        with pytest.raises(ZeroDivisionError), one_blas_thread():
            raise ZeroDivisionError
        assert threads() == before


def test_fits_in_several_threads_leave_it_as_it_was() -> None:
    with threadpool_limits(2, user_api="blas"):
        before = threads()
        entered, leave = threading.Event(), threading.Event()

        def fit() -> None:
            with one_blas_thread():
                entered.set()
                leave.wait(10)

        others = [threading.Thread(target=fit) for _ in range(3)]
        with one_blas_thread():
            for other in others:
                other.start()
            assert entered.wait(10)
        leave.set()
        for other in others:
            other.join()
        assert threads() == before
