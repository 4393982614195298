"""Splits: duplicates stay together, the order of rows does not matter, mistakes say what to do."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.dataset.splits import Split, duplicate_groups, split_products
from mep3m.errors import Mep3mError, NotFoundError, UsageError
from mep3m.product import Product, to_table


def shelf(titles: list[str | None], groups: list[str | None] | None = None) -> pa.Table:
    groups = groups or [None] * len(titles)
    return to_table(
        Product(id=f"p{n}", source=f"s{n % 3}", source_id=str(n), title=title, group=group)
        for n, (title, group) in enumerate(zip(titles, groups, strict=True))
    )


def test_titles_that_differ_in_case_space_and_marks_are_one_group() -> None:
    groups = duplicate_groups(shelf(["Red Shoe!", "red  shoe", "ＲＥＤ shoe", "blue shoe", None, ""]))
    assert groups[0] == groups[1] == groups[2]
    assert len(set(groups)) == 4


def test_a_group_and_an_equal_title_join_into_one() -> None:
    groups = duplicate_groups(shelf(["a", "b", "b", "c"], ["g", "g", None, None]))
    assert groups[0] == groups[1] == groups[2] != groups[3]


def test_groups_join_along_a_chain_of_titles_and_take_the_first_of_their_names() -> None:
    chain = shelf(["x", "X!", "y", "Y", "z", None], ["h", "g", "g", "f", "f", None])
    assert list(duplicate_groups(chain)) == ["g:f"] * 5 + ["i:p5"]
    order = np.random.default_rng(0).permutation(6)
    assert list(duplicate_groups(chain.take(order))) == [(["g:f"] * 5 + ["i:p5"])[row] for row in order]


def test_an_empty_group_is_none_and_no_rows_have_no_groups() -> None:
    assert list(duplicate_groups(shelf(["x", "y"], ["", ""]))) == ["t:x", "t:y"]
    assert not len(duplicate_groups(shelf([])))


def test_groups_over_several_chunks_are_those_of_one() -> None:
    table = shelf([f"title {n % 7}" for n in range(40)], [f"g{n % 11}" if n % 3 else None for n in range(40)])
    pieces = pa.concat_tables([table.slice(0, 13), table.slice(13, 0), table.slice(13)])
    assert list(duplicate_groups(pieces)) == list(duplicate_groups(table))


@settings(max_examples=30, deadline=None)
@given(
    titles=st.lists(st.sampled_from([f"title {n}" for n in range(40)]), min_size=30, max_size=80),
    seed=st.integers(0, 50),
    kind=st.sampled_from(["grouped", "random", "stratified"]),
)
def test_a_split_is_a_partition_that_ignores_row_order(titles: list[str], seed: int, kind: str) -> None:
    titles = [*titles, *(f"single {n}" for n in range(30))]
    table = shelf(list(titles))
    labels = [f"c{len(title) % 2}" for title in titles]
    split = split_products(table, kind, 0.3, seed, labels)  # type: ignore[arg-type]
    order = np.random.default_rng(seed).permutation(len(titles))
    again = split_products(table.take(order), kind, 0.3, seed, [labels[row] for row in order])  # type: ignore[arg-type]
    assert split == again
    assert split.id == again.id
    assert sorted(split.train + split.test) == sorted(table["id"].to_pylist())
    if kind != "random":
        groups = duplicate_groups(table)
        train, test = split.rows(table)
        assert not set(groups[train]) & set(groups[test])


def test_the_share_is_kept_and_seeds_differ() -> None:
    table = shelf([f"title {n}" for n in range(1000)])
    split = split_products(table, "grouped", 0.2, 0)
    assert len(split.test) == pytest.approx(200, abs=2)
    assert split.id != split_products(table, "grouped", 0.2, 1).id


def test_a_stratified_split_keeps_the_share_of_every_class() -> None:
    labels = ["rare"] * 10 + ["common"] * 190
    split = split_products(shelf([f"t {n}" for n in range(200)]), "stratified", 0.2, 0, labels)
    rare = {f"p{n}" for n in range(10)}
    assert len(rare & set(split.test)) == 2


def test_by_platform_tests_on_whole_platforms() -> None:
    split = split_products(shelf([f"t {n}" for n in range(30)]), "platform", platforms=["s1"])
    assert set(split.test) == {f"p{n}" for n in range(1, 30, 3)}


def test_a_saved_split_comes_back_and_an_edited_one_is_refused(tmp_path: Path) -> None:
    split = split_products(shelf([f"t {n}" for n in range(30)]), "random", 0.2, 4)
    split.save(tmp_path / "split.json")
    assert Split.load(tmp_path / "split.json") == split
    text = (tmp_path / "split.json").read_text().replace('"p3"', '"p999"')
    (tmp_path / "split.json").write_text(text)
    with pytest.raises(
        UsageError, match=r"was changed after it was written .* write it again with 'mep3m split'"
    ):
        Split.load(tmp_path / "split.json")


def test_a_split_of_another_dataset_is_refused() -> None:
    split = split_products(shelf([f"t {n}" for n in range(30)]), "random", 0.2, 4)
    with pytest.raises(NotFoundError, match="the dataset lacks"):
        split.rows(pa.table({"id": ["p1", "p2"]}))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: split_products(shelf(["a", "a", "a"]), "grouped"), "empty test side"),
        (lambda: split_products(shelf(["a", "b"]), "grouped", 1.5), "between 0 and 1"),
        (lambda: split_products(shelf(["a", "b"]), "stratified"), "needs the labels"),
        (lambda: split_products(shelf(["a", "b"]), "platform"), "there are: s0, s1"),
        (lambda: split_products(shelf(["a", "b"]), "platform", platforms=["s9"]), "allowed: s0, s1"),
        (lambda: split_products(pa.concat_tables([shelf(["a"])] * 2), "random"), "unique"),
    ],
)
def test_what_cannot_be_split_says_why(call, message: str) -> None:  # noqa: ANN001
    with pytest.raises(Mep3mError, match=message):
        call()
