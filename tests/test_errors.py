"""The error contract: codes, exit codes, and messages that say what, where and how to mend."""

import pickle

import pytest

from headform import errors


@pytest.mark.parametrize(
    ("kind", "exit_code"),
    [
        (errors.UsageError, 2),
        (errors.InputError, 3),
        (errors.FaceError, 4),
        (errors.WeightsError, 5),
        (errors.ResourceError, 6),
    ],
)
def test_exit_codes_are_the_published_ones(kind, exit_code):
    assert kind.exit_code == exit_code
    assert issubclass(kind, errors.HeadformError)


def test_message_says_what_where_and_how_to_mend():
    full = errors.InputError("image_empty", "the file is empty", "a.jpg", "save it again")
    assert str(full) == "the file is empty (a.jpg); save it again"
    assert full.code == "image_empty"


def test_message_without_place_or_advice_has_no_empty_brackets():
    assert str(errors.FaceError("no_face", "no face found")) == "no face found"


def test_survives_the_trip_between_processes():
    back = pickle.loads(pickle.dumps(errors.WeightsError("model_mismatch", "a", "b", "c")))  # noqa: S301
    assert (type(back), back.code, str(back)) == (errors.WeightsError, "model_mismatch", "a (b); c")
