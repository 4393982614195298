import io
import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from mep3m.engine import make_engine
from mep3m.evaluation.clusters import pairwise
from mep3m.product import PRODUCT_SCHEMA, Product, to_table
from mep3m.settings.dedupe import DedupeSettings
from mep3m.stages.base import GlobalStage, run_stage
from mep3m.stages.dedupe.stage import GROUPS, LINKS, DedupeStage, group_sizes
from mep3m.store import ContentImages, Plan, Store, StoreWriter
from mep3m.store.filesystem import hash_file


@pytest.fixture(scope="session")
def grouped(shop_store: Store) -> Store:
    folder = shop_store.folder.parent / "3-dedupe"
    return run_stage(DedupeStage(DedupeSettings()), shop_store, folder, make_engine())


def test_every_product_has_a_group_and_nothing_else_changes(shop_store: Store, grouped: Store) -> None:
    before, after = (pa.concat_tables(store.tables()) for store in (shop_store, grouped))
    assert after.drop_columns("group").equals(before.drop_columns("group"))
    ids = set(after["id"].to_pylist())
    for row in after.to_pylist():
        assert (row["group"] is None) == (row["dropped"] is not None)
        assert row["group"] is None or row["group"] in ids
    assert sum(size * count for size, count in group_sizes(grouped).items()) == grouped.rows - 1


def test_groups_agree_with_the_truth(grouped: Store, truth_rows: list[dict[str, Any]]) -> None:
    rows = zip(grouped.products(), truth_rows, strict=True)
    sound = [
        (product.group, row["group"]) for product, row in rows if product.group and row["defect"] is None
    ]
    score = pairwise([found for found, _ in sound], [true for _, true in sound])
    assert score.precision >= 0.99
    assert score.recall >= 0.8


def test_the_decision_tells_which_links_were_made(grouped: Store) -> None:
    links = pq.read_table(grouped.folder / "decision" / LINKS).to_pylist()
    assert {"same_image", "near_title", "near_image"} == {link["reason"] for link in links}
    groups = {product.id: product.group for product in grouped.products()}
    named = dict(
        zip(
            *(pq.read_table(grouped.folder / "decision" / GROUPS)[c].to_pylist() for c in ("id", "group")),
            strict=True,
        )
    )
    assert all(groups[key] == value for key, value in named.items())
    assert not (grouped.folder / "decision" / "scratch").exists()


def test_same_bytes_for_two_workers(shop_store: Store, grouped: Store) -> None:
    again = run_stage(
        DedupeStage(DedupeSettings()), shop_store, shop_store.folder.parent / "again", make_engine("local", 2)
    )
    assert [hash_file(path) for path in again.shards] == [hash_file(path) for path in grouped.shards]


def test_an_empty_store_and_one_without_titles(tmp_path: Path) -> None:
    for name, rows in (("empty", []), ("bare", [Product("s:1", "s", "1"), Product("s:2", "s", "2")])):
        writer = StoreWriter.begin(tmp_path / name, Plan("ingest", {}, ("a",)))
        writer.write(0, to_table(rows))
        store = run_stage(
            DedupeStage(DedupeSettings()), writer.finish(), tmp_path / f"{name}-out", make_engine()
        )
        assert [product.group for product in store.products()] == [row.id for row in rows]


def test_it_is_a_global_stage_that_travels() -> None:
    stage = DedupeStage(DedupeSettings(chain=5))
    assert isinstance(stage, GlobalStage)
    assert pickle.loads(pickle.dumps(stage)).settings()["chain"] == 5
    assert stage.collect(PRODUCT_SCHEMA.empty_table(), None).num_rows == 0  # type: ignore[arg-type]


def test_a_picture_of_one_colour_joins_nothing(tmp_path: Path) -> None:
    writer = StoreWriter.begin(tmp_path / "in", Plan("ingest", {}, ("a",)))
    buffer = io.BytesIO()
    Image.new("RGB", (80, 80), "white").save(buffer, "PNG")
    blank = ContentImages(tmp_path / "in" / "images").put(buffer.getvalue())
    writer.write(
        0, to_table([Product(f"s:{i}", "s", str(i), title=t, image=blank) for i, t in enumerate("甲乙")])
    )
    store = run_stage(DedupeStage(DedupeSettings()), writer.finish(), tmp_path / "out", make_engine())
    assert [product.group for product in store.products()] == ["s:0", "s:1"]


def test_a_worker_reads_a_decision_once(grouped: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    shards = list(grouped.tables())
    reads: list[Path] = []
    read = pq.read_table
    monkeypatch.setattr(pq, "read_table", lambda path: (reads.append(path), read(path))[1])
    assert len(shards) > 2
    stage = DedupeStage(DedupeSettings())
    for _ in range(2):
        groups = [
            stage.apply(shard, grouped.folder / "decision").table["group"].to_pylist() for shard in shards
        ]
    assert groups == [shard["group"].to_pylist() for shard in shards]
    assert len(reads) <= 1


def test_another_decision_under_the_same_name_is_read(tmp_path: Path) -> None:
    shard = to_table([Product("s:1", "s", "1"), Product("s:2", "s", "2")])
    stage = DedupeStage(DedupeSettings())
    for group in ("s:1", "s:2"):
        table = pa.table({"id": ["s:1", "s:2"], "group": [group, group]})
        pq.write_table(table, tmp_path / "new")
        (tmp_path / "new").replace(tmp_path / GROUPS)
        assert stage.apply(shard, tmp_path).table["group"].to_pylist() == [group, group]
