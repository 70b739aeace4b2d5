"""The deduplications of a run, as its config and its stores tell of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from winnow.errors import StoreError, nearest
from winnow.store.manifest import Store

if TYPE_CHECKING:
    from winnow.corpus import Corpus

CLUSTERING = ("minhash", "exact")


@dataclass(frozen=True)
class Block:
    """One deduplication: its name in the run, what it uses, its table in the config."""

    name: str
    use: str
    table: dict[str, Any]


def find_block(corpus: Corpus, name: str | None, uses: tuple[str, ...] = CLUSTERING) -> Block:
    """The block called ``name``; without one, the last of the run that uses one of ``uses``.

    :class:`StoreError` where there is none, saying which there are.
    """
    from winnow.pipeline.config import stage_name

    found: dict[str, Block] = {}
    taken: list[str] = []
    for table in corpus.config.get("stage", []):
        taken.append(stage_name(table, taken))
        if table.get("use") in uses:
            found[taken[-1]] = Block(taken[-1], table["use"], table)
    if name is None and found:
        return list(found.values())[-1]
    if name in found:
        return found[name]
    wanted = " or ".join(uses)
    if not found:
        raise StoreError(
            f"the run in {corpus.path} has no deduplication by {wanted}",
            remedy=f'Add [[stage]] use = "{uses[0]}" to its config and run it again.',
        )
    raise StoreError(
        f"the run in {corpus.path} has no block {name!r} of {wanted}.{nearest(str(name), found)}",
        remedy=f"blocks here: {', '.join(found)}",
    )


def block_store(corpus: Corpus, *names: str) -> Store:
    """The first finished store of these step names; :class:`StoreError` where none is."""
    for name in names:
        if name in corpus.stores:
            return corpus.stores[name]
    raise StoreError(
        f"the run in {corpus.path} has not finished {names[-1]} yet",
        remedy="`winnow run` with its config goes on where it stopped.",
    )
