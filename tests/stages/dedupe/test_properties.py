"""Groups over whole stores: a partition, the same for any cut and any order, and never joined by nothing."""

from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.engine import make_engine
from mep3m.product import Product, to_table
from mep3m.settings.dedupe import DedupeSettings
from mep3m.stages.base import run_stage
from mep3m.stages.dedupe.groups import REASONS
from mep3m.stages.dedupe.lookup import DuplicateIndex
from mep3m.stages.dedupe.stage import DedupeStage, group_sizes
from mep3m.store import Plan, Store, StoreWriter

TITLES = (
    "红茶 500g 礼盒装 正山小种",
    "红茶500G礼盒装正山小种！",
    "红茶 500g 礼盒装 正山小种 包邮",
    "大米 5kg 东北长粒香",
    "大米 5kg 东北 长粒香 新米",
    "台灯 LED 护眼",
    "茶",
    "",
    None,
)
#: index of the title, and whether an earlier stage dropped the row
ROW = st.tuples(st.integers(0, len(TITLES) - 1), st.booleans())
ROWS = st.lists(ROW, min_size=1, max_size=10)
SOME = settings(max_examples=20)


def build(folder: Path, rows: list[tuple[int, bool]], cuts: list[int], order: list[int]) -> Store:
    """Return the grouped store of the rows in some order, cut into shards at some places."""
    products = [
        Product(f"s:{n}", "s", str(n), title=TITLES[rows[n][0]], dropped="x" if rows[n][1] else None)
        for n in order
    ]
    edges = [0, *sorted({cut % (len(products) + 1) for cut in cuts}), len(products)]
    writer = StoreWriter.begin(folder / "s", Plan("ingest", {}, tuple(map(str, range(len(edges) - 1)))))
    for part, (start, stop) in enumerate(pairwise(edges)):
        writer.write(part, to_table(products[start:stop]))
    return run_stage(DedupeStage(DedupeSettings()), writer.finish(), folder / "g", make_engine())


def parts(store: Store) -> set[frozenset[str]]:
    found = defaultdict(set)
    for row in store.products():
        if row.group is not None:
            found[row.group].add(row.id)
    return {frozenset(members) for members in found.values()}


@SOME
@given(ROWS, st.lists(st.integers(0, 10), max_size=3), st.randoms(use_true_random=False))
def test_the_groups_are_a_partition_that_neither_cut_nor_order_changes(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, bool]], cuts: list[int], chance: object
) -> None:
    folder = tmp_path_factory.mktemp("d")
    order = list(range(len(rows)))
    one = build(folder / "one", rows, [], order)
    chance.shuffle(order)  # type: ignore[attr-defined]
    other = build(folder / "other", rows, cuts, order)
    found = parts(one)
    assert found == parts(other)
    members = [key for part in found for key in part]
    assert sorted(members) == sorted(f"s:{n}" for n, (_, dropped) in enumerate(rows) if not dropped)


@SOME
@given(ROWS)
def test_a_group_is_named_by_its_first_product_and_dropped_rows_have_none(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, bool]]
) -> None:
    store = build(tmp_path_factory.mktemp("d"), rows, [], list(range(len(rows))))
    first: dict[str, str] = {}
    for row in store.products():
        if row.dropped is not None:
            assert row.group is None
        else:
            assert row.group is not None
            first.setdefault(row.group, row.id)
    assert all(name == key for name, key in first.items())


@SOME
@given(ROWS)
def test_titles_that_are_equal_but_for_width_case_and_marks_are_one_group_and_the_empty_are_alone(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, bool]]
) -> None:
    store = build(tmp_path_factory.mktemp("d"), rows, [], list(range(len(rows))))
    group_of = {row.id: row.group for row in store.products()}
    alive = [(f"s:{n}", title) for n, (title, dropped) in enumerate(rows) if not dropped]
    assert len({group_of[key] for key, title in alive if title in (0, 1)}) <= 1
    for key, title in alive:
        if TITLES[title] in ("", None):
            assert group_of[key] == key
    lamps = {group_of[key] for key, title in alive if title == 5}
    assert not lamps & {group_of[key] for key, title in alive if title != 5}


@SOME
@given(ROWS)
def test_sizes_and_links_agree_with_the_groups(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, bool]]
) -> None:
    store = build(tmp_path_factory.mktemp("d"), rows, [], list(range(len(rows))))
    sizes: dict[int, int] = defaultdict(int)
    for part in parts(store):
        sizes[len(part)] += 1
    assert group_sizes(store) == sizes
    group_of = {row.id: row.group for row in store.products()}
    for link in pq.read_table(store.folder / "decision" / "links.parquet").to_pylist():
        assert group_of[link["left"]] == group_of[link["right"]] is not None
        assert link["reason"] in REASONS
        assert 0 <= link["similarity"] <= 1


@SOME
@given(ROWS, st.integers(0, len(TITLES) - 3))
def test_a_new_product_finds_what_it_would_be_grouped_with(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, bool]], title: int
) -> None:
    store = build(tmp_path_factory.mktemp("d"), rows, [], list(range(len(rows))))
    found = DuplicateIndex.open(store).find(TITLES[title])
    same = [f"s:{n}" for n, (other, dropped) in enumerate(rows) if other == title and not dropped]
    assert set(same) <= {one.id for one in found if one.reason == "same_title"}
    assert all(one.similarity >= 0.6 for one in found if one.reason == "near_title")
    reasons = [one.reason for one in found]
    assert reasons == sorted(reasons, key=["same_title", "same_image", "near_title", "near_image"].index)
