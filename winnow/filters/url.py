"""``url``: domains, hosts and words that a run will not have."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from winnow.errors import PlanError
from winnow.filters.loaded import file_stamp
from winnow.filters.measured import Measure, MeasuredFilter, append_measures
from winnow.optional import require
from winnow.pipeline.fingerprint import file_digest
from winnow.pipeline.stage import BatchFunction

_TOKEN = re.compile(r"[^a-z0-9]+")

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, kw_only=True)
class UrlFilter(MeasuredFilter):
    """Block lists of domains, hosts and words in URLs.

    url_blocked   "domain": the registered domain (`example.co.uk`) is listed; "host": the host, or
                  a parent of it below the registered domain, is; "word": a word of the URL is
                  banned; null: none. The first that holds. By default every label rejects.

    Registered domains follow the public suffix list that tldextract carries; nothing is ever
    fetched. Entries and hosts are compared in lower case and as Punycode.

    Source: datatrove 0.10 `URLFilter`, rules 1, 2 and 4. Differs: a listed host blocks the hosts
    below it; words are compared in lower case. List entries are kept as 64-bit hashes (8 bytes
    each), so a list of n blocks one innocent host in 2**64 / n.
    """

    domains: tuple[str, ...] = ()
    """Domains or hosts to block."""
    lists: tuple[str, ...] = ()
    """Files of them: one a line, `#` begins a comment, `.gz` is read as such. A line of several
    fields (a hosts file) counts by its last."""
    words: tuple[str, ...] = ()
    """Words to block: runs of a-z and 0-9 in the lower-case URL."""

    use: ClassVar[str] = "url"
    version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ("tldextract",)
    path_fields: ClassVar[tuple[str, ...]] = ("lists",)
    outside_fingerprint: ClassVar[tuple[str, ...]] = ("lists",)
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("url_blocked", pa.string(), "what of the URL is on a block list", allowed=()),
    )

    @property
    def reads(self) -> tuple[str, ...]:
        return ("url", "domain")

    def fingerprint_extra(self) -> dict[str, Any]:
        return {"lists_sha256": [file_digest(path) for path in self.lists]}

    def check(self) -> None:
        """Raise :class:`PlanError` for a list that cannot be read."""
        for path in self.lists:
            try:
                with _open_list(path) as file:
                    file.readline()
            except (OSError, UnicodeDecodeError) as error:
                raise PlanError(
                    f"stage '{self.use}': cannot read the block list {path}: {error}",
                    remedy="lists are text files, one domain or host a line; paths are relative "
                    "to the config.",
                ) from None

    def open(self) -> BatchFunction:
        require("tldextract", f"stage '{self.use}'")
        blocked = _blocked_hashes(self.domains, self.lists, tuple(map(file_stamp, self.lists)))
        words = frozenset(word.lower() for word in self.words)
        registered = _registered_domain()

        @lru_cache(maxsize=1 << 16)
        def host_label(host: str) -> str | None:
            return _host_label(host, registered(host), blocked)

        def label(host: str, url: str) -> str | None:
            found = host_label(host) if len(blocked) else None
            if found is None and words and not words.isdisjoint(_TOKEN.split(url.lower())):
                return "word"
            return found

        def measure(batch: pa.RecordBatch) -> pa.RecordBatch:
            hosts = batch.column("domain").to_pylist()
            urls = batch.column("url").to_pylist() if words else hosts
            labels = [label(host or "", url or "") for host, url in zip(hosts, urls, strict=True)]
            return append_measures(batch, self.measure_fields(), [labels])

        return measure


def _host_label(host: str, registered: str, blocked: Hashes) -> str | None:
    host = _normalised(host)
    if not host:
        return None
    registered = _normalised(registered) or host
    if _holds(blocked, registered):
        return "domain"
    while host != registered and "." in host:
        if _holds(blocked, host):
            return "host"
        host = host.partition(".")[2]
    return None


def _normalised(host: str) -> str:
    """Lower case, Punycode, no dot or ``*.`` around it."""
    host = host.strip().lower().removeprefix("*.").strip(".")
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def _hash(host: str) -> int:
    digest = hashlib.blake2b(host.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def _holds(blocked: Hashes, host: str) -> bool:
    key = np.uint64(_hash(host))
    place = int(np.searchsorted(blocked, key))
    return place < len(blocked) and bool(blocked[place] == key)


@lru_cache(maxsize=4)
def _blocked_hashes(
    domains: tuple[str, ...], lists: tuple[str, ...], stamps: tuple[tuple[int, int], ...]
) -> Hashes:
    """Sorted hashes of all entries, ``uint64[entries]``; once a process while no list changes."""
    parts = [_hashes_of(domains)]
    for path in lists:
        with _open_list(path) as file:
            parts.append(_hashes_of(_entries(file)))
    return np.unique(np.concatenate(parts))


def _hashes_of(entries: Iterable[str]) -> Hashes:
    named = (host for host in map(_normalised, entries) if host)
    return np.fromiter(map(_hash, named), np.uint64)


def _entries(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        fields = line.partition("#")[0].split()
        if fields:
            yield fields[-1]


def _open_list(path: str) -> Any:
    if path.endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8")
    return open(path, encoding="utf-8")


@lru_cache(maxsize=1)
def _registered_domain() -> Callable[[str], str]:
    """Host → registered domain by the suffix list in the package; "" for an IP address."""
    tldextract = require("tldextract", "stage 'url'")
    extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)

    def registered(host: str) -> str:
        parts = extract.extract_str(host)
        return f"{parts.domain}.{parts.suffix}" if parts.domain and parts.suffix else ""

    return registered
