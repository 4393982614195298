"""Which texts say anything: those with a letter or a digit of any script."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

#: a text is read if this is found in it
WORD = r"[\pL\pN]"


def hide_unreadable(products: pa.Table) -> pa.Table:
    """Return the products with every text missing that has no letter or digit, as the models take it."""
    for name in ("title", "ocr"):
        text = products[name]
        if text.null_count == len(text):
            continue  # nothing to hide, and compiling the pattern takes longer than a title does
        says = pc.match_substring_regex(pc.fill_null(text, ""), WORD)
        if not pc.all(says).as_py():
            hidden = pc.if_else(says, text, pa.scalar(None, text.type))
            place = products.column_names.index(name)
            products = products.set_column(place, products.schema.field(name), hidden)
    return products
