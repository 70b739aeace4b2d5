"""Every error of ours survives a process boundary, and says what to do."""

import pickle

import pytest

from winnow import errors


def all_errors() -> list[type[errors.WinnowError]]:
    found = [errors.WinnowError]
    for kind in found:
        found += kind.__subclasses__()
    return found


@pytest.mark.parametrize("kind", all_errors())
def test_errors_survive_pickling(kind: type[errors.WinnowError]) -> None:
    error = kind("it broke", remedy="mend it")
    if isinstance(error, errors.StageError):
        error.stage, error.where = "gopher", "shard 3"
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == str(error) == "it broke\n  mend it"
    assert vars(copy) == vars(error)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    assert errors.__doc__ is not None
    for kind in all_errors():
        assert kind.__name__ in errors.__doc__


def test_what_you_asked_for_wrongly_exits_2_and_what_failed_exits_1() -> None:
    assert errors.ConfigError("x").exit_code == errors.PlanError("x").exit_code == 2
    assert errors.MissingExtra("x").exit_code == 2
    assert errors.StageError("x").exit_code == errors.RunFailed("x").exit_code == 1


def test_nearest() -> None:
    assert errors.nearest("max_word", ["max_words", "min_words"]) == " Did you mean 'max_words'?"
    assert errors.nearest("zzz", ["max_words"]) == ""
