"""A file of decisions with items and categories alone: no run, quick enough for property tests."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from mep3m.desk.folder import DeskFolder
from mep3m.desk.reviewing.categories import keep_categories
from mep3m.desk.reviewing.reviewing import Reviewing
from mep3m.taxonomy import Taxonomy

PATHS = (("食品",), ("食品", "苹果"), ("食品", "香蕉"), ("数码",), ("数码", "手机"))
_ITEM = (
    "INSERT INTO items (take, platform, own_id, title, duplicates, queue, cluster, people, state, waits) "
    "VALUES (1, '', ?, ?, ?, ?, ?, ?, 'open', 1)"
)


@contextmanager
def bare(
    ids: Sequence[str],
    people: int = 1,
    queue: str = "review",
    paths: Sequence[tuple[str, ...]] = PATHS,
    taxonomy: Taxonomy | None = None,
) -> Iterator[Reviewing]:
    """Open a new desk with an item for each id, each in a group of its own."""
    with TemporaryDirectory() as folder:
        reviewing = Reviewing.of(DeskFolder(Path(folder)))
        with reviewing.database.change() as change:
            keep_categories(change, paths, taxonomy)
            change.execute(
                "INSERT INTO takes (fingerprint, file, time, came, drawn, review) "
                "VALUES ('x', 'x', '', 0, 0, 0)"
            )
            rows = [(one, f"苹果 手机 {n}", one, queue, n + 1, people) for n, one in enumerate(ids)]
            change.executemany(_ITEM, rows)
        try:
            yield reviewing
        finally:
            reviewing.database.close()
