"""What only all shards together show: repeated ids, the tree of the records, and what is left of a kill."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.engine import make_engine
from mep3m.ingest.origin import Catalogues
from mep3m.ingest.shards import (
    find_taxonomy,
    list_parts,
    only,
    refuse_repeats,
    reuse_memory,
    rewrite,
    taxonomy_of_shards,
)
from mep3m.product import Label, Product, from_table, to_table
from mep3m.settings.sources import SourceEntry
from mep3m.sources.base import Batch
from mep3m.store import Plan, Reject, StoreWriter
from mep3m.store.filesystem import sweep
from mep3m.store.store import read_shard
from tests.ingest.shop import COLUMNS, content, rows, take_in, write_shop

#: shards as lists of ids
SHARDS = st.lists(st.lists(st.integers(0, 6), max_size=5), min_size=1, max_size=4)


def product(number: int, line: int, file: str = "a.csv") -> Product:
    return Product(f"s:{number}", "s", str(number), file=file, line=line)


def write(folder: Path, shards: list[list[int]]) -> StoreWriter:
    writer = StoreWriter.begin(folder, Plan("ingest", {}, tuple(map(str, range(len(shards))))))
    line = 1
    for index, ids in enumerate(shards):
        writer.write(index, to_table([product(number, line := line + 1) for number in ids]))
    return writer


def refused(folder: Path) -> list[dict[str, object]]:
    return [row for path in sorted((folder / "rejects").glob("*")) for row in pq.read_table(path).to_pylist()]


@settings(max_examples=20)
@given(SHARDS)
def test_the_first_row_of_an_id_stays_wherever_the_later_ones_are(
    tmp_path_factory: pytest.TempPathFactory, shards: list[list[int]]
) -> None:
    folder = tmp_path_factory.mktemp("s") / "s"
    writer = write(folder, shards)
    refuse_repeats(writer)
    first: dict[int, int] = {}
    again = []
    for line, number in enumerate((number for ids in shards for number in ids), start=2):
        if number in first:
            again.append((line, f"the id is already used by a.csv, line {first[number]}"))
        first.setdefault(number, line)
    kept = [row.line for index in range(len(shards)) for row in from_table(read_shard(writer.shard(index)))]
    assert kept == sorted(first.values())
    assert [(row["line"], row["reason"]) for row in refused(folder)] == again
    before = content(folder)
    refuse_repeats(writer)
    assert content(folder) == before


def test_the_same_row_in_two_shards_is_not_refused(tmp_path: Path) -> None:
    """A place is no repetition of itself: a run that was killed may have written a row twice."""
    writer = StoreWriter.begin(tmp_path / "s", Plan("ingest", {}, ("a", "b")))
    for index in range(2):
        writer.write(index, to_table([product(1, 7)]))
    refuse_repeats(writer)
    assert refused(tmp_path / "s") == []


def test_only_the_shards_with_repeated_ids_are_written_again(tmp_path: Path) -> None:
    writer = write(tmp_path / "s", [[1, 2], [3, 4], [2, 5]])
    before = [writer.shard(index).stat().st_mtime_ns for index in range(3)]
    refuse_repeats(writer)
    after = [writer.shard(index).stat().st_mtime_ns for index in range(3)]
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, True, False]


def test_adding_to_a_quarantine_twice_adds_once(tmp_path: Path) -> None:
    writer = write(tmp_path / "s", [[1]])
    table = read_shard(writer.shard(0))
    for _ in range(2):
        rewrite(writer, 0, table, [Reject("ingest", "s", "wrong", file="a.csv", line=9)])
    assert [row["line"] for row in refused(tmp_path / "s")] == [9]


def test_half_written_files_are_swept_and_nothing_else(tmp_path: Path) -> None:
    store = take_in(write_shop(tmp_path, rows(6)), tmp_path / "s")
    before = content(store.folder)
    for name in ("shards/.00000.parquet.77.tmp", "images/abc/.abc.77.tmp", ".manifest.json.7.tmp"):
        (store.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (store.folder / name).write_bytes(b"half")
    sweep(store.folder)
    assert content(store.folder) == before


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 4)), max_size=8, unique=True), st.data())
def test_only_the_rows_at_the_wanted_places_are_left(
    places: list[tuple[str, int]], data: st.DataObject
) -> None:
    wanted = frozenset(data.draw(st.lists(st.sampled_from(places or [("c", 9)]))))
    products = [product(n, line, file) for n, (file, line) in enumerate(places)]
    contents = [str(n).encode() for n in range(len(places))]
    for given_contents in (None, contents):
        found = only(Batch(to_table(products), [Reject("x", "s", "r")], given_contents), wanted)
        kept = [(row.file, row.line) for row in from_table(found.products)]
        assert kept == [place for place in places if place in wanted]
        assert len(found.rejects) == 1
        if given_contents is not None:
            assert found.contents == [c for c, place in zip(contents, places, strict=True) if place in wanted]


def labelled(number: int, *pairs: tuple[str, str]) -> Product:
    labels = tuple(Label(key, "given", "m") for key, _ in pairs)
    return Product(f"m:{number}", "m", str(number), tuple(name for _, name in pairs), labels=labels)


def test_the_tree_of_the_records_has_each_id_once_with_its_first_name(tmp_path: Path) -> None:
    writer = StoreWriter.begin(tmp_path / "s", Plan("ingest", {}, ("a", "b")))
    food, tea = ("L1-2", "食品"), ("L2-10", "茶")
    writer.write(0, to_table([labelled(1, food, tea), labelled(2, food, ("L2-9", "米")), labelled(3)]))
    writer.write(
        1, to_table([labelled(4, ("L1-2", "另一个名"), tea, ("L3-1", "红茶")), Product("x:1", "x", "1")])
    )
    tree = taxonomy_of_shards(writer, ["m"])
    assert [(node.id, node.name, node.parent) for node in tree] == [
        ("L1-2", "食品", None), ("L2-9", "米", "L1-2"), ("L2-10", "茶", "L1-2"), ("L3-1", "红茶", "L2-10"),
    ]  # fmt: skip
    assert len(taxonomy_of_shards(writer, ["x"])) == 0


def test_only_mep3m_s_records_bring_a_tree(tmp_path: Path) -> None:
    path = write_shop(tmp_path, rows(3))
    entry = SourceEntry.parse({"name": "shop", "path": str(path), "columns": COLUMNS}, "test")
    catalogues = Catalogues((entry,), Path(), tmp_path / "images")
    writer = write(tmp_path / "s", [[1]])
    assert find_taxonomy(catalogues, writer) is None


def test_parts_of_several_sources_come_in_their_order(tmp_path: Path) -> None:
    entries = []
    for name in "ba":
        write_shop(tmp_path, rows(9), f"{name}.tsv")
        one = {"name": name, "path": f"{name}.tsv", "columns": COLUMNS, "part_bytes": 100}
        entries.append(SourceEntry.parse(one, "test"))
    parts = list_parts(Catalogues(tuple(entries), tmp_path, tmp_path / "images"))
    assert [which for which, _ in parts] == sorted(which for which, _ in parts)
    assert [part.file for which, part in parts if which == 0] == ["b.tsv"] * sum(w == 0 for w, _ in parts)
    assert len(parts) > 4


def test_memory_is_asked_for_once_on_any_system(monkeypatch: pytest.MonkeyPatch) -> None:
    reuse_memory()
    assert pa.default_memory_pool().backend_name == "system"
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())  # a C library without mallopt
    reuse_memory()


def test_a_store_without_rows_has_no_repeats(tmp_path: Path) -> None:
    writer = StoreWriter.begin(tmp_path / "s", Plan("ingest", {}, ()))
    refuse_repeats(writer)
    assert not (tmp_path / "s" / "rejects").exists()
    make_engine()  # and an engine of one worker is this process
