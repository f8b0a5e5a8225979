"""Blocks that are made ahead: in order, not too many, with the errors of whoever makes them."""

from collections.abc import Iterator
from threading import Event, get_ident

import pytest

from pipeline.sound.ahead import MOST, ahead


def test_blocks_come_in_order_from_another_thread() -> None:
    threads = set()

    def blocks() -> Iterator[int]:
        for number in range(100):
            threads.add(get_ident())
            yield number

    assert list(ahead(blocks())) == list(range(100))
    assert len(threads) == 1 and get_ident() not in threads
    assert list(ahead(())) == []


def test_the_next_ones_are_made_while_one_is_taken_and_no_more() -> None:
    made, enough = [], Event()

    def blocks() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            if number == MOST:
                enough.set()
            yield number

    iterator = ahead(blocks())
    assert next(iterator) == 0
    assert enough.wait(10)
    assert made == list(range(MOST + 1))
    iterator.close()  # type: ignore[attr-defined]
    assert len(made) == MOST + 1


def test_an_error_comes_in_its_place() -> None:
    def blocks() -> Iterator[int]:
        yield 1
        yield 2
        raise LookupError("no more")

    iterator = ahead(blocks())
    assert [next(iterator), next(iterator)] == [1, 2]
    with pytest.raises(LookupError, match="no more"):
        next(iterator)
