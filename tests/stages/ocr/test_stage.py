from dataclasses import replace
from pathlib import Path

import pytest

from mep3m.engine import make_engine
from mep3m.product import Product, from_table, to_table
from mep3m.settings.ocr import OcrSettings, PoolSettings
from mep3m.stages.base import run_stage
from mep3m.stages.ocr.stage import OcrStage, default_cache, store_images
from mep3m.store import ContentImages, Plan, Store, StoreWriter
from tests.stages.ocr.pictures import drawn, encoded


@pytest.fixture
def store(tmp_path: Path) -> Store:
    writer = StoreWriter.begin(tmp_path / "raw", Plan("ingest", {}, ("a", "b")))
    images = ContentImages(tmp_path / "raw" / "images")
    keys = [images.put(encoded(drawn(word))) for word in ("COTTON", "STEEL")]
    broken = images.put(b"nothing")
    base = Product("", "shop", "")
    first = [
        replace(base, id="1", source_id="1", image=keys[0]),
        replace(base, id="2", source_id="2", ocr="text that the shop gave"),
        replace(base, id="3", source_id="3", image=keys[1], dropped="no title"),
    ]
    second = [
        replace(base, id="4", source_id="4", image=keys[0]),
        replace(base, id="5", source_id="5", image=broken, line=7),
    ]
    writer.write(0, to_table(first), [])
    writer.write(1, to_table(second), [])
    return writer.finish(None)


def test_the_ocr_column_is_filled_and_what_failed_is_in_quarantine(store: Store, tmp_path: Path) -> None:
    stage = OcrStage(OcrSettings(), PoolSettings(workers=1), default_cache(store))
    done = run_stage(stage, store, tmp_path / "ocr", make_engine("local", 1))
    texts = {p.id: p.ocr for table in done.tables() for p in from_table(table)}
    assert texts == {"1": "COTTON", "2": "text that the shop gave", "3": None, "4": "COTTON", "5": None}
    [reject] = done.rejects().to_pylist()
    assert (reject["stage"], reject["product"], reject["line"], reject["field"]) == ("ocr", "5", 7, "image")
    assert "not an image" in reject["reason"]


def test_distinct_images_of_kept_rows(store: Store) -> None:
    assert len(list(store_images(store))) == 2


def test_running_settings_do_not_make_another_store(store: Store) -> None:
    stages = [OcrStage(OcrSettings(), PoolSettings(workers=n), default_cache(store)) for n in (1, 2)]
    assert stages[0].settings() == stages[1].settings()
    other = OcrStage(OcrSettings(detector_side=320), PoolSettings(), default_cache(store))
    assert other.settings() != stages[0].settings()
