"""The ledger: every source row has one state in every stage, whatever lies on disk at the moment."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mep3m.engine import make_engine
from mep3m.errors import StoreError
from mep3m.product import Product, to_table
from mep3m.settings.quality import QualitySettings
from mep3m.stages.base import run_stage
from mep3m.stages.quality.stage import QualityStage
from mep3m.store import Plan, Reject, StoreWriter
from mep3m.store.ledger import COLUMNS, Ledger, find_stores
from tests.cli.runner import ran
from tests.ingest.shop import rows, take_in, write_images, write_shop


def states(folder: Path, stage: str = "ingest") -> dict[str, int]:
    return {row["state"]: row["rows"] for row in Ledger.open(folder).counts() if row["stage"] == stage}


def test_every_row_of_a_shop_with_failures_is_counted_once(tmp_path: Path) -> None:
    path = write_shop(tmp_path, [*rows(20), *rows(2)])
    path.write_text(path.read_text() + "only\ttwo\n")
    images = write_images(tmp_path / "images", range(17))
    store = take_in(path, tmp_path / "s", images=str(images))
    book = Ledger.open(tmp_path / "s")
    assert states(tmp_path / "s") == {"done": 20, "failed": 3}
    assert states(tmp_path / "s", "images") == {"done": 17, "failed": 3}
    assert sum(row["rows"] for row in book.counts()) == 43
    reasons = {row["reason"]: row["rows"] for row in book.reasons()}
    assert reasons == {
        "no such image file under images/": 3,
        "the id is already used by shop.tsv, line N": 2,
        "the row has N fields, the header has N": 1,
    }
    assert len(store.shards) > 2


def test_a_row_of_the_ledger_says_where_the_product_stands(tmp_path: Path) -> None:
    store = take_in(write_shop(tmp_path, rows(12)), tmp_path / "s")
    found = Ledger.open(tmp_path / "s").connection.execute(
        "SELECT product, file, line, shard, row FROM ledger WHERE stage = 'ingest' AND line = 9"
    )
    ((product, file, line, shard, row),) = found.fetchall()
    assert (product, file, line) == ("shop:7", "shop.tsv", 9)
    table = pq.read_table(store.folder / "shards" / shard)
    assert table["id"][row].as_py() == product


def test_images_that_nobody_looked_for_are_waiting(tmp_path: Path) -> None:
    take_in(write_shop(tmp_path, rows(5)), tmp_path / "s")
    assert states(tmp_path / "s", "images") == {"waiting": 5}
    (row,) = (
        Ledger.open(tmp_path / "s")
        .connection.execute("SELECT DISTINCT reason FROM ledger WHERE stage = 'images'")
        .fetchall()
    )
    assert row == ("not looked for: no image folder, or fetching is not enabled",)


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_rows_of_a_part_without_a_shard_are_waiting(tmp_path: Path, lost: int) -> None:
    store = take_in(write_shop(tmp_path, rows(30)), tmp_path / "s")
    here = pq.read_metadata(store.shards[lost]).num_rows
    (tmp_path / "s/manifest.json").unlink()
    store.shards[lost].unlink()
    found = states(tmp_path / "s")
    assert found["done"] == 30 - here
    header = 1 if lost == 0 else 0  # the first part holds the header's line
    assert found["waiting"] == here + header
    waiting = (
        Ledger.open(tmp_path / "s")
        .connection.execute(
            "SELECT source, file, reason FROM ledger WHERE state = 'waiting' AND stage = 'ingest'"
        )
        .fetchall()
    )
    assert set(waiting) == {("shop", "shop.tsv", "its part has no shard yet")}


def test_every_stage_of_a_build_stands_in_one_book(tmp_path: Path) -> None:
    first = take_in(write_shop(tmp_path, rows(8)), tmp_path / "all" / "1-ingest")
    settings = QualitySettings(min_title=5)  # 商品 0 has four characters
    run_stage(QualityStage(settings), first, tmp_path / "all" / "2-quality", make_engine())
    assert [path.name for path in find_stores(tmp_path / "all")] == ["1-ingest", "2-quality"]
    assert states(tmp_path / "all") == {"done": 8}
    assert states(tmp_path / "all", "quality") == {"dropped": 8}
    book = Ledger.open(tmp_path / "all")
    assert [row["reason"] for row in book.reasons()] == ["short_title"]


def test_a_reason_is_said_once_however_many_stages_follow(tmp_path: Path) -> None:
    """A dropped row is carried through every later store, whatever the folders are called."""
    store = take_in(write_shop(tmp_path, [*rows(8), *rows(1)]), tmp_path / "all" / "z-ingest")
    for name, least in (("y", 5), ("x", 5), ("a", 5)):
        stage = QualityStage(QualitySettings(min_title=least))
        stage.name = f"quality {name}"  # type: ignore[misc]
        store = run_stage(stage, store, tmp_path / "all" / name, make_engine())
    found = [
        (row["stage"], row["state"], row["reason"], row["rows"])
        for row in Ledger.open(tmp_path / "all").reasons()
    ]
    assert found == [
        ("quality y", "dropped", "short_title", 8),
        ("ingest", "failed", "the id is already used by shop.tsv, line N", 1),
    ]
    last = ran("status", tmp_path / "all" / "a").out  # a later store alone names its own stage
    assert "8  quality a dropped: short_title" in last


def test_stores_come_parents_first_whatever_they_are_called(tmp_path: Path) -> None:
    parent = take_in(write_shop(tmp_path, rows(3)), tmp_path / "all" / "z-first")
    middle = run_stage(QualityStage(QualitySettings()), parent, tmp_path / "all" / "m-second", make_engine())
    run_stage(QualityStage(QualitySettings(min_title=3)), middle, tmp_path / "all" / "a-third", make_engine())
    assert [path.name for path in find_stores(tmp_path / "all")] == ["z-first", "m-second", "a-third"]
    (tmp_path / "all" / "z-first" / "update").mkdir()
    (tmp_path / "all" / "z-first" / "update" / "plan.json").write_text(
        "{}"
    )  # an update is no store of its own
    assert len(find_stores(tmp_path / "all")) == 3


def test_a_folder_without_stores_says_how_to_make_one(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "gone"):
        with pytest.raises(StoreError, match="holds no store; make one with 'mep3m ingest'"):
            Ledger.open(folder)


def test_quotes_in_names_do_no_harm(tmp_path: Path) -> None:
    folder = tmp_path / "it's; DROP VIEW ledger --"
    writer = StoreWriter.begin(folder, Plan("ingest", {}, ("o'shop:a'b.csv:0-9:1", "o'shop:a'b.csv:9-19:4")))
    writer.write(0, to_table([Product("o'shop:1", "o'shop", "1", file="a'b.csv", line=2)]))
    assert states(folder) == {"done": 1, "waiting": 1}
    writer.write(1, to_table([]), [Reject("ingest", "o'shop", "it's wrong", file="a'b.csv", line=4)])
    writer.finish()
    assert states(folder) == {"done": 1, "failed": 1}
    Ledger.open(folder).save(tmp_path / "it's.parquet")
    assert pq.read_table(tmp_path / "it's.parquet").column_names == COLUMNS.split(", ")


def test_the_saved_ledger_is_the_view(tmp_path: Path) -> None:
    path = write_shop(tmp_path, [*rows(6), *rows(1)])
    take_in(path, tmp_path / "s")
    book = Ledger.open(tmp_path / "s")
    book.save(tmp_path / "ledger.parquet")
    saved = pq.read_table(tmp_path / "ledger.parquet").sort_by(
        [("stage", "ascending"), ("line", "ascending")]
    )
    assert saved.num_rows == sum(row["rows"] for row in book.counts()) == 13
    assert saved["state"].to_pylist().count("failed") == 1


def test_a_query_of_one_s_own_prints_json_lines(tmp_path: Path) -> None:
    take_in(write_shop(tmp_path, rows(3)), tmp_path / "s")
    query = "SELECT product, line FROM ledger WHERE stage = 'ingest' ORDER BY line"
    found = ran("status", tmp_path / "s", "--sql", query)
    assert found.out.splitlines() == [f'{{"product":"shop:{n}","line":{n + 2}}}' for n in range(3)]
    wrong = ran("status", tmp_path / "s", "--sql", "SELECT nothing FROM ledger")
    assert (wrong.code, wrong.err.startswith("error: --sql: Binder Error")) == (2, True)
    assert ran("status", tmp_path / "s", "--sql", " ; ").code == 2


def test_two_books_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    take_in(write_shop(tmp_path, rows(3)), tmp_path / "s")
    one, two = Ledger.open(tmp_path / "s"), Ledger.open(tmp_path / "s")
    assert one.counts() == two.counts() == one.counts()
