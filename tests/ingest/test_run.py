"""Ingest: the same bytes for any number of workers and after any interruption; nothing read twice."""

import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mep3m.engine import ENGINES, make_engine
from mep3m.errors import NotFoundError, StoreError, UsageError
from mep3m.ingest.run import ingest
from mep3m.settings.sources import SourceEntry
from mep3m.sources.tables import TableSource
from mep3m.store import Store
from tests.ingest.shop import content, rows, take_in, write_images, write_shop


def test_a_shop_with_images_becomes_a_store(tmp_path: Path) -> None:
    path = write_shop(tmp_path, rows(30))
    images = write_images(tmp_path / "images", range(29))
    store = take_in(path, tmp_path / "s", images=str(images))
    assert store.rows == 30
    assert len(store.shards) > 3
    products = list(store.products())
    assert [product.source_id for product in products] == [str(i) for i in range(30)]
    first = products[0]
    assert first.image is not None
    assert store.images.read(first.image) == (images / "0.png").read_bytes()
    assert (first.image_width, first.image_height, first.image_format) == (12, 10, "png")
    assert store.rejects().to_pylist()[0] | {"file": ""} == {
        "stage": "images",
        "source": "shop",
        "product": "shop:29",
        "file": "",
        "line": 31,
        "field": "image",
        "value": "29.png",
        "reason": "no such image file under images/",
    }


def test_workers_do_not_change_the_bytes(tmp_path: Path) -> None:
    path = write_shop(tmp_path, [*rows(40), *rows(3)])
    images = write_images(tmp_path / "images", range(38))
    take_in(path, tmp_path / "one", workers=1, images=str(images))
    take_in(path, tmp_path / "two", workers=2, images=str(images))
    assert content(tmp_path / "one") == content(tmp_path / "two")


@pytest.mark.parametrize("name", [name for name in sorted(ENGINES) if name != "local"])
def test_engines_do_not_change_the_bytes(tmp_path: Path, name: str) -> None:
    pytest.importorskip(name, reason=f"the {name} extra is not installed")
    path = write_shop(tmp_path, [*rows(20), *rows(3)])
    images = write_images(tmp_path / "images", range(18))
    take_in(path, tmp_path / "here", images=str(images))
    take_in(path, tmp_path / "there", workers=2, engine=name, images=str(images))
    assert content(tmp_path / "here") == content(tmp_path / "there")


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    path = write_shop(tmp_path, rows(40))
    take_in(path, tmp_path / "whole")
    store = take_in(path, tmp_path / "cut")
    kept = store.shards[0].stat().st_mtime_ns
    (tmp_path / "cut/manifest.json").unlink()
    store.shards[1].unlink()
    store = take_in(path, tmp_path / "cut")
    assert content(tmp_path / "whole") == content(tmp_path / "cut")
    assert store.shards[0].stat().st_mtime_ns == kept


def test_unchanged_input_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_shop(tmp_path, rows(5))
    take_in(path, tmp_path / "s")
    monkeypatch.setattr(TableSource, "parts", lambda self: pytest.fail("the input was read again"))
    assert take_in(path, tmp_path / "s").rows == 5


def test_touched_files_with_the_same_content_are_the_same_input(tmp_path: Path) -> None:
    path = write_shop(tmp_path, rows(5))
    before = take_in(path, tmp_path / "s").fingerprint
    os.utime(path, (1, 1))
    assert take_in(path, tmp_path / "s").fingerprint == before
    write_shop(tmp_path, rows(4))
    after = take_in(path, tmp_path / "s").fingerprint
    os.utime(path, (1, 1))
    assert take_in(path, tmp_path / "s").fingerprint == after != before


def test_ids_repeated_in_other_parts_are_refused_once(tmp_path: Path) -> None:
    path = write_shop(tmp_path, [*rows(30), *rows(2)])
    store = take_in(path, tmp_path / "s")
    assert store.rows == 30
    found = store.rejects().to_pylist()
    assert [(row["line"], row["value"]) for row in found] == [(32, "0"), (33, "1")]
    assert found[0]["reason"] == "the id is already used by shop.tsv, line 2"
    assert take_in(path, tmp_path / "s").rejects().num_rows == 2


def test_several_sources_share_one_store(tmp_path: Path) -> None:
    write_shop(tmp_path, rows(3), "a.tsv")
    write_shop(tmp_path, rows(4), "b.tsv")
    columns = {"id": "id", "labels": ["a", "b"]}
    entries = [
        SourceEntry.parse({"name": name, "path": f"{name}.tsv", "columns": columns}, "test") for name in "ab"
    ]
    store = ingest(entries, tmp_path, tmp_path / "s", make_engine())
    assert [product.id for product in store.products()][2:4] == ["a:2", "b:0"]


def test_wrong_places_stop_at_once(tmp_path: Path) -> None:
    path = write_shop(tmp_path, rows(3))
    with pytest.raises(NotFoundError, match="does not exist"):
        take_in(tmp_path / "no.tsv", tmp_path / "s")
    with pytest.raises(NotFoundError, match="image folder"):
        take_in(path, tmp_path / "t", images=str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="no format 'cvs'"):
        take_in(path, tmp_path / "u", format="cvs")
    take_in(path, tmp_path / "v")
    with pytest.raises(StoreError, match="other input or settings"):
        take_in(path, tmp_path / "v", columns={"id": "id"})
    assert take_in(path, tmp_path / "v", replace=True, columns={"id": "id"}).rows == 3


def test_a_store_of_other_settings_can_be_replaced(tmp_path: Path) -> None:
    path = write_shop(tmp_path, rows(3))
    take_in(path, tmp_path / "s")
    take_in(path, tmp_path / "s", replace=True, part_bytes=20)
    store = Store.open(tmp_path / "s")
    assert sum(pq.read_metadata(shard).num_rows for shard in store.shards) == 3
