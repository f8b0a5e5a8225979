"""The tree of errors in the module's docstring is the real one, and every sentence can be filled."""

import re
import string

import pytest

from store import StoreError, errors, listening_errors, missing, reading_errors


def below(kind: type[StoreError]) -> list[type[StoreError]]:
    """Every error of the tree under this one."""
    return [one for child in kind.__subclasses__() for one in (child, *below(child))]


MODULES = (errors, listening_errors, missing, reading_errors)
DRAWN = re.findall(r"[├└]── (\w+)", "".join(module.__doc__ or "" for module in MODULES))


def test_the_tree_that_is_drawn_is_the_real_one() -> None:
    everything = {name: kind for module in MODULES for name, kind in vars(module).items()}
    real = [name for name, kind in everything.items() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert sorted(DRAWN) == sorted(set(real) - {"StoreError"})
    assert {kind.__name__ for kind in below(StoreError)} == set(DRAWN) - {"NoSuchMove"}
    assert not issubclass(errors.NoSuchMove, StoreError)  # no member reads it


def test_every_code_is_one_errors_own() -> None:
    codes = [kind.code for kind in below(StoreError)]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("kind", below(StoreError), ids=lambda kind: kind.__name__)
def test_a_sentence_is_filled_by_the_parameters_that_its_docstring_names(kind: type[StoreError]) -> None:
    fields = {name for _, name, _, _ in string.Formatter().parse(kind.sentence) if name}
    named = re.search(r"Params: ([\w, ]+)\.", kind.__doc__ or "")
    assert fields == (set(named[1].split(", ")) if named else set())
    assert "{" not in str(kind(**dict.fromkeys(fields, 3)))
