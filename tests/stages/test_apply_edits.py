"""Edits of a tree reach the rows: new labels, a list of what is gone, the tree read once a worker."""

from pathlib import Path

import pytest

from mep3m.alignment.edits.edit import Edit, Record, make
from mep3m.engine import make_engine
from mep3m.errors import UsageError
from mep3m.product import Label, Product, to_table
from mep3m.stages.apply_edits import ApplyEdits
from mep3m.stages.base import run_stage
from mep3m.store import Plan, Store, StoreWriter
from mep3m.taxonomy import Category, Taxonomy

TREE = Taxonomy(
    (
        Category("food", "食品", "Food"),
        Category("tea", "茶", "Tea", "food"),
        Category("coffee", "咖啡", "Coffee", "food"),
    )
)
SHARDS = 4


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Four shards, each with a row of tea, one of coffee and one without labels."""
    writer = StoreWriter.begin(tmp_path / "s", Plan("align", {}, tuple(map(str, range(SHARDS)))))
    for part in range(SHARDS):
        labels = [(Label("food", "given", "a"), Label(leaf, "given", "a")) for leaf in ("tea", "coffee")]
        rows = [
            Product(f"{part}-{n}", "a", f"{part}-{n}", ("食品",), title="x", labels=of)
            for n, of in enumerate([*labels, ()])
        ]
        writer.write(part, to_table(rows))
    return writer.finish(TREE)


def records(*edits: Edit) -> tuple[Record, ...]:
    taxonomy, made = TREE, []
    for edit in edits:
        taxonomy, record = make(taxonomy, edit, "li", "2026-11-29")
        made.append(record)
    return tuple(made)


def applied(store: Store, folder: Path, *edits: Edit) -> Store:
    return run_stage(ApplyEdits(records(*edits)), store, folder, make_engine("local", 1))


def test_a_merged_category_takes_its_rows_along(store: Store, tmp_path: Path) -> None:
    made = applied(store, tmp_path / "m", Edit("merge", "coffee", target="tea"))
    said = [[label.category for label in row.labels] for row in made.products()]
    assert said == [["food", "tea"], ["food", "tea"], []] * SHARDS
    assert made.rejects().num_rows == 0


def test_rows_of_an_archived_category_keep_the_level_above_and_are_listed(
    store: Store, tmp_path: Path
) -> None:
    made = applied(store, tmp_path / "m", Edit("archive", "tea", reason="sold off"))
    said = [[label.category for label in row.labels] for row in made.products()]
    assert said == [["food"], ["food", "coffee"], []] * SHARDS
    assert made.rejects()["product"].to_pylist() == [f"{part}-0" for part in range(SHARDS)]
    assert all("sold off" in reason for reason in made.rejects()["reason"].to_pylist())


def test_the_tree_is_read_once_for_all_shards(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[Path] = []
    load = Taxonomy.load

    def counted(path: Path) -> Taxonomy:
        reads.append(path)
        return load(path)

    monkeypatch.setattr("mep3m.stages.apply_edits.Taxonomy.load", counted)
    folder = tmp_path / "decision"
    stage = ApplyEdits(records(Edit("merge", "coffee", target="tea")))
    folder.mkdir()
    stage.decide([], store, folder).save(folder / "taxonomy.json")
    reads.clear()
    for table in store.tables():
        stage.apply(table, folder)
    assert len(reads) == 1


def test_edits_of_another_tree_are_refused(store: Store, tmp_path: Path) -> None:
    merge = Edit("merge", "coffee", target="tea")
    made = applied(store, tmp_path / "m", merge)
    with pytest.raises(UsageError, match="the edits do not fit the taxonomy of"):
        applied(made, tmp_path / "again", merge)
