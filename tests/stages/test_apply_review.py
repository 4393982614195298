"""The rows: labels rewritten, the shop's own path kept, the same bytes however often and by how many."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mep3m.alignment.edits.edit import make
from mep3m.alignment.merging.impact import as_text, compare_after, impact
from mep3m.alignment.merging.merge import MergeInputs
from mep3m.engine import make_engine
from mep3m.errors import TaxonomyError, UsageError
from mep3m.product import Label, Product, to_table
from mep3m.settings.align import MergeSettings
from mep3m.stages.apply_review import (
    ApplyReview,
    count_rows,
    read_counts,
    read_mapping,
    remove_result,
    store_counts,
)
from mep3m.stages.base import run_stage
from mep3m.store import Plan, Store, StoreWriter
from tests.alignment.shops import FIRST, ROWS, link, products

TV = link("家电 > 电视", "电器 > 平板电视", 8, name_zh="电视机", name_en="TV sets")
PHONE = link("手机 > 手机", "数码 > 手机", 10)
REVIEW = MergeInputs((TV, PHONE), FIRST)


@pytest.fixture
def shops(tmp_path: Path) -> Store:
    rows = products()
    rows[0] = replace(rows[0], dropped="no title")
    rows[1] = replace(rows[1], labels=(Label("old", "given", "a"),))
    writer = StoreWriter.begin(tmp_path / "shops", Plan("ingest", {}, ("1", "2", "3")))
    for part in range(3):
        writer.write(part, to_table(rows[part::3]))
    return writer.finish()


def apply(store: Store, folder: Path, review: MergeInputs = REVIEW, workers: int = 1) -> Store:
    return run_stage(ApplyReview(review), store, folder, make_engine("local", workers))


def shard_bytes(store: Store) -> list[bytes]:
    return [path.read_bytes() for path in store.shards]


def test_labels_are_rewritten_and_nothing_else(shops: Store, tmp_path: Path) -> None:
    merged = apply(shops, tmp_path / "merged")
    before, after = list(shops.products()), list(merged.products())
    assert [replace(row, labels=()) for row in before] == [replace(row, labels=()) for row in after]
    tv = next(row for row in after if row.source_path == ("电器", "平板电视"))
    assert [merged.taxonomy[str(label.category)].name_en for label in tv.labels] == ["Appliances", "TV sets"]
    assert (tv.labels[1].origin, tv.labels[1].by) == ("reviewed", "li")
    assert next(row for row in after if row.source_path == ("图书", "小说")).labels == ()


def test_the_same_bytes_for_any_number_of_workers_and_runs(shops: Store, tmp_path: Path) -> None:
    one = shard_bytes(apply(shops, tmp_path / "one"))
    assert shard_bytes(apply(shops, tmp_path / "two", workers=2)) == one
    assert shard_bytes(apply(shops, tmp_path / "one")) == one


def test_applying_to_the_result_changes_nothing(shops: Store, tmp_path: Path) -> None:
    once = apply(shops, tmp_path / "once")
    twice = apply(once, tmp_path / "twice")
    assert shard_bytes(twice) == shard_bytes(once)
    assert twice.taxonomy.version == once.taxonomy.version


def test_undo_leaves_the_first_store_byte_for_byte(shops: Store, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in shops.folder.rglob("*") if path.is_file()}
    merged = apply(shops, tmp_path / "merged")
    after_it = apply(merged, tmp_path / "after")
    with pytest.raises(UsageError, match="remove that first"):
        remove_result(merged.folder)
    remove_result(after_it.folder)
    remove_result(merged.folder)
    assert not merged.folder.exists()
    assert {path: path.read_bytes() for path in shops.folder.rglob("*") if path.is_file()} == before
    with pytest.raises(UsageError, match="written by 'ingest'"):
        remove_result(shops.folder)


def test_nothing_is_applied_by_halves(shops: Store, tmp_path: Path) -> None:
    bad = replace(REVIEW, decisions=(TV, link("家电 > 电视", "数码 > 手机", 12)))
    with pytest.raises(TaxonomyError, match="lines 8, 12: would join"):
        apply(shops, tmp_path / "merged", bad)
    assert not list((tmp_path / "merged" / "shards").glob("*.parquet"))
    assert not (tmp_path / "merged" / "manifest.json").exists()
    assert len(shard_bytes(apply(shops, tmp_path / "merged"))) == 3


def test_unmapped_rows_can_keep_their_labels(shops: Store, tmp_path: Path) -> None:
    review = MergeInputs(
        (), replace(FIRST, entries={("b", ("电器",)): "appliances"}), None, MergeSettings(unmapped="keep")
    )
    merged = apply(shops, tmp_path / "merged", review)
    rows = {row.id: row for row in merged.products()}
    before = {row.id: row for row in shops.products()}
    assert all(rows[i].labels == before[i].labels for i in rows if rows[i].source == "a")
    assert any(row.labels == (Label("old", "given", "a"),) for row in rows.values())


def test_the_report_before_is_what_the_rows_are_after(shops: Store, tmp_path: Path) -> None:
    counts = store_counts(shops)
    assert sum(counts.rows.values()) == sum(ROWS.values()) - 1
    report = impact(counts, ApplyReview(REVIEW).result(counts), REVIEW.decisions)
    after = store_counts(apply(shops, tmp_path / "merged"))
    assert compare_after(report, after) == []
    assert (report["rows"], report["rows_unmapped"]) == (34, 1)
    assert report["rows_moved"] == 33
    assert [group["rows"] for group in report["joined"]] == [11, 10]
    assert [row["path"] for row in report["unmapped"]] == ["图书 > 小说"]
    assert compare_after({**report, "rows_unmapped": 0}, after) == ["rows_unmapped: promised 0, found 1"]


def test_a_second_report_says_that_nothing_moves(shops: Store, tmp_path: Path) -> None:
    counts = store_counts(apply(shops, tmp_path / "merged"))
    assert impact(counts, ApplyReview(REVIEW).result(counts), REVIEW.decisions)["rows_moved"] == 0


def test_the_report_in_words(shops: Store) -> None:
    counts = store_counts(shops)
    result = replace(ApplyReview(REVIEW).result(counts), notes=("<script>",))
    report = impact(counts, result, REVIEW.decisions)
    text = "\n".join(as_text(report, limit=1))
    assert "手机: a '手机 > 手机' (4) = b '数码 > 手机' (7)" in text
    assert "… and 1 more" in text


def test_edits_are_replayed_on_the_new_merge(shops: Store, tmp_path: Path) -> None:
    merged = apply(shops, tmp_path / "merged")
    tv, phone = (merged_id(merged, *path) for path in (("家电", "电视"), ("手机", "手机")))
    from mep3m.alignment.edits.edit import Edit

    taxonomy, rename = make(merged.taxonomy, Edit("rename", tv, name_en="Televisions"), "li", "2026-11-22")
    _, archive = make(taxonomy, Edit("archive", phone, reason="sold off"), "li", "2026-11-22")
    stage = ApplyReview(REVIEW, edits=(rename, archive))
    edited = run_stage(stage, shops, tmp_path / "edited", make_engine("local", 1))
    assert edited.taxonomy[tv].name_en == "Televisions"
    rows = {row.source_path: row for row in edited.products()}
    assert [label.category for label in rows[("手机", "手机")].labels] == ["phones"]
    whole = make(taxonomy, Edit("archive", "phones", reason="closed"), "li", "2026-11-22")[1]
    counts = store_counts(shops)
    result = ApplyReview(REVIEW, edits=(whole,)).result(counts)
    unmapped = {row["path"]: row["reason"] for row in impact(counts, result, ())["unmapped"]}
    assert "phones was archived: closed" in unmapped["手机 > 手机"]
    gone = replace(rename, edit=Edit("rename", "nothing", name_zh="x"))
    assert "no longer holds" in ApplyReview(REVIEW, edits=(gone,)).result(counts).notes[0]


def merged_id(store: Store, *path: str) -> str:
    mapping = read_mapping(store.folder / "decision" / "mapping.json")
    return str(mapping[("a", path)][-1].category)


def test_the_mapping_is_kept_beside_the_rows(shops: Store, tmp_path: Path) -> None:
    merged = apply(shops, tmp_path / "merged")
    mapping = read_mapping(merged.folder / "decision" / "mapping.json")
    labels = pq.read_table(merged.shards[0], columns=["labels", "source", "source_path"]).to_pylist()
    for row in labels:
        node = (row["source"], tuple(row["source_path"]))
        assert [label["category"] for label in row["labels"]] == [
            label.category for label in mapping.get(node, ())
        ]


def test_counting_sees_gaps_slices_and_missing_labels() -> None:
    gap = (Label(None, "given", "a"), Label("x", "given", "a"))
    rows = [Product(str(i), "a", str(i), ("p",), labels=gap if i % 2 else ()) for i in range(6)]
    table = to_table(rows).slice(1, 4)
    assert read_counts([count_rows(table)]).present == {("a", ("p",)): {(): 2, ("", "x"): 2}}
    missing = table.set_column(11, "labels", pa.nulls(4, table.schema.field("labels").type))
    assert read_counts([count_rows(missing)]).present == {("a", ("p",)): {(): 4}}
