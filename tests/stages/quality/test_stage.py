import io
import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from mep3m.engine import make_engine
from mep3m.errors import SettingsError
from mep3m.product import Product, to_table
from mep3m.settings.quality import QualitySettings
from mep3m.stages.base import RowStage, run_stage
from mep3m.stages.quality.stage import REASONS, QualityStage
from mep3m.store import ContentImages, Plan, Store, StoreWriter


def dropped(store: Store) -> Counter[str]:
    return Counter(product.dropped for product in store.products() if product.dropped is not None)


@pytest.fixture
def parent(tmp_path: Path) -> Store:
    images = ContentImages(tmp_path / "parent" / "images")
    values = np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    writer = StoreWriter.begin(tmp_path / "parent", Plan("ingest", {}, ("a", "b")))
    good, bad = images.put(buffer.getvalue()), images.put(b"not an image")
    first = [
        Product("s:1", "s", "1", title="三只松鼠坚果", image=good),
        Product("s:2", "s", "2", title="三只松鼠坚果", image=bad, file="a.csv", line=3),
        Product("s:3", "s", "3", title=None, image=bad),
    ]
    second = [
        Product("s:4", "s", "4", title="坚果", image="0" * 64),
        Product("s:5", "s", "5", title="x", dropped="withdrawn"),
        Product("s:6", "s", "6", title="没有图片的商品"),
    ]
    writer.write(0, to_table(first))
    writer.write(1, to_table(second))
    return writer.finish()


def run(parent: Store, folder: Path, settings: QualitySettings = QualitySettings()) -> Store:  # noqa: B008
    return run_stage(QualityStage(settings), parent, folder, make_engine())


def test_the_rows_stay_and_get_their_reason(parent: Store, tmp_path: Path) -> None:
    store = run(parent, tmp_path / "out")
    products = {product.source_id: product for product in store.products()}
    assert {key: product.dropped for key, product in products.items()} == {
        "1": None,
        "2": "broken_image",
        "3": "empty_title",
        "4": "broken_image",
        "5": "withdrawn",
        "6": None,
    }
    before = pa.concat_tables(parent.tables()).drop_columns("dropped")
    assert pa.concat_tables(store.tables()).drop_columns("dropped").equals(before)
    assert dropped(store) == {"broken_image": 2, "empty_title": 1, "withdrawn": 1}
    assert set(dropped(store)) - {"withdrawn"} <= set(REASONS)


def test_undecodable_images_are_in_quarantine_with_the_decoder_s_word(parent: Store, tmp_path: Path) -> None:
    rejects = run(parent, tmp_path / "out").rejects().to_pylist()
    assert [reject["product"] for reject in rejects] == ["s:2", "s:4"]
    assert "this is not an image of a known type" in rejects[0]["reason"]
    assert (rejects[0]["file"], rejects[0]["line"], rejects[0]["field"]) == ("a.csv", 3, "image")


def test_settings_decide(parent: Store, tmp_path: Path) -> None:
    strict = QualitySettings(missing_image=True, broken_image=False)
    store = run(parent, tmp_path / "out", strict)
    assert dropped(store) == {"empty_title": 1, "withdrawn": 1, "missing_image": 1}
    assert store.fingerprint != run(parent, tmp_path / "other").fingerprint


def test_it_is_a_row_stage_that_travels() -> None:
    stage = QualityStage(QualitySettings())
    assert isinstance(stage, RowStage)
    assert pickle.loads(pickle.dumps(stage)).settings() == stage.settings()


def test_an_unknown_script_is_refused() -> None:
    with pytest.raises(SettingsError, match="Klingon"):
        QualitySettings.parse({"scripts": ["Klingon"]}, "mep3m.toml [quality]")
