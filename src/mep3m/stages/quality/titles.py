"""What a title's characters say about its quality, for whole columns at once."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from mep3m.settings.quality import QualitySettings


def title_reasons(titles: pa.Array, settings: QualitySettings) -> pa.Array:
    """Return the first check that each title fails, null where it passes all.

    A letter is any character of Unicode category L; a title without letters is not foreign.
    """
    text = pc.utf8_trim_whitespace(pc.fill_null(titles, ""))
    length = pc.utf8_length(text)
    nothing = pa.scalar(None, pa.string())
    reasons = pa.nulls(len(titles), pa.string())
    if settings.scripts is not None:
        known = "".join(rf"\p{{{script}}}" for script in settings.scripts)
        letters = pc.count_substring_regex(text, r"\p{L}")
        # a letter of a listed script is also a mark or number in few cases; count letters only
        foreign = pc.count_substring_regex(pc.replace_substring_regex(text, f"[{known}]", ""), r"\p{L}")
        share = pc.divide(foreign.cast(pa.float64()), pc.max_element_wise(letters, 1).cast(pa.float64()))
        reasons = pc.if_else(pc.greater(share, settings.foreign_share), "foreign_title", nothing)
    if settings.max_title is not None:
        reasons = pc.if_else(pc.greater(length, settings.max_title), "long_title", reasons)
    if settings.min_title is not None:
        short = pc.and_(pc.greater(length, 0), pc.less(length, settings.min_title))
        reasons = pc.if_else(short, "short_title", reasons)
    if settings.empty_title:
        reasons = pc.if_else(pc.equal(length, 0), "empty_title", reasons)
    return reasons
