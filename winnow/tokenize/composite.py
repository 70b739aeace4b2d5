"""``use = "tokenize"``: from kept documents to the shards that training reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from winnow.pipeline.step import Draft, PlanContext
from winnow.schema import require_columns
from winnow.tokenize.encode import Engine, load_tokenizer
from winnow.tokenize.encode_documents import COLUMNS, REPEAT_COUNT, EncodeWork
from winnow.tokenize.fast_encode import planned_engine
from winnow.tokenize.shuffle import MERGE_ABOVE, MERGE_WIDTH, MergeWork, TokensWork
from winnow.tokenize.token_rows import work_schema
from winnow.tokenize.token_shards import token_schema
from winnow.tokenize.tokenizer_file import PACKAGED, TokenizerFile, TrainedTokenizer, is_name
from winnow.tokenize.train_bpe import TOKENIZER_SCHEMA, TrainBpe, TrainWork

# Ids have 0.4 % of the bytes of the crawl that they come from where filters are strict (FineWeb:
# 15 T tokens of 96 dumps), some 20 % where all text is kept, and 100 % where the input is
# compressed text: a shard has 16 MB to 4 GB.
SHARD_INPUT_BYTES = 4_000_000_000
MAX_SHARDS = 1024  # what is chosen for you; a config may ask for more


@dataclass(frozen=True, kw_only=True)
class Tokenize:
    """Encodes the kept documents, shuffles them over the whole corpus, and writes token shards.

    Steps: ``tokenizer`` (only with ``train_bpe``), ``tokenize-encode``, ``tokenize-merge`` (only
    for many input shards), ``tokens``. A block that is named otherwise puts its name in front.

    Where a deduplication before it rehydrates, a kept document is written ``repeat_count`` times,
    every copy at its own place in the shuffle and all of them in one split.
    """

    tokenizer: str | None = None
    """A name (``gpt2``), or the path of a ``tokenizer.json``. This or ``train_bpe``."""
    train_bpe: TrainBpe | None = None
    """Train one on the run's own documents."""
    eos_token: str = "<|endoftext|>"
    """Ends every document; a special token of the tokenizer (a trained one gets it)."""
    validation_share: float = 0.01
    """Share of the documents that training never sees, chosen by hash of their id, in [0, 1)."""
    shard_count: int | None = None
    """Train shards; from the input's size where absent."""
    engine: Engine = "auto"
    """`auto`: fastokens where it is installed and found to give the same ids; else tokenizers."""

    use: ClassVar[str] = "tokenize"
    version: ClassVar[int] = 1
    path_fields: ClassVar[tuple[str, ...]] = ("tokenizer",)
    outside_fingerprint: ClassVar[tuple[str, ...]] = ("tokenizer", "engine")

    def __post_init__(self) -> None:
        if (self.tokenizer is None) == (self.train_bpe is None):
            raise ValueError("give one of tokenizer and train_bpe, for example tokenizer = 'gpt2'")
        if not self.eos_token:
            raise ValueError("eos_token must not be empty")
        if not 0 <= self.validation_share < 1:
            raise ValueError(f"validation_share must be in [0, 1), got {self.validation_share}")
        if self.shard_count is not None and self.shard_count < 1:
            raise ValueError(f"shard_count must be at least 1, got {self.shard_count}")
        if self.tokenizer is not None and is_name(self.tokenizer):
            # a config's paths are made absolute before they come here, and a name is no path
            object.__setattr__(self, "tokenizer", Path(self.tokenizer).name)

    @property
    def requires(self) -> tuple[str, ...]:
        packaged = PACKAGED.get(self.tokenizer or "")
        return ("tokenizers",) if packaged is None else ("tokenizers", packaged[0])

    def check(self) -> None:
        """Raise :class:`ConfigError` for a tokenizer that is not there, is none, or has no such
        end of text."""
        self._vocab_size()

    def fingerprint_extra(self) -> dict[str, Any]:
        """The tokenizer's content, in place of its path."""
        origin = self._origin("")
        return {"tokenizer_sha256": origin.sha256} if isinstance(origin, TokenizerFile) else {}

    def expand(self, context: PlanContext) -> list[Draft]:
        require_columns(context.columns, tuple(COLUMNS), context.name)
        prefix = "" if context.name == self.use else f"{context.name}-"
        steps: list[Draft] = []
        trained = f"{prefix}tokenizer"
        origin, vocab_size = self._origin(trained), self._vocab_size()
        reads = (trained,) if self.train_bpe is not None else ()
        if self.train_bpe is not None:
            steps.append(
                Draft(
                    name=trained,
                    kind="work",
                    label="train tokenizer",
                    work=TrainWork(options=self.train_bpe, eos_token=self.eos_token),
                    schema=TOKENIZER_SCHEMA,
                    shard_count=1,
                )
            )
        encoded = f"{context.name}-encode"
        shards = context.document_shards
        steps.append(
            Draft(
                name=encoded,
                kind="work",
                label="encode",
                work=EncodeWork(
                    tokenizer=origin,
                    eos_token=self.eos_token,
                    engine=planned_engine(self.engine),
                    repeats_for=self.validation_share if _repeats(context) else None,
                ),
                schema=work_schema(vocab_size),
                shard_count=shards,
                reads=reads,
                format="arrow",
            )
        )
        if shards > MERGE_ABOVE:
            merged = f"{context.name}-merge"
            steps.append(
                Draft(
                    name=merged,
                    kind="work",
                    label="merge",
                    work=MergeWork(encoded=encoded, vocab_size=vocab_size, width=MERGE_WIDTH),
                    schema=work_schema(vocab_size),
                    shard_count=-(-shards // MERGE_WIDTH),
                    reads=(encoded,),
                    uses_view=False,
                    format="arrow",
                )
            )
            encoded = merged
        train, validation = self._shard_counts(context.input_bytes)
        steps.append(
            Draft(
                name=f"{prefix}tokens",
                kind="tokens",
                label="shuffle",
                work=TokensWork(
                    encoded=encoded,
                    vocab_size=vocab_size,
                    tokenizer=origin,
                    eos_token=self.eos_token,
                    validation_share=self.validation_share,
                    train_shards=train,
                    validation_shards=validation,
                ),
                schema=token_schema(vocab_size),
                shard_count=train + validation,
                reads=(encoded, *reads),
                uses_view=False,
                format="arrow",
            )
        )
        return steps

    def _origin(self, trained: str) -> TokenizerFile | TrainedTokenizer:
        if self.tokenizer is None:
            return TrainedTokenizer(trained)
        return TokenizerFile.find(self.tokenizer)

    def _vocab_size(self) -> int:
        """As far as the plan knows it, after every check that can be made before the run."""
        if self.train_bpe is not None:
            return self.train_bpe.vocab_size
        assert self.tokenizer is not None
        file = TokenizerFile.find(self.tokenizer)
        return load_tokenizer(file.read(), self.eos_token, self.tokenizer).vocab_size

    def _shard_counts(self, input_bytes: int) -> tuple[int, int]:
        """(train, validation): shards of the two splits have about the same size."""
        train = self.shard_count
        if train is None:
            train = min(MAX_SHARDS, max(1, -(-input_bytes // SHARD_INPUT_BYTES)))
        if self.validation_share == 0:
            return train, 0
        return train, max(1, round(train * self.validation_share / (1 - self.validation_share)))


def _repeats(context: PlanContext) -> bool:
    """Whether a deduplication says how often each document is seen. By its type too: a measure of
    somebody's that is called so is no such column."""
    columns = context.columns
    return (
        REPEAT_COUNT.name in columns.names
        and columns.field(REPEAT_COUNT.name).type == REPEAT_COUNT.type
    )
