"""``dclm_addresses``: takes web addresses out of the text, and empty lines in a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from winnow.filters.measured import (
    Measure,
    MeasuredFilter,
    append_measures,
    count_measure,
    replace_text,
)
from winnow.optional import require
from winnow.pipeline.stage import BatchFunction


@dataclass(frozen=True, kw_only=True)
class DclmAddresses(MeasuredFilter):
    """Removes URLs, host names and IPv4 addresses from the text, with the white space before them,
    and all but two of more line feeds in a row.

    removed_address_count   addresses taken out

    Source: DCLM (Li et al. 2024), `url_removal_modifier` and `newline_removal_modifier` of
    `dclm_baseline_refinedweb.yaml`, with its list of top-level domains. As published, addresses by
    name go only from a text that *begins* with the letters of a top-level domain, in any case
    ("The" begins with "th", "What" with none): its test for whether there is a domain at all is
    anchored. And what looks like a host goes too: of "at the end.it is", "end.it" does.
    """

    only_after_domain: bool = True
    """The anchored test. `false` takes addresses out of every text, as was meant."""
    max_line_feeds: int = 2
    """In a row."""

    use: ClassVar[str] = "dclm_addresses"
    version: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ("numba",)
    rewrites: ClassVar[bool] = True
    measures: ClassVar[tuple[Measure, ...]] = (
        count_measure("removed_address_count", "addresses taken out of the text"),
    )

    def open(self) -> BatchFunction:
        for module in self.requires:
            require(module, f"stage '{self.use}'")
        from winnow.text.addresses import remove_addresses, top_level_domains
        from winnow.text.characters import character_flags
        from winnow.text.table import TextColumn
        from winnow.text.written import room_for, written

        domains = top_level_domains()
        flags = character_flags()

        def rewrite(batch: pa.RecordBatch) -> pa.RecordBatch:
            text = TextColumn(batch.column("text"))
            removed = np.zeros(batch.num_rows, np.int64)
            data, offsets = room_for(text)
            remove_addresses(
                text.data,
                text.offsets,
                np.arange(batch.num_rows),
                flags,
                domains.codes,
                domains.ends,
                domains.slots,
                domains.folded,
                domains.ascii,
                self.only_after_domain,
                self.max_line_feeds,
                data,
                offsets,
                removed,
            )
            batch = replace_text(batch, written(data, offsets))
            return append_measures(batch, self.measure_fields(), [removed])

        return rewrite
