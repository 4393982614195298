"""What is looked at before any training: pictures that are broken, the same, unlabelled, or none."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mep3m.dataset.reading import open_products
from mep3m.errors import UsageError
from mep3m.recipes.novel.plan import NovelPlan, NovelProtocol, make_plan
from mep3m.settings.sources import Columns
from tests.recipes.novel.conftest import opened, write_table

PROTOCOL = NovelProtocol(novel_per_group=2, shots=3, seeds=(0, 1))


def rows_of(shelf: Path, name: str = "shelf.tsv") -> list[tuple[str, str, str]]:
    lines = (shelf / name).read_text(encoding="utf-8").splitlines()[1:]
    return [(row[0], row[1], row[2]) for row in (line.split("\t") for line in lines)]


def planned(shelf: Path, place: Path, *, test: Path | None = None, table: Path | None = None) -> NovelPlan:
    tested = opened(test) if test else None
    return make_plan(opened(table or shelf / "shelf.tsv"), tested, PROTOCOL, place / "looked-at")


def test_a_draw_for_every_seed_and_nothing_odd_to_say(shelf: Path, tmp_path: Path) -> None:
    plan = planned(shelf, tmp_path, test=shelf / "test.tsv")
    assert [(len(draw.base), len(draw.novel)) for draw in plan.draws] == [(4, 4)] * 2
    assert all(len(rows) == 3 for draw in plan.draws for rows in draw.rows.values())
    assert [len(rows) for rows in plan.tests] == [24, 24]
    assert plan.remarks() == ["1 groups have 2 classes or fewer, and none of them is novel: salt"]


def test_without_a_test_the_rest_of_the_table_is_one(shelf: Path, tmp_path: Path) -> None:
    plan = planned(shelf, tmp_path)
    for draw, tests in zip(plan.draws, plan.tests, strict=True):
        assert sorted([*draw.of(draw.all), *tests]) == list(range(40))


def test_the_rest_holds_no_duplicate_of_what_is_learned_from(shelf: Path, tmp_path: Path) -> None:
    """Near duplicates that `dedupe` has grouped: two pictures of a product each."""
    table = opened(shelf / "shelf.tsv")
    groups = [f"{row[2]}/{int(row[0][-5]) // 2}" for row in rows_of(shelf)]
    place = table.products.schema.get_field_index("group")
    products = table.products.set_column(place, table.products.schema.field("group"), pa.array(groups))
    plan = make_plan(replace(table, products=products), None, replace(PROTOCOL, shots=2), tmp_path)
    for draw, tests in zip(plan.draws, plan.tests, strict=True):
        assert {groups[row] for row in tests} & {groups[row] for row in draw.of(draw.all)} == set()


def test_a_picture_learned_from_is_not_tested_on(shelf: Path, tmp_path: Path) -> None:
    test = write_table(shelf / "both.tsv", [*rows_of(shelf), *rows_of(shelf, "test.tsv")])
    plan = planned(shelf, tmp_path, test=test)
    assert [len(rows) for rows in plan.tests] == [40] * 2
    assert plan.same_picture == 24
    assert "24 test rows are left out: their picture is one of those learned from" in plan.remarks()


def test_broken_and_missing_pictures_are_replaced_and_named(shelf: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(shelf, tmp_path / "shelf"))
    for n, content in ((0, b"no picture"), (1, b"")):
        (root / f"tea0-1-{n}.png").write_bytes(content)
    (root / "rice0-1-0.png").unlink()
    plan = planned(root, tmp_path, test=root / "test.tsv")
    drawn = [rows_of(root)[row][0] for draw in plan.draws for row in draw.of(draw.all)]
    assert not {"tea0-1-0.png", "tea0-1-1.png", "rice0-1-0.png"} & set(drawn)
    assert all(len(rows) == 3 for draw in plan.draws for rows in draw.rows.values())
    assert 1 <= len(plan.rejects) <= 3
    assert any("cannot be read and are left out (first: " in line for line in plan.remarks())


def test_a_class_without_a_readable_picture_stops_before_any_work(shelf: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(shelf, tmp_path / "shelf"))
    for n in range(5):
        (root / f"tea0-1-{n}.png").write_bytes(b"no picture")
    with pytest.raises(UsageError, match=r"1 classes have no picture of their own.*tea > tea 0 \(first: "):
        planned(root, tmp_path)


def test_fewer_pictures_than_asked_for_are_all_taken_and_listed(shelf: Path, tmp_path: Path) -> None:
    few = [row for row in rows_of(shelf) if row[2] != "tea 1" or row[0].endswith("0.png")]
    plan = planned(shelf, tmp_path, table=write_table(shelf / "few.tsv", few), test=shelf / "test.tsv")
    assert plan.fewer == {"tea > tea 1": 1}
    assert "1 classes have fewer than 3 pictures, and all they have are learned from: tea > tea 1 (1)" in (
        plan.remarks()
    )


def test_rows_without_a_class_are_left_out_and_classes_of_the_test_alone_are_named(
    shelf: Path, tmp_path: Path
) -> None:
    table = write_table(shelf / "gaps.tsv", [*rows_of(shelf), ("tea0-1-0.png", "tea", ""), ("x.png", "", "")])
    more = [*rows_of(shelf, "test.tsv"), ("salt0-2-0.png", "salt", "sea salt")]
    test = write_table(
        shelf / "more.tsv", [row for row in more if row[0] != "salt0-2-0.png" or row[2][:3] == "sea"]
    )
    plan = planned(shelf, tmp_path, table=table, test=test)
    assert plan.unlabelled == 2
    remarks = plan.remarks()
    assert "2 rows have no label of the last level and are left out" in remarks
    assert any(line.endswith("their rows count as wrong: salt > sea salt") for line in remarks)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (Columns(image="file", labels=("product",)), "labels have two levels"),
        (Columns(title="product", labels=("kind", "product")), "name their column with --image"),
    ],
)
def test_a_table_that_lacks_something_says_what(
    shelf: Path, tmp_path: Path, columns: Columns, message: str
) -> None:
    table = open_products(shelf / "shelf.tsv", columns)
    with pytest.raises(UsageError, match=message):
        make_plan(table, None, PROTOCOL, tmp_path)


def test_all_pictures_learned_from_leave_none_to_test_on(shelf: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no picture is left to test on"):
        make_plan(opened(shelf / "shelf.tsv"), None, replace(PROTOCOL, shots=5), tmp_path)


def test_the_order_of_the_rows_decides_nothing_but_their_numbers(shelf: Path, tmp_path: Path) -> None:
    turned = write_table(shelf / "turned.tsv", rows_of(shelf)[::-1])
    one, other = planned(shelf, tmp_path / "1"), planned(shelf, tmp_path / "2", table=turned)
    assert [draw.novel for draw in one.draws] == [draw.novel for draw in other.draws]
    assert np.unique([len(rows) for rows in one.tests]).tolist() == [16]
