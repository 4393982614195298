import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

from mep3m.engine import make_engine
from mep3m.errors import SettingsError, UsageError
from mep3m.ingest.run import ingest
from mep3m.settings.project import SourceEntry, load_project, read_toml
from mep3m.simulator import Simulation, SimulatorSettings, simulate
from mep3m.simulator.plan import DEFECTS
from mep3m.sources.mep3m.annotations import Mep3mSource
from mep3m.sources.tables import read_products
from mep3m.store.filesystem import hash_file, inside
from mep3m.store.json_files import read_json
from mep3m.store.stamp import write_stamp
from mep3m.taxonomy import Taxonomy
from tests.conftest import SHOPS
from tests.simulator.make_golden import GOLDEN, golden


def truth(shops: Simulation) -> list[dict[str, Any]]:
    return pq.read_table(shops.products).to_pylist()


def content(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): hash_file(p) for p in sorted(folder.rglob("*")) if p.is_file()}


def test_same_bytes_for_one_and_two_workers(tmp_path: Path) -> None:
    settings = SimulatorSettings(products=1100, platforms=2, categories=12, seed=5)
    one = simulate(tmp_path / "one", settings, workers=1)
    two = simulate(tmp_path / "two", settings, workers=2)
    assert content(one.folder) == content(two.folder)


def test_another_seed_draws_another_world(tmp_path: Path, shops: Simulation) -> None:
    other = simulate(tmp_path / "other", SHOPS.model_copy(update={"seed": 4}))
    assert content(other.folder) != content(shops.folder)


def test_an_interrupted_simulation_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = SimulatorSettings(products=1100, platforms=2, images=False)
    whole = simulate(tmp_path / "whole", settings)

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("mep3m.simulator.simulation._join", stopped)
        with pytest.raises(KeyboardInterrupt):
            simulate(tmp_path / "again", settings)
    assert not (tmp_path / "again" / "simulation.json").exists()
    again = simulate(tmp_path / "again", settings)
    assert content(again.folder) == content(whole.folder)


def test_a_finished_simulation_is_returned_and_a_foreign_folder_refused(
    tmp_path: Path, shops: Simulation
) -> None:
    assert simulate(shops.folder, SHOPS) == shops
    with pytest.raises(UsageError, match="other settings"):
        simulate(shops.folder, SHOPS.model_copy(update={"seed": 9}))
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        simulate(tmp_path, SHOPS)


def test_every_row_has_its_truth(shops: Simulation) -> None:
    rows = truth(shops)
    assert len(rows) == SHOPS.products
    assert {row["source"] for row in rows} == set(shops.platforms)
    taxonomy = Taxonomy.load(shops.folder / "truth" / "taxonomy.json")
    assert all(row["category"] in taxonomy for row in rows)
    assert all(row["noisy"] == (row["shown_path"] != row["source_path"]) for row in rows if row["shown_path"])


def test_every_kind_of_defect_occurs(shops: Simulation) -> None:
    assert {row["defect"] or "" for row in truth(shops)} == set(DEFECTS)


def test_shares_are_near_the_settings(tmp_path: Path) -> None:
    settings = SimulatorSettings(products=4000, images=False, noise=0.1, duplicates=0.3, defects=0.05)
    rows = truth(simulate(tmp_path / "world", settings))
    groups = Counter(row["group"] for row in rows)
    assert len(groups) == 2800
    assert 300 < sum(row["noisy"] for row in rows) < 500
    assert sum(row["defect"] is not None for row in rows) == 200
    sizes = sorted(Counter(row["category"] for row in rows).values())
    assert sizes[0] < 12 < 100 < sizes[-1]  # a long tail


def test_text_is_on_about_the_share_of_images_that_was_asked_for(tmp_path: Path) -> None:
    shops = simulate(tmp_path / "world", SimulatorSettings(products=500, defects=0, text=0.46))
    lines = [json.loads(line) for line in shops.ocr.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 500
    assert 0.38 < sum(line["text"] is not None for line in lines) / 500 < 0.54
    kinds = Counter(drawn["kind"] for line in lines for drawn in line["lines"])
    assert min(kinds["promotional"], kinds["informative"]) > 100
    for line in lines[:100]:
        image = Image.open(inside(shops.images(line["source"]), line["image"]))
        for drawn in line["lines"]:
            left, top, right, bottom = drawn["box"]
            assert 0 <= left < right <= image.width + 2
            assert 0 <= top < bottom <= image.height + 2


def test_drawn_text_darkens_or_colours_its_box(shops: Simulation) -> None:
    lines = [json.loads(line) for line in shops.ocr.read_text(encoding="utf-8").splitlines()]
    with_text = [line for line in lines if line["lines"]]
    for line in with_text[:40]:
        image = Image.open(inside(shops.images(line["source"]), line["image"])).convert("L")
        low, high = image.crop(tuple(line["lines"][0]["box"])).getextrema()
        assert high - low > 60


def test_image_files_are_those_that_the_rows_name(shops: Simulation) -> None:
    for row in truth(shops):
        if row["defect"] in ("missing_image", "outside_path"):
            continue
        path = inside(shops.images(row["source"]), row["image"])
        assert path.exists()
        if row["defect"] in (None, "blurred_image"):
            with Image.open(path) as image:
                image.load()


def test_copies_share_an_image_or_a_title(shops: Simulation) -> None:
    rows = [row for row in truth(shops) if row["defect"] is None]
    first = {(row["source"], row["group"]): row for row in rows if row["copy"] == "original"}
    checked = 0
    for row in rows:
        origin = first.get((row["source"], row["group"]))
        if row["copy"] == "original" or origin is None:
            continue
        same_image = hash_file(inside(shops.images(row["source"]), row["image"])) == hash_file(
            inside(shops.images(origin["source"]), origin["image"])
        )
        assert (row["title"] == origin["title"]) or row["copy"] in ("title", "both")
        assert same_image == (row["copy"] in ("same", "title"))
        checked += 1
    assert checked > 5


def test_tables_are_read_with_the_project_file_and_match_the_truth(shops: Simulation) -> None:
    project = read_toml(shops.project)
    entries = [SourceEntry.parse(entry, "mep3m.toml") for entry in project["sources"]]
    assert [entry.name for entry in entries] == list(shops.platforms)
    refused = set()
    true = {(row["source"], row["file"], row["line"]): row for row in truth(shops)}
    for entry in entries:
        if entry.format == "mep3m":
            continue
        path = inside(shops.folder, entry.path)
        products, rejects = read_products(path, entry.columns, entry.name, entry.encoding)
        for product in products.to_pylist():
            row = true.pop((entry.name, path.name, product["line"]))
            assert product["id"] == f"{row['source']}:{row['source_id']}"
            assert tuple(product["source_path"]) == tuple(row["shown_path"])
            if row["defect"] is None:
                assert product["title"] == row["title"].strip()
        refused |= {true.pop((entry.name, path.name, reject.line))["defect"] for reject in rejects}
    assert refused == {"broken_row", "repeated_id"}
    assert {source for source, _, _ in true} == {shops.platforms[0]}  # nothing was lost without a word


@pytest.mark.parametrize("images", [True, False])
def test_records_behind_a_broken_one_are_those_of_the_truth(tmp_path: Path, images: bool) -> None:
    """Without images a record is known by its place, and a text between two records has none of its own."""
    settings = SimulatorSettings(products=1500, images=images, categories=8, defects=0.3, seed=3)
    shops = simulate(tmp_path / "world", settings)
    platform = shops.platforms[0]
    rows = [row for row in truth(shops) if row["source"] == platform]
    source = Mep3mSource(shops.catalogue(platform), platform)
    batches = [batch for part in source.parts() for batch in source.read(part)]
    products = {row["line"]: row for batch in batches for row in batch.products.to_pylist()}
    sound = [row for row in rows if row["defect"] != "broken_row"]
    assert len(rows) > len(sound) > 500  # several pieces are drawn
    assert [products.pop(row["line"])["title"] for row in sound] == [
        row["title"] and row["title"].strip() for row in sound
    ]
    assert products == {}
    broken = [row["line"] for row in rows if row["defect"] == "broken_row"]
    assert [reject.line for batch in batches for reject in batch.rejects] == broken


def test_the_annotation_array_is_json_of_mep3m_s_shape(shops: Simulation) -> None:
    records = json.loads(shops.catalogue(shops.platforms[0]).read_text(encoding="utf-8"))
    sound = [record for record in records if isinstance(record, dict)]
    assert 0 < len(records) - len(sound) < len(records) / 10
    assert all(isinstance(record["sub_class_id"], str) for record in sound)
    third = [record for record in sound if record["subsub_class_id"] != "FALSE"]
    assert 0 < len(third) < len(sound)
    assert all(int(record["subsub_class_id"]) > int(record["sub_class_id"]) for record in third)


def test_vague_titles_borrow_and_leave_out(tmp_path: Path) -> None:
    plain = SimulatorSettings(products=300, images=False, defects=0, duplicates=0)
    rows = truth(simulate(tmp_path / "plain", plain))
    vague = truth(simulate(tmp_path / "vague", plain.model_copy(update={"vague": 1.0})))
    changed = sum(a["title"] != b["title"] for a, b in zip(rows, vague, strict=True))
    assert changed > 150
    assert sum("送" in row["title"] for row in vague) > sum("送" in row["title"] for row in rows)
    assert [row["category"] for row in rows] == [row["category"] for row in vague]


def test_a_refused_simulation_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="workers = 0"):
        simulate(tmp_path / "world", SHOPS, workers=0)
    assert not (tmp_path / "world").exists()


@pytest.mark.parametrize("call", ["_join", "write_stamp", "shutil.rmtree"])
def test_stopped_anywhere_near_its_end_a_simulation_goes_on_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    settings = SimulatorSettings(products=30, images=False)
    whole = simulate(tmp_path / "whole", settings)

    def stopped(*arguments: Any, **_: Any) -> None:
        if call != "write_stamp" or "simulation.json" in str(arguments[0]):
            raise KeyboardInterrupt
        write_stamp(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(f"mep3m.simulator.simulation.{call}", stopped)
        with pytest.raises(KeyboardInterrupt):
            simulate(tmp_path / "again", settings)
    again = simulate(tmp_path / "again", settings)
    assert content(again.folder) == content(whole.folder)


@pytest.mark.parametrize("products", [1, 2, 3])
@pytest.mark.parametrize("platforms", [2, 6])
def test_fewer_rows_than_shops_is_a_world_with_empty_shops(
    tmp_path: Path, products: int, platforms: int
) -> None:
    small = simulate(
        tmp_path / "w", SimulatorSettings(products=products, platforms=platforms, duplicates=0.5)
    )
    assert len(truth(small)) == products
    assert all(small.catalogue(name).exists() for name in small.platforms)
    assert all(small.categories(name).exists() for name in small.platforms)


def test_texts_of_a_world_are_those_of_the_golden_file(tmp_path: Path) -> None:
    """The same settings give the same texts in every version; `make_golden` writes them anew."""
    assert golden(tmp_path) == read_json(GOLDEN)


def test_every_shop_that_can_be_simulated_is_taken_in_with_the_project_file(tmp_path: Path) -> None:
    world = simulate(tmp_path / "w", SimulatorSettings(products=60, platforms=6, images=False, defects=0.0))
    project = load_project(world.project)
    assert [entry.name for entry in project.sources] == list(world.platforms)
    store = ingest(project.sources, tmp_path / "w", tmp_path / "s", make_engine())
    assert (store.rows, store.manifest["rejects"]) == (60, 0)
