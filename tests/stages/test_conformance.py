"""What every stage must do, whatever it decides: keep rows, travel, resume, give the same bytes anywhere."""

import contextlib
import json
import pickle
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from mep3m.alignment.merging.merge import MergeInputs
from mep3m.engine import make_engine
from mep3m.errors import StoreError
from mep3m.product import PRODUCT_SCHEMA, Product, to_table
from mep3m.settings.dedupe import DedupeSettings
from mep3m.settings.ocr import OcrSettings, PoolSettings
from mep3m.settings.quality import QualitySettings
from mep3m.stages.apply_review import ApplyReview
from mep3m.stages.base import GlobalStage, RowStage, run_stage
from mep3m.stages.dedupe.stage import DedupeStage
from mep3m.stages.ocr.cache import ReadingCache
from mep3m.stages.ocr.lines import TextLine
from mep3m.stages.ocr.stage import OcrStage
from mep3m.stages.quality.stage import QualityStage
from mep3m.store import ContentImages, Plan, Store, StoreWriter
from tests.alignment.shops import FIRST, link, products
from tests.ingest.shop import picture


@dataclass(frozen=True)
class Kind:
    """A stage as a build makes it, a fresh one each time; the column it fills; one of other settings."""

    make: Callable[[Path], Any]
    column: str
    other: Callable[[Path], Any]


def ocr(settings: OcrSettings) -> Callable[[Path], Any]:
    """Return a maker of the OCR stage that finds every reading in its cache: no reader has to be there."""

    def make(folder: Path) -> OcrStage:
        cache = folder / "readings.sqlite"
        if not cache.exists():
            lines = [TextLine(((0.0, 0.0), (9.0, 0.0), (9.0, 4.0), (0.0, 4.0)), "全国包邮", 0.99)]
            with ReadingCache(cache, settings) as kept:
                for path in (folder / "parent" / "images").rglob("*"):
                    if path.is_file():
                        kept.put(path.name, lines)
        return OcrStage(settings, PoolSettings(workers=1), cache)

    return make


TV = link("家电 > 电视", "电器 > 平板电视", name_zh="电视机", name_en="TV sets")


STAGES: dict[str, Kind] = {
    "quality": Kind(
        lambda _: QualityStage(QualitySettings()),
        "dropped",
        lambda _: QualityStage(QualitySettings(min_title=5)),
    ),
    "dedupe": Kind(
        lambda _: DedupeStage(DedupeSettings()),
        "group",
        lambda _: DedupeStage(DedupeSettings(near_title=None)),
    ),
    "ocr": Kind(ocr(OcrSettings(backend="none")), "ocr", ocr(OcrSettings(backend="none", clean="none"))),
    "align": Kind(
        lambda _: ApplyReview(MergeInputs((), FIRST)),
        "labels",
        lambda _: ApplyReview(MergeInputs((TV,), FIRST)),
    ),
}


def rows(images: ContentImages) -> list[Product]:
    """Two shops with duplicates, a dropped product, images that are fine, shared, tiny and broken."""
    noise = np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8)
    whole = images.put(_png(noise))
    keys = [whole, None, images.put(picture(3)), images.put(b"broken"), whole]
    every = [
        replace(row, image=keys[n % 5], file="a.csv", line=n + 2, title=row.title if n % 7 else None)
        for n, row in enumerate(products())
    ]
    every[4] = replace(every[4], dropped="withdrawn")
    every[6] = replace(every[6], title=every[5].title)
    return every


def _png(values: Any) -> bytes:
    import io

    out = io.BytesIO()
    Image.fromarray(values).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def parent(tmp_path: Path) -> Store:
    writer = StoreWriter.begin(tmp_path / "parent", Plan("ingest", {}, ("a", "b", "empty", "c")))
    every = rows(ContentImages(tmp_path / "parent" / "images"))
    for part, chunk in enumerate((every[:9], every[9:20], [], every[20:])):
        writer.write(part, to_table(chunk))
    return writer.finish()


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("name", STAGES)
class TestEveryStage:
    def test_it_is_a_stage_that_travels_and_has_a_name(
        self, name: str, parent: Store, tmp_path: Path
    ) -> None:
        stage = STAGES[name].make(tmp_path)
        assert isinstance(stage, RowStage) != isinstance(stage, GlobalStage)
        assert stage.name == name
        assert pickle.loads(pickle.dumps(stage)).settings() == stage.settings()

    def test_its_settings_are_json_and_the_same_each_time(
        self, name: str, parent: Store, tmp_path: Path
    ) -> None:
        one, two = (STAGES[name].make(tmp_path).settings() for _ in range(2))
        assert json.loads(json.dumps(one)) == json.loads(json.dumps(two))
        store = run_stage(STAGES[name].make(tmp_path), parent, tmp_path / "out", make_engine())
        assert store.manifest["settings"] == json.loads(json.dumps(one))

    def test_it_keeps_every_row_and_changes_its_own_column_only(
        self, name: str, parent: Store, tmp_path: Path
    ) -> None:
        store = run_stage(STAGES[name].make(tmp_path), parent, tmp_path / "out", make_engine())
        before, after = (pa.concat_tables(one.tables()) for one in (parent, store))
        assert after.schema == PRODUCT_SCHEMA
        own = STAGES[name].column
        assert after.drop_columns(own).equals(before.drop_columns(own))
        assert after[own].to_pylist() != before[own].to_pylist()
        assert [shard["rows"] for shard in store.manifest["shards"]] == [9, 11, 0, 15]

    def test_what_an_earlier_stage_dropped_keeps_its_reason(
        self, name: str, parent: Store, tmp_path: Path
    ) -> None:
        store = run_stage(STAGES[name].make(tmp_path), parent, tmp_path / "out", make_engine())
        reasons = {row.id: row.dropped for row in store.products()}
        gone = [row.id for row in parent.products() if row.dropped]
        assert [reasons[key] for key in gone] == ["withdrawn"]

    def test_two_workers_give_the_same_bytes(self, name: str, parent: Store, tmp_path: Path) -> None:
        run_stage(STAGES[name].make(tmp_path), parent, tmp_path / "one", make_engine("local", 1))
        run_stage(STAGES[name].make(tmp_path), parent, tmp_path / "two", make_engine("local", 2))
        assert content(tmp_path / "one") == content(tmp_path / "two")

    @pytest.mark.parametrize("lost", [["manifest.json", "shards/00001.parquet"], ["manifest.json", "shards"]])
    def test_an_interrupted_run_goes_on_to_the_same_bytes(
        self, name: str, parent: Store, tmp_path: Path, lost: list[str]
    ) -> None:
        folder = run_stage(STAGES[name].make(tmp_path), parent, tmp_path / "out", make_engine()).folder
        whole = content(folder)
        for gone in lost:
            path = folder / gone
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        run_stage(STAGES[name].make(tmp_path), parent, folder, make_engine())
        assert content(folder) == whole

    @pytest.mark.parametrize("files", [1, 2, 3, 5, 8])
    def test_stopped_before_any_file_takes_its_place_it_goes_on_to_the_same_bytes(
        self, name: str, parent: Store, tmp_path: Path, files: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run_stage(STAGES[name].make(tmp_path), parent, tmp_path / "whole", make_engine())
        left, real = [files], Path.replace

        def stops(self: Path, target: Path) -> Path:
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt
            return real(self, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", stops)
            with contextlib.suppress(KeyboardInterrupt):
                run_stage(STAGES[name].make(tmp_path), parent, tmp_path / "cut", make_engine())
        if left[0] <= 0:
            with pytest.raises(StoreError):  # nobody takes the half of it for the whole
                Store.open(tmp_path / "cut")
        run_stage(STAGES[name].make(tmp_path), parent, tmp_path / "cut", make_engine())
        assert content(tmp_path / "cut") == content(tmp_path / "whole")

    def test_a_second_run_writes_nothing(self, name: str, parent: Store, tmp_path: Path) -> None:
        folder = run_stage(STAGES[name].make(tmp_path), parent, tmp_path / "out", make_engine()).folder
        before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
        run_stage(STAGES[name].make(tmp_path), parent, folder, make_engine())
        assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before

    def test_other_settings_make_another_store(self, name: str, parent: Store, tmp_path: Path) -> None:
        one = run_stage(STAGES[name].make(tmp_path), parent, tmp_path / "out", make_engine())
        two = run_stage(STAGES[name].other(tmp_path), parent, tmp_path / "out", make_engine())
        assert one.fingerprint != two.fingerprint
        assert two.rows == one.rows
        assert Store.open(tmp_path / "out").fingerprint == two.fingerprint

    def test_a_parent_that_has_changed_is_read_again(self, name: str, parent: Store, tmp_path: Path) -> None:
        run_stage(STAGES[name].make(tmp_path), parent, tmp_path / "out", make_engine())
        writer = StoreWriter.begin(
            tmp_path / "newer", Plan("ingest", {"n": 2}, ("a",), images="../parent/images")
        )
        writer.write(0, to_table(list(parent.products())[:20]))
        store = run_stage(STAGES[name].make(tmp_path), writer.finish(), tmp_path / "out", make_engine())
        assert store.rows == 20
        assert len(list((tmp_path / "out" / "shards").iterdir())) == 1

    @pytest.mark.parametrize("parts", [(), ("a",)])
    def test_a_store_without_rows_has_a_result_too(
        self, name: str, tmp_path: Path, parts: tuple[str, ...]
    ) -> None:
        writer = StoreWriter.begin(tmp_path / "parent", Plan("ingest", {}, parts))
        for part in range(len(parts)):
            writer.write(part, to_table([]))
        store = run_stage(STAGES[name].make(tmp_path), writer.finish(), tmp_path / "out", make_engine())
        assert (store.rows, store.rejects().num_rows) == (0, 0)
        assert len(store.shards) == len(parts)

    def test_what_failed_names_stage_product_and_place(
        self, name: str, parent: Store, tmp_path: Path
    ) -> None:
        store = run_stage(STAGES[name].make(tmp_path), parent, tmp_path / "out", make_engine())
        ids = {row.id for row in parent.products()}
        for row in store.rejects().to_pylist():
            assert row["stage"] == name
            assert row["product"] in ids
            assert (row["file"], row["line"] >= 2, bool(row["reason"])) == ("a.csv", True, True)
        assert (store.rejects().num_rows > 0) == (name == "quality")


def test_every_step_of_a_build_is_covered() -> None:
    from mep3m.recipes.build import STEPS

    assert set(STAGES) == {step.name for step in STEPS} - {"ingest"}
