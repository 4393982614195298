"""The ledger has one state for every row and stage; a retry takes only what failed."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mep3m.errors import StoreError
from mep3m.ingest.retry import RetryCounts, retry
from mep3m.store import Store
from mep3m.store.ledger import Ledger
from tests.ingest.shop import content, picture, rows, take_in, write_images, write_shop

BROKEN = ("only", "three", "cells")


def broken_shop(folder: Path) -> tuple[Path, Path]:
    products = rows(30)
    path = write_shop(folder, [*products[:7], BROKEN, *products[8:], products[0]])  # type: ignore[list-item]
    images = write_images(folder / "images", [i for i in range(30) if i != 12])
    (images / "13.png").write_bytes(b"<html>not found</html>")
    return path, images


def states(folder: Path) -> dict[tuple[str, str], int]:
    return {(row["stage"], row["state"]): row["rows"] for row in Ledger.open(folder).counts()}


def test_every_row_and_stage_has_one_state(tmp_path: Path) -> None:
    path, images = broken_shop(tmp_path)
    take_in(path, tmp_path / "s", images=str(images))
    assert states(tmp_path / "s") == {
        ("ingest", "done"): 29,
        ("ingest", "failed"): 2,
        ("images", "done"): 27,
        ("images", "failed"): 2,
    }
    book = Ledger.open(tmp_path / "s")
    once = "SELECT count(*), count(DISTINCT (stage, file, line)) FROM ledger"
    assert len(set(book.connection.execute(once).fetchone() or ())) == 1
    where = "SELECT shard, row, line FROM ledger WHERE stage = 'ingest' AND product = 'shop:20'"
    shard, row, line = book.connection.execute(where).fetchone() or ("", 0, 0)
    assert pq.read_table(tmp_path / "s/shards" / shard)["id"][row].as_py() == "shop:20"
    assert line == 22
    book.save(tmp_path / "ledger.parquet")
    assert pq.read_metadata(tmp_path / "ledger.parquet").num_rows == 60


def test_rows_of_unfinished_parts_are_waiting(tmp_path: Path) -> None:
    store = take_in(write_shop(tmp_path, rows(30)), tmp_path / "s")
    count = pq.read_metadata(store.shards[1]).num_rows
    store.shards[1].unlink()
    (tmp_path / "s/manifest.json").unlink()
    assert states(tmp_path / "s")["ingest", "waiting"] == count
    with pytest.raises(StoreError, match="unfinished"):
        retry(tmp_path / "s")


def test_withdrawn_rows_are_dropped_with_their_reason(tmp_path: Path) -> None:
    path = write_shop(tmp_path, rows(10))
    take_in(path, tmp_path / "s")
    write_shop(tmp_path, rows(6))
    take_in(path, tmp_path / "s")
    assert states(tmp_path / "s")["ingest", "dropped"] == 4
    assert "withdrawn" in Ledger.open(tmp_path / "s").reasons()[0]["reason"]


def test_a_retry_takes_in_what_was_repaired_and_nothing_else(tmp_path: Path) -> None:
    path, images = broken_shop(tmp_path)
    take_in(path, tmp_path / "s", images=str(images))
    assert retry(tmp_path / "s") == RetryCounts(tried=4, rows=0, images=0)
    before = Store.open(tmp_path / "s").fingerprint
    (images / "12.png").write_bytes(picture(12))
    text = path.read_text().replace("\t".join(BROKEN), "\t".join(rows(8)[7]))
    path.write_text(text)
    assert retry(tmp_path / "s") == RetryCounts(tried=4, rows=1, images=1)
    store = Store.open(tmp_path / "s")
    assert store.fingerprint != before
    assert [product.source_id for product in store.products()] == [str(i) for i in range(30)]
    assert {row["line"] for row in store.rejects().to_pylist()} == {15, 32}
    (images / "13.png").write_bytes(picture(13))
    assert retry(tmp_path / "s") == RetryCounts(tried=2, rows=0, images=1)


def test_after_repair_the_shards_are_those_of_an_undisturbed_run(tmp_path: Path) -> None:
    path, images = broken_shop(tmp_path)
    take_in(path, tmp_path / "s", images=str(images))
    for number in (12, 13):
        (images / f"{number}.png").write_bytes(picture(number))
    retry(tmp_path / "s")
    take_in(path, tmp_path / "t", images=str(images))
    repaired, fresh = content(tmp_path / "s"), content(tmp_path / "t")
    assert {k: v for k, v in repaired.items() if "shards" in k} == {
        k: v for k, v in fresh.items() if "shards" in k
    }


def test_a_folder_without_a_store_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no store"):
        Ledger.open(tmp_path)
