"""Batches made in the background: their order, their errors, their end."""

import threading

import numpy as np
import pytest
from genotool.errors import UsageError
from genotool.feeding import Batches


def identity(rows, _):
    return rows


def test_batches_are_the_same_however_they_are_asked_for():
    def make(rows, epoch):
        return rows * 10 + epoch

    with Batches(make, 25, 4, seed=3) as ahead, Batches(make, 25, 4, seed=3, ahead=0) as plain:
        for _ in range(3):
            made = list(ahead)
            assert len(made) == len(ahead) == 7
            assert len(made[-1]) == 1
            for batch, expected in zip(made, plain, strict=True):
                np.testing.assert_array_equal(batch, expected)
            np.testing.assert_array_equal(np.sort(np.concatenate(made)), np.arange(25) * 10 + ahead.epoch)
            np.testing.assert_array_equal(ahead[5], made[5])
            np.testing.assert_array_equal(ahead[1], made[1])
            first = made
            ahead.next_epoch()
            plain.next_epoch()
        assert not np.array_equal(np.concatenate(list(ahead)) // 10, np.concatenate(first) // 10)
    np.testing.assert_array_equal(np.concatenate(list(Batches(make, 5, 2, seed=None, ahead=0))), np.arange(5) * 10)


def test_the_next_batches_are_made_while_one_is_used_but_no_more():
    made, wanted = [], threading.Semaphore(0)

    def make(rows, _):
        made.append(int(rows[0]))
        wanted.release()
        return rows

    with Batches(make, 10, 1, seed=None, ahead=2) as batches:
        batches[0]
        for _ in range(3):
            assert wanted.acquire(timeout=10)
        assert made == [0, 1, 2]


def test_the_first_batches_of_the_next_epoch_are_made_behind_the_last_one():
    made, wanted = [], threading.Semaphore(0)

    def make(rows, epoch):
        made.append((epoch, int(rows[0])))
        wanted.release()
        return rows

    with Batches(make, 3, 1, seed=None, ahead=1) as batches:
        list(batches)
        for _ in range(4):
            assert wanted.acquire(timeout=10)
        assert made == [(0, 0), (0, 1), (0, 2), (1, 0)]
        batches.next_epoch()
        assert batches[0] == [0]
        assert made.count((1, 0)) == 1, "it is made once"


def test_an_error_is_raised_where_its_batch_is_asked_for():
    def make(rows, _):
        if 2 in rows:
            raise ValueError("the third row")
        return rows

    with Batches(make, 4, 1, seed=None) as batches:
        batches[0], batches[1]
        with pytest.raises(ValueError, match="the third row"):
            batches[2]
        assert batches[3] == [3]


def test_no_thread_is_left_behind():
    before = threading.active_count()
    with Batches(identity, 100, 1, seed=1) as batches:
        batches[0]
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_what_cannot_be_is_refused():
    with pytest.raises(UsageError):
        Batches(identity, 5, 0, seed=1)
    with pytest.raises(IndexError):
        Batches(identity, 5, 1, seed=1)[5]
