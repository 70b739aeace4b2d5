from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.errors import ConfigError, FingerprintMismatch
from winnow.train.order import DataOrder, epoch_permutation, step_samples


def make_order(lengths, pack_tokens=16, seed=0, fingerprint="corpus"):
    return DataOrder(
        np.array(lengths, np.int64),
        fingerprint=fingerprint,
        seed=seed,
        pack_tokens=pack_tokens,
        max_context=8,
    )


def tokens_of(order, samples):
    """(document, place) of every token of the samples, in order."""
    return [(p.document, i) for s in samples for p in order.pieces(s) for i in range(*p[1:])]


@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=40),
    pack_tokens=st.integers(1, 50),
    seed=st.integers(0, 3),
    epoch=st.integers(0, 3),
)
def test_an_epoch_holds_every_token_once_but_for_the_tail(lengths, pack_tokens, seed, epoch):
    if sum(lengths) < pack_tokens:
        return
    order = make_order(lengths, pack_tokens, seed)
    n = order.samples_per_epoch
    seen = tokens_of(order, range(epoch * n, (epoch + 1) * n))
    assert len(seen) == len(set(seen)) == n * pack_tokens
    assert sum(lengths) - len(seen) < pack_tokens
    # and it is the permuted stream, in order, that was cut
    stream = [
        (int(d), i)
        for d in epoch_permutation(len(lengths), "corpus", seed, epoch)
        for i in range(lengths[d])
    ]
    assert seen == stream[: len(seen)]


@given(sample=st.integers(0, 200))
def test_a_sample_does_not_depend_on_what_was_asked_before(sample):
    lengths = [3, 30, 1, 9, 12, 5, 40]
    fresh, used = make_order(lengths), make_order(lengths)
    for other in (0, 57, 3, 199):
        used.pieces(other)
    assert fresh.pieces(sample) == used.pieces(sample)
    assert sum(p.stop - p.start for p in fresh.pieces(sample)) == 16


def test_epochs_seeds_and_corpora_have_orders_of_their_own():
    base = epoch_permutation(500, "a", 0, 0).tolist()
    assert sorted(base) == list(range(500))
    for other in (("a", 0, 1), ("a", 1, 0), ("b", 0, 0)):
        assert epoch_permutation(500, *other).tolist() != base


def test_the_permutation_is_pinned():
    # a change of this list changes the data of every run that is resumed
    assert epoch_permutation(8, "corpus", 0, 0).tolist() == [6, 3, 0, 1, 4, 2, 7, 5]


@given(
    step=st.integers(0, 50),
    per_rank=st.integers(1, 6),
    worlds=st.lists(st.sampled_from([1, 2, 3, 4, 6]), min_size=2, max_size=2),
)
def test_any_number_of_ranks_consumes_the_same_samples_each_step(step, per_rank, worlds):
    count = 12 * per_rank
    shared = [
        sorted(s for rank in range(w) for s in step_samples(step * count, count, rank, w))
        for w in worlds
    ]
    assert shared[0] == shared[1] == list(range(step * count, (step + 1) * count))


def test_ranks_take_every_worldth_sample_from_their_own_on():
    assert [list(step_samples(8, 4, rank, 2)) for rank in (0, 1)] == [[8, 10], [9, 11]]


def test_ranks_that_do_not_divide_the_step_are_refused():
    with pytest.raises(ConfigError, match=r"8 packed samples cannot be shared by 3 ranks"):
        step_samples(0, 8, 0, 3)


@given(sample=st.integers(0, 300))
def test_a_state_leads_back_to_its_sample(sample):
    order = make_order([10, 20, 30])
    values = order.state(sample).to_values()
    assert order.resume(values) == sample
    assert values["next_sample"] < order.samples_per_epoch


def test_another_corpus_is_refused_with_what_to_do():
    values = make_order([10, 20, 30]).state(2).to_values()
    with pytest.raises(FingerprintMismatch, match=r"(?s)corpus.*other.*data\.path"):
        make_order([10, 20, 30], fingerprint="other").resume(values)


@pytest.mark.parametrize(("name", "value"), [("pack_tokens", 8), ("seed", 5)])
def test_another_order_of_the_same_corpus_is_refused(name, value):
    values = make_order([10, 20, 30]).state(2).to_values()
    with pytest.raises(ConfigError, match=rf"data\.{name} was .* and is {value} now"):
        make_order([10, 20, 30], **{name: value}).resume(values)


def test_a_corpus_smaller_than_one_sample_is_refused():
    with pytest.raises(ConfigError, match=r"(?s)data\.pack_tokens \(16\) exceeds the 9 tokens"):
        make_order([4, 5])


def test_two_threads_in_different_epochs_do_not_disturb_each_other():
    import threading

    lengths = np.full(200_000, 7, np.int64)
    order = DataOrder(lengths, fingerprint="f", seed=0, pack_tokens=700, max_context=700)
    epoch = order.samples_per_epoch
    expected = [order.pieces(5), order.pieces(epoch + 5)]
    wrong: list[int] = []

    def read(number: int) -> None:
        for _ in range(30):
            if order.pieces(number * epoch + 5) != expected[number]:
                wrong.append(number)

    threads = [threading.Thread(target=read, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
