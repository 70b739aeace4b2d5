"""Compiled inner loops of the comparison of sets: who is like which survivor of its cluster.

Import this module inside ``open()`` only: numba is an optional package. A set is
distinct uint64, ascending.

The survivors of a cluster so far lie in ``values``, set s at ``ends[s]:ends[s + 1]``. Once there
are more than ``FEW``, an open-addressing table leads from a hash to its places in ``values``:
``heads[slot]`` is the newest of them, ``nexts[place]`` the one before, ``owners[place]`` the set,
``counts[slot]`` how many there are.

Which sets can be as similar as t to a set x follows from sizes: with J(x, s) >= t they have
``need = ceil(t / (1 + t) * (|x| + |s|))`` elements in common. So s has one of any ``|x| - need +
1`` elements of x (prefix filter: Chaudhuri, Ganti and Kaushik 2006; Xiao et al. 2008, PPJoin), and
we are free to take those that the fewest survivors have. It differs from both in that no order of
all elements is fixed beforehand: the elements of x are ordered by what the table holds of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from winnow.text.compiled import compiled

U = np.uint64
GOLDEN = U(0x9E3779B97F4A7C15)
FEW = 4
FIRST_SLOTS = 1 << 13

# places in ``state``
SURVIVORS, SLOTS, SMALLEST, UNLIKE_FIRST, UNCOMPARED = range(5)


@compiled
def overlap(left: Any, right: Any, enough: int) -> int:
    """Elements in common of two sets; 0 as soon as they are found to be less than ``enough``."""
    i, j, common = 0, 0, 0
    while i < left.size and j < right.size:
        if left[i] == right[j]:
            common += 1
            i += 1
            j += 1
        else:
            if left[i] < right[j]:
                i += 1
            else:
                j += 1
            if common + min(left.size - i, right.size - j) < enough:
                return 0
    return common if common >= enough else 0


@compiled
def needed(similarity: float, total: int) -> int:
    """What two sets of together ``total`` elements have in common at least where their similarity,
    as a float64 quotient, is ``similarity`` or more; perhaps one less."""
    return max(1, int(np.ceil(similarity / (1.0 + similarity) * total - 1e-3)))


@compiled
def _slot_of(value: Any, values: Any, heads: Any, slots: int) -> int:
    """Where ``value`` is in the table, or the free slot in which it belongs."""
    slot = int((value * GOLDEN) >> U(32)) & (slots - 1)
    while heads[slot] >= 0 and values[heads[slot]] != value:
        slot = (slot + 1) & (slots - 1)
    return slot


@compiled
def _insert(
    first: int, last: int, ends: Any, values: Any, heads: Any, counts: Any, nexts: Any,
    owners: Any, slots: int,
) -> None:  # fmt: skip
    for s in range(first, last):
        for place in range(ends[s], ends[s + 1]):
            slot = _slot_of(values[place], values, heads, slots)
            if heads[slot] < 0:
                counts[slot] = 0
            nexts[place] = heads[slot]
            heads[slot] = place
            counts[slot] += 1
            owners[place] = s


@compiled
def index_from(
    first: int, ends: Any, values: Any, heads: Any, counts: Any, nexts: Any, owners: Any,
    state: Any,
) -> None:  # fmt: skip
    """Put survivors ``first …`` into the table; all, into a larger one, where half is taken."""
    wanted = max(state[SLOTS], FIRST_SLOTS)
    while wanted < 2 * ends[state[SURVIVORS]]:
        wanted *= 2
    if wanted != state[SLOTS]:
        state[SLOTS] = wanted
        heads[:wanted] = -1
        first = 0
    _insert(first, state[SURVIVORS], ends, values, heads, counts, nexts, owners, wanted)


@compiled
def most_held(first: int, most_stored: int) -> int:
    """Elements that the survivors of a cluster may have whose first has ``first``: four times
    ``most_stored``; where the first alone is larger than that, three times beside it."""
    return max(4 * most_stored, first + 3 * most_stored)


@compiled
def drop_older(
    ends: Any, values: Any, places: Any, most_values: int, most: int, state: Any
) -> None:
    """Let go of the older survivors but the first: the newest stay that have ``most_values``
    elements at most, and are ``most`` at most. The table is to be made anew."""
    count = state[SURVIVORS]
    kept = count
    while kept > 1 and ends[count] - ends[kept - 1] <= most_values and count - kept < most:
        kept -= 1
    kept = max(kept, 1)
    state[UNCOMPARED] += kept - 1
    shift = ends[kept] - ends[1]
    for place in range(ends[kept], ends[count]):
        values[place - shift] = values[place]
    for s in range(kept, count):
        places[s - kept + 1] = places[s]
        ends[s - kept + 2] = ends[s + 1] - shift
    state[SURVIVORS] = count - kept + 1
    state[SLOTS] = 0


@compiled
def _candidates(
    x: Any, similarity: float, ends: Any, values: Any, heads: Any, nexts: Any, owners: Any,
    counts: Any, slots: int, smallest: int, hits: Any, touched: Any, found: Any, order: Any,
    starts: Any,
) -> int:  # fmt: skip
    """How many of ``touched`` are survivors that may be like x. All of ``hits`` stay 0."""
    size = x.size
    starts[:] = 0
    for i in range(size):
        slot = _slot_of(x[i], values, heads, slots)
        found[i] = slot if heads[slot] >= 0 else -1
        rank = 0
        if found[i] >= 0:
            count = counts[slot]
            while count:
                count >>= 1
                rank += 1
        order[i] = rank
        starts[rank + 1] += 1
    for rank in range(1, starts.size):
        starts[rank] += starts[rank - 1]
    for i in range(size):  # behind the first `size`, the slots by rank: rarest first
        rank = order[i]
        order[size + starts[rank]] = found[i]
        starts[rank] += 1
    # neither less than the smallest survivor has, nor than a set that may be like x
    other = max(smallest, int(np.ceil(similarity * size - 1e-3)))
    prefix = size - needed(similarity, size + other) + 1
    count = 0
    for i in range(prefix):
        slot = order[size + i]
        if slot < 0:
            continue
        place = heads[slot]
        while place >= 0:
            s = owners[place]
            place = nexts[place]
            if hits[s] == 0:
                other = ends[s + 1] - ends[s]
                need = needed(similarity, size + other)
                if need > min(other, size - i):
                    continue
                touched[count] = s
                count += 1
            hits[s] += 1
    kept = 0
    for i in range(count):
        s = touched[i]
        if hits[s] + size - prefix >= needed(similarity, size + ends[s + 1] - ends[s]):
            touched[kept] = s
            kept += 1
        hits[s] = 0
    return kept


@compiled
def compare(
    first: int, starts: Any, offsets: Any, sets: Any, similarity: float, first_place: int,
    most_stored: int, ends: Any, places: Any, values: Any, heads: Any, counts: Any, nexts: Any,
    owners: Any, hits: Any, touched: Any, state: Any, survivors: Any, similarities: Any,
) -> int:  # fmt: skip
    """Go through documents ``first …`` of a block: who is a duplicate, and of whom.

    starts bool[documents]: first of its cluster; offsets int64[documents + 1], sets uint64[…];
    ``first_place``: number of the block's first document. Fills survivors int64[documents] (numbers
    of documents, its own where it survives) and similarities float32[documents]. Returns the
    document at which it stopped because the survivors' arrays are full, or how many there are.
    The first of a cluster is held whatever its size. Of the others, sets of more than
    ``most_stored`` elements survive without being compared with later ones, and all that is held
    has ``most_held`` elements at most.
    """
    largest = 0
    for r in range(starts.size):
        largest = max(largest, offsets[r + 1] - offsets[r])
    found = np.empty(largest, np.int32)
    order = np.empty(2 * largest, np.int32)
    ranks = np.empty(34, np.int64)
    for r in range(first, starts.size):
        x = sets[offsets[r] : offsets[r + 1]]
        if starts[r]:
            state[SURVIVORS] = 0
            state[SLOTS] = 0
        count = state[SURVIVORS]
        best, best_common, best_union = -1, 0, 1
        unlike = 0
        if count > 0:
            y = values[: ends[1]]
            common = overlap(x, y, needed(similarity, x.size + y.size))
            if common and common / (x.size + y.size - common) >= similarity:
                best, best_common, best_union = 0, common, x.size + y.size - common
            else:
                unlike = 1
            others = 0
            if count > 1 and best_common < best_union:  # none is more like it than equal
                if state[SLOTS]:
                    others = _candidates(
                        x, similarity, ends, values, heads, nexts, owners, counts, state[SLOTS],
                        state[SMALLEST], hits, touched, found, order, ranks,
                    )  # fmt: skip
                else:
                    others = count - 1
                    for i in range(others):
                        touched[i] = i + 1
            for i in range(others):
                s = touched[i]
                y = values[ends[s] : ends[s + 1]]
                common = overlap(x, y, needed(similarity, x.size + y.size))
                union = x.size + y.size - common
                if s == 0 or not common or common / union < similarity:
                    continue
                lead = common * best_union - best_common * union
                if best < 0 or lead > 0 or (lead == 0 and s < best):
                    best, best_common, best_union = s, common, union
        if best >= 0:
            survivors[r] = places[best]
            similarities[r] = best_common / best_union
        else:
            if count > 0 and x.size > most_stored:
                state[UNCOMPARED] += 1
            else:
                room = values.size
                if count > 0:  # what earlier clusters needed must not show
                    room = min(room, most_held(ends[1], most_stored))
                if ends[count] + x.size > room or count == places.size:
                    return r
                values[ends[count] : ends[count] + x.size] = x
                ends[count + 1] = ends[count] + x.size
                places[count] = first_place + r
                state[SMALLEST] = x.size if count == 0 else min(state[SMALLEST], x.size)
                state[SURVIVORS] = count + 1
                if count + 1 > FEW:
                    index_from(
                        count if state[SLOTS] else 0, ends, values, heads, counts, nexts, owners,
                        state,
                    )  # fmt: skip
            survivors[r] = first_place + r
            similarities[r] = 1.0
        state[UNLIKE_FIRST] += unlike
    return len(starts)


@compiled
def gather_clusters(survivors: Any, doc_ids: Any, smallest: Any, sizes: Any) -> None:
    """Count every survivor's documents and find the smallest doc_id of them, at its place.

    survivors int64[documents], places; doc_ids uint64[documents]; fills smallest uint64[documents]
    and sizes uint32[documents], 0 where the document is not a survivor.
    """
    sizes[:] = 0
    for x in range(survivors.size):
        s = survivors[x]
        if sizes[s] == 0 or doc_ids[x] < smallest[s]:
            smallest[s] = doc_ids[x]
        sizes[s] += 1
