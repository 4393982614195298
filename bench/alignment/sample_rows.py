"""Rows of a build for a person to judge: `python -m bench.alignment.sample_rows STORE COUNT SEED`.

A line a row: number, platform, the shop's own category, the path that it was filed under, title.
"""

from __future__ import annotations

import random
import sys

from mep3m.store import Store
from mep3m.taxonomy import PATH_SEPARATOR


def main() -> None:
    store = Store.open(sys.argv[1])
    tree = store.taxonomy
    rows = sorted(
        (one for one in store.products() if one.dropped is None), key=lambda one: (one.source, one.source_id)
    )
    for number, one in enumerate(random.Random(int(sys.argv[3])).sample(rows, int(sys.argv[2])), 1):
        filed = PATH_SEPARATOR.join(tree[label.category].name for label in one.labels if label.category)
        own = PATH_SEPARATOR.join(one.source_path)
        print(number, one.source, own, filed or "(no label)", one.title, sep="\t")


if __name__ == "__main__":
    main()
