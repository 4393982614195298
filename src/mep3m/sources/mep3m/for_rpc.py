"""MEP-for-RPC (§7): the sub-classes of MEP-3M that overlap RPC's meta classes, many to many.

The paper says that there are 26, that 304 covers three meta classes and that personal hygiene has four
sub-classes; which ones they are it does not say. The rest of the table is ours, from the names of both, with
the reason in each row (decision 310).
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).with_name("for_rpc.tsv")


class RpcLink(NamedTuple):
    """A sub-class of MEP-3M and a meta class of RPC that have products in common."""

    sub_class_id: int
    sub_class_name: str
    meta_id: int
    meta_name: str
    meta_name_zh: str
    reason: str


@cache
def rpc_links() -> tuple[RpcLink, ...]:
    """Return every link, by meta class."""
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return tuple(RpcLink(int(row[0]), row[1], int(row[2]), *row[3:]) for row in rows[1:])
