"""Duplicate groups, label paths, statistics and look-alikes against a plain way to compute the same."""

import re
import unicodedata
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.dataset.dataset import Dataset, join_gaps, label_cells
from mep3m.dataset.splits import Split, duplicate_groups, split_products
from mep3m.errors import FormatError, NotFoundError, UsageError
from mep3m.product import Label, Product, to_table
from mep3m.statistics.numbers import statistics
from mep3m.statistics.pictures import closest, pixel_distances
from mep3m.store import Plan, Reject, StoreWriter

cells = st.lists(
    st.lists(st.sampled_from(["a", "b", "c", None]), max_size=3).map(tuple), min_size=1, max_size=15
)
named = st.sampled_from(["红 茶", "红茶!", "绿茶", "GREEN tea", "Green-Tea", "", None])
grouped = st.sampled_from(["g1", "g2", None])


def labels(row: tuple[str | None, ...]) -> tuple[Label, ...]:
    return tuple(Label(name, "given", "shop") for name in row)


def partition(groups: list[str]) -> set[frozenset[int]]:
    places = defaultdict(set)
    for row, group in enumerate(groups):
        places[group].add(row)
    return {frozenset(rows) for rows in places.values()}


@settings(deadline=None)
@given(rows=st.lists(st.tuples(named, grouped), min_size=1, max_size=14))
def test_duplicate_groups_are_the_connected_parts(rows: list[tuple[str | None, str | None]]) -> None:
    def plain(title: str | None) -> str:
        return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", title or "").lower())

    graph = nx.Graph()
    graph.add_nodes_from(range(len(rows)))
    for (i, (title, group)), (j, (other, other_group)) in combinations(enumerate(rows), 2):
        if (plain(title) and plain(title) == plain(other)) or (group and group == other_group):
            graph.add_edge(i, j)
    table = to_table(
        Product(f"p{n}", "s", str(n), title=title, group=group) for n, (title, group) in enumerate(rows)
    )
    expected = {frozenset(part) for part in nx.connected_components(graph)}
    assert partition(duplicate_groups(table)) == expected


@settings(deadline=None)
@given(rows=st.lists(named, min_size=4, max_size=20), share=st.floats(0.1, 0.9), seed=st.integers(0, 9))
def test_a_split_never_parts_a_group(rows: list[str | None], share: float, seed: int) -> None:
    table = to_table(Product(f"p{n}", "s", str(n), title=title) for n, title in enumerate(rows))
    try:
        split = split_products(table, "grouped", share, seed)
    except UsageError as error:
        assert "empty" in str(error)  # noqa: PT017
        return
    sides = {product: side for side in ("train", "test") for product in getattr(split, side)}
    for part in partition(duplicate_groups(table)):
        assert len({sides[f"p{row}"] for row in part}) == 1


def test_adding_a_product_moves_few_of_the_others() -> None:
    products = [Product(f"p{n}", "s", str(n), title=f"title {n}") for n in range(400)]
    before = set(split_products(to_table(products[:-1]), "random", 0.2, 3).test)
    after = set(split_products(to_table(products), "random", 0.2, 3).test)
    assert len(before ^ after) <= 3


def test_a_split_id_follows_its_ids_and_not_their_order() -> None:
    one = Split("random", 0, 0.5, ("a", "b"), ("c",))
    assert one.id == Split("grouped", 9, 0.1, ("b", "a"), ("c",)).id
    assert one.id != Split("random", 0, 0.5, ("a", "c"), ("b",)).id


@pytest.mark.parametrize("content", ["{}", "[]", "7", '{"train": [], "test": []}', '{"train": 1}'])
def test_a_json_file_that_is_no_split_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "split.json").write_text(content)
    with pytest.raises(FormatError, match=r"split\.json is not a split; 'mep3m split' writes one"):
        Split.load(tmp_path / "split.json")


@given(rows=cells)
def test_a_path_never_contradicts_the_label_it_comes_from(rows: list[tuple[str | None, ...]]) -> None:
    for row, path in zip(rows, join_gaps(rows), strict=True):
        assert None not in path
        assert len(path) <= len(row)
        assert all(mine in (None, theirs) for mine, theirs in zip(row, path, strict=False))
        if None not in row:
            assert path == row


@given(rows=cells)
def test_rows_of_one_label_have_one_path_in_any_order(rows: list[tuple[str | None, ...]]) -> None:
    paths = join_gaps(rows)
    turned = join_gaps(rows[::-1])[::-1]
    assert paths == turned
    by_label = defaultdict(set)
    for row, path in zip(rows, paths, strict=True):
        by_label[row].add(path)
    assert all(len(found) == 1 for found in by_label.values())


def test_names_of_shops_are_labels_only_where_no_row_has_any() -> None:
    """After 'align apply' a row without labels found no place: the shop's own name is no class."""
    rows = [
        Product("1", "s", "1", source_path=("家电", "电视"), labels=labels(("tv",))),
        Product("2", "s", "2", source_path=("家电", "")),
        Product("3", "s", "3"),
    ]
    assert label_cells(to_table(rows)) == [("tv",), (), ()]
    assert label_cells(to_table(rows[1:])) == [("家电", None), ()]


@settings(deadline=None, max_examples=30)
@given(rows=cells)
def test_levels_and_labelled_rows_agree_with_the_cells(rows: list[tuple[str | None, ...]]) -> None:
    products = [Product(str(n), "s", str(n), source_path=()) for n in range(len(rows))]
    dataset = Dataset(to_table(products), tuple(rows))
    assert dataset.depth == max(len(row) for row in rows)
    for level in range(1, dataset.depth + 1):
        assert Counter(dataset.names(level)) == Counter(
            row[level - 1] if len(row) >= level else None for row in rows
        )
    known = [str(n) for n, path in enumerate(dataset.paths) if path]
    if known:
        assert dataset.labelled().ids == known
    else:
        with pytest.raises(UsageError, match="has a label"):
            dataset.labelled()


def test_a_name_with_two_places_lists_both() -> None:
    products = [Product(str(n), "s", str(n)) for n in range(2)]
    dataset = Dataset(to_table(products), (("food", "gift", "box"), ("home", "gift", "box")))
    with pytest.raises(NotFoundError, match="write one of: food > gift; home > gift"):
        dataset.subset(("gift",))


products = st.lists(
    st.builds(
        lambda source, path, title, ocr, image, dropped, group: (
            source, path, title, ocr, image, dropped, group),
        source=st.sampled_from(["jd", "tb"]),
        path=st.lists(st.sampled_from(["a", "b"]), max_size=3).map(tuple),
        title=st.sampled_from(["红 茶", "茶", "tea", None]),
        ocr=st.sampled_from(["包邮", None]),
        image=st.sampled_from(["k1", "k2", None]),
        dropped=st.sampled_from([None, None, "blank", "broken"]),
        group=st.sampled_from(["g1", "g2", None]),
    ),
    max_size=12,
)  # fmt: skip


@settings(deadline=None, max_examples=10)
@given(rows=products, refused=st.lists(st.sampled_from(["no title", "no id"]), max_size=4))
def test_statistics_are_what_counting_by_hand_gives(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple], refused: list[str]
) -> None:
    made = [
        Product(
            str(n), source, str(n), title=title, ocr=ocr, image=image, dropped=dropped, group=group,
            labels=labels(path),
        )
        for n, (source, path, title, ocr, image, dropped, group) in enumerate(rows)
    ]  # fmt: skip
    writer = StoreWriter.begin(tmp_path_factory.mktemp("store") / "s", Plan("ingest", {}, ("x",)))
    writer.write(0, to_table(made), [Reject("ingest", "jd", reason) for reason in refused])
    found = statistics(writer.finish())
    kept = [product for product in made if product.dropped is None]
    sizes = [n for group, n in Counter(p.group for p in kept).items() if group and n > 1]
    looked = any(product.group for product in made)  # dedupe gives every product a group
    assert found["rows"] == {
        "total": len(made),
        "kept": len(kept),
        "dropped": Counter(p.dropped for p in made if p.dropped),
        "refused": Counter(refused),
        "sources": Counter(p.source for p in kept),
        "duplicate_groups": len(sizes) if looked else None,
        "in_duplicate_groups": sum(sizes) if looked else None,
    }
    depth = max((len(p.labels) for p in kept), default=0)
    assert [(level["classes"], level["rows"]) for level in found["levels"]] == [
        (len({p.category(k) for p in kept} - {None}), sum(p.category(k) is not None for p in kept))
        for k in range(1, depth + 1)
    ]
    assert {row["id"]: row["samples"] for row in found["classes"]} == Counter(
        p.category(1) for p in kept if p.labels
    )
    assert found["titles"]["lengths"] == Counter(len(p.title) for p in kept if p.title)
    assert found["titles"]["characters"] == sum(len(p.title or "") for p in kept)
    assert found["images"]["distinct"] == len({p.image for p in kept} - {None})
    assert found["ocr"]["rows"] == sum(p.ocr is not None for p in kept)
    letters = Counter(letter for p in kept for letter in p.title or "" if letter.strip())
    assert found["characters"]["title"] == letters


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 999), count=st.integers(1, 5))
def test_look_alikes_are_the_greedy_closest_pairs(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    pixels = random.random((9, 6)).astype(np.float32)
    classes = random.choice(["a", "b", "c"], 9)
    pairs = [(i, j) for i, j in combinations(range(9), 2) if classes[i] != classes[j]]
    distance = {(i, j): float(np.sqrt(((pixels[i] - pixels[j]) ** 2).mean())) for i, j in pairs}
    expected: list[tuple[int, int]] = []
    for pair in sorted(pairs, key=distance.__getitem__):
        if len(expected) < count and not {*pair} & {n for taken in expected for n in taken}:
            expected.append(pair)
    sample = [(str(n), str(label)) for n, label in enumerate(classes)]
    found = closest(sample, pixel_distances(pixels), count)
    assert [(int(one.left), int(one.right)) for one in found] == expected
    assert [one.distance for one in found] == pytest.approx([distance[pair] for pair in expected], abs=1e-3)
