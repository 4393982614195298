from pathlib import Path

import orjson
from click.testing import CliRunner

from mep3m.cli.building.ocr import ocr
from mep3m.errors import NotFoundError, SettingsError
from mep3m.product import Product, to_table
from mep3m.store import ContentImages, Plan, StoreWriter
from tests.stages.ocr.pictures import drawn, encoded


def test_folder_to_json_lines(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(encoded(drawn("COTTON")))
    out = tmp_path / "lines.jsonl"
    result = CliRunner().invoke(ocr, [str(tmp_path / "in"), "--out", str(out), "--json", "--workers", "1"])
    assert result.exit_code == 0, result.output
    assert orjson.loads(result.stdout)["with_text"] == 1
    row = orjson.loads(out.read_bytes())
    assert (row["image"], row["text"]) == ("a.png", "COTTON")
    assert row["lines"][0].keys() >= {"text", "confidence", "polygon", "promotional"}


def test_store_to_json_lines_and_a_page_of_examples(tmp_path: Path) -> None:
    images = ContentImages(tmp_path / "store" / "images")
    writer = StoreWriter.begin(tmp_path / "store", Plan("ingest", {}, ("a",)))
    key = images.put(encoded(drawn("COTTON")))
    writer.write(0, to_table(Product(n, "shop", n, image=key) for n in "12"), [])
    writer.finish(None)
    out, page = tmp_path / "lines.jsonl", tmp_path / "page.html"
    arguments = [str(tmp_path / "store"), "--out", str(out), "--workers", "1", "--report", str(page)]
    result = CliRunner().invoke(ocr, arguments)
    assert result.exit_code == 0, result.output
    assert orjson.loads(out.read_bytes())["image"] == key
    assert (tmp_path / "store" / "readings.sqlite").exists()
    assert "data:image/jpeg;base64," in page.read_text()


def test_exit_code_1_when_an_image_failed(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"nothing")
    arguments = [str(tmp_path), "--out", str(tmp_path / "lines.jsonl"), "--backend", "none", "--workers", "1"]
    result = CliRunner().invoke(ocr, arguments)
    assert result.exit_code == 1
    assert "1 failed" in result.stdout


def test_wrong_use_says_what_to_write(tmp_path: Path) -> None:
    missing = CliRunner().invoke(ocr, [str(tmp_path / "none"), "--out", str(tmp_path / "o")])
    assert isinstance(missing.exception, NotFoundError)
    empty = CliRunner().invoke(ocr, [str(tmp_path), "--out", str(tmp_path / "o")])
    assert isinstance(empty.exception, NotFoundError)
    (tmp_path / "a.png").write_bytes(encoded(drawn("A")))
    wrong = CliRunner().invoke(ocr, [str(tmp_path), "--out", str(tmp_path / "o"), "--detector-side", "1"])
    assert isinstance(wrong.exception, SettingsError)
