"""The classes of docs/extending.md do what the page says, and pass the suites of their kinds."""

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mep3m.engine import make_engine
from mep3m.product import PRODUCT_SCHEMA, Product, to_table
from mep3m.settings.ocr import BACKENDS, OcrSettings
from mep3m.settings.sources import Columns, SourceEntry
from mep3m.sources.format_names import FORMATS
from mep3m.stages.base import RowStage, run_stage
from mep3m.stages.ocr.backends import build
from mep3m.stages.ocr.cache import reader_fingerprint
from mep3m.stages.ocr.read import finish
from mep3m.store import Plan, Store, StoreWriter

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The page's classes as one module: its blocks joined, without the one that runs a stage over a store."""
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    folder = tmp_path_factory.mktemp("page")
    text = "\n\n".join(block for block in blocks if "Store.open" not in block)
    (folder / "page_of_extending.py").write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield __import__("page_of_extending")


def shop(folder: Path) -> Path:
    path = folder / "shop.txt"
    path.write_text("sku;name;kind\n1;红茶;茶\n2;测试商品;茶\n3;only two\n4;米;粮油\n", encoding="utf-8")
    return path


def test_the_source_reads_refuses_and_travels(made: Any, tmp_path: Path) -> None:
    entry = SourceEntry(name="s", path="shop.txt", columns=Columns(id="sku", title="name", labels=("kind",)))
    source = pickle.loads(pickle.dumps(made.open_semicolons(entry, shop(tmp_path))))
    (batch,) = [batch for part in source.parts() for batch in source.read(part)]
    assert batch.products.schema == PRODUCT_SCHEMA
    assert batch.products["title"].to_pylist() == ["红茶", "测试商品", "米"]
    assert batch.products["line"].to_pylist() == [2, 3, 5]
    assert [(reject.line, reject.reason) for reject in batch.rejects] == [
        (4, "the row has 2 fields, the header has 3")
    ]
    assert source.files() == [tmp_path / "shop.txt"]


def test_one_line_makes_it_a_format_of_ingest(
    made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mep3m.ingest.run import ingest

    monkeypatch.setitem(FORMATS, "semicolon", f"{made.__name__}:open_semicolons")
    shop(tmp_path)
    columns = Columns(id="sku", title="name", labels=("kind",))
    entry = SourceEntry(name="s", path="shop.txt", format="semicolon", columns=columns)
    store = ingest([entry], tmp_path, tmp_path / "store", make_engine())
    assert (store.rows, store.manifest["rejects"]) == (3, 1)
    cleaned = run_stage(made.NoTestProducts(), store, tmp_path / "cleaned", make_engine())
    assert [row.source_id for row in cleaned.products() if row.dropped] == ["2"]


def test_the_stage_keeps_every_row_and_earlier_reasons(made: Any, tmp_path: Path) -> None:
    rows = [
        Product("s:1", "s", "1", title="勿拍"),
        Product("s:2", "s", "2", title="勿拍", dropped="earlier"),
        Product("s:3", "s", "3"),
    ]
    writer = StoreWriter.begin(tmp_path / "s", Plan("ingest", {}, ("p",)))
    writer.write(0, to_table(rows))
    parent = writer.finish()
    stage = made.NoTestProducts()
    assert isinstance(stage, RowStage)
    found = run_stage(stage, parent, tmp_path / "out", make_engine())
    assert [row.dropped for row in found.products()] == ["test_product", "earlier", None]
    kept = pa.concat_tables(found.tables()).drop_columns("dropped")
    assert kept.equals(pa.concat_tables(parent.tables()).drop_columns("dropped"))
    assert run_stage(made.NoTestProducts(("x",)), parent, tmp_path / "out", make_engine()).fingerprint != (
        found.fingerprint
    )
    assert Store.open(tmp_path / "out").manifest["settings"] == {"words": ["x"]}


def test_the_line_of_the_page_makes_the_stage_a_step_of_a_build(made: Any, tmp_path: Path) -> None:
    """The line is the page's own, put into `STEPS` where any stage may stand; the shops are simulated."""
    from mep3m.recipes.build import build
    from mep3m.recipes.steps import STEPS, Step, step_folders
    from mep3m.settings.project import load_project
    from mep3m.settings.simulator import SimulatorSettings
    from mep3m.simulator.simulation import simulate

    (line,) = re.findall(r'^Step\("no-tests".*$', PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    step: Step = eval(line, vars(made))
    world = simulate(tmp_path / "shops", SimulatorSettings(products=60, seed=5, images=False))
    header, first, *rest = world.catalogue("haohuo").read_text(encoding="gb18030").splitlines()
    number, title, *cells = first.split(",")
    text = "\n".join([header, ",".join([number, f"测试 {title}", *cells]), *rest, ""])
    world.catalogue("haohuo").write_text(text, encoding="gb18030")
    steps = (*STEPS[:2], step, *STEPS[2:])
    project = load_project(world.project)
    built = build(project, world.folder, tmp_path / "out", make_engine(), steps=steps)
    assert list(built.stores) == ["ingest", "quality", "no-tests", "dedupe", "ocr", "align"]
    assert built.stores["no-tests"].folder.name == step_folders(steps)["no-tests"] == "3-no-tests"
    dropped = [row.title for row in built.dataset.products() if row.dropped == "test_product"]
    assert dropped == [f"测试 {title}"]
    assert "no-tests" in built.report.read_text(encoding="utf-8")


def test_one_line_makes_it_a_reader(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BACKENDS, "bright", f"{made.__name__}:BrightBackend")
    settings = OcrSettings.parse({"backend": "bright"}, "mep3m.toml")
    white, black = (np.full((20, 30, 3), value, np.uint8) for value in (255, 0))
    bright, dark = build(settings).read([white, black])
    assert [line.text for line in finish(bright, settings)] == ["bright"]
    assert dark == []
    before = reader_fingerprint(settings)
    assert before != reader_fingerprint(OcrSettings(backend="none"))
    monkeypatch.setattr(made, "versions", lambda package: "numpy 0")
    assert reader_fingerprint(settings) != before


def test_the_tables_and_suites_that_the_page_names_are_there() -> None:
    text = PAGE.read_text(encoding="utf-8")
    root = PAGE.parents[1]
    for name, file in re.findall(r"`([A-Z]+)` of\s+`((?:tests/)?[\w/]+\.py)`", text):
        place = root / file if file.startswith("tests/") else root / "src" / "mep3m" / file
        assert re.search(rf"^{name}\b", place.read_text(encoding="utf-8"), re.MULTILINE), (name, file)
    for file in re.findall(r"`(tests/[\w/]+\.py)`", text):
        assert (root / file).exists(), file
