"""`ingest` and `train` on files as people have them: what is printed, the exit code, what is in the store."""

from pathlib import Path

import pytest

from mep3m.store import Store
from tests.cli.runner import ran
from tests.sources.texts import SIMPLIFIED, TRADITIONAL


def table(folder: Path, texts: list[str], encoding: str, end: str = "\n") -> Path:
    path = folder / "shop.csv"
    rows = ["id,title,kind", *(f"{i},{text},{'A' if i % 2 else 'B'}" for i, text in enumerate(texts))]
    path.write_bytes((end.join(rows) + end).encode(encoding))
    return path


def test_the_encoding_is_printed_and_kept(tmp_path: Path) -> None:
    path = table(tmp_path, SIMPLIFIED, "gb18030")
    result = ran("ingest", path, "--store", tmp_path / "s", "--title", "title", "--id", "id")
    assert result.code == 0
    assert "shop.csv is read as gb18030" in result.out
    assert Store.open(tmp_path / "s").manifest["encodings"] == {"shop.csv": "gb18030"}


def test_an_encoding_that_is_not_sure_is_asked_for_and_then_taken(tmp_path: Path) -> None:
    command = ("ingest", table(tmp_path, TRADITIONAL, "big5"), "--store", tmp_path / "s", "--title", "title")
    result = ran(*command)
    assert result.code == 1
    assert "it reads as big5" in result.err
    assert ran(*command, "--encoding", "big5").code == 0
    assert [product.title for product in Store.open(tmp_path / "s").products()] == TRADITIONAL


@pytest.mark.parametrize("newer", ["id,title,kind\n", "<html>503</html>\n", "id,title,kind\n0,x,A\n"])
def test_an_export_that_lost_its_products_is_held(tmp_path: Path, newer: str) -> None:
    path = table(tmp_path, SIMPLIFIED, "utf-8")
    command = ("ingest", path, "--store", tmp_path / "s", "--title", "title", "--id", "id")
    assert ran(*command).code == 0
    path.write_text(newer, encoding="utf-8")
    result = ran(*command)
    assert result.code in (1, 2)
    assert not [product for product in Store.open(tmp_path / "s").products() if product.dropped]
    if newer.startswith("id"):
        assert "--max-withdrawn 1" in result.err
        confirmed = ran(*command, "--max-withdrawn", "1")
        assert confirmed.code == 0
        assert "withdrawn" in confirmed.out


def test_notes_are_printed(tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("id,path\n1,A » B\n2,A » C\n3,NULL\n", encoding="utf-8")
    result = ran("ingest", path, "--store", tmp_path / "s", "--path", "path", "--missing", "null")
    assert (result.code, result.out.count("note: ")) == (0, 1)
    assert "is it --separator '»'?" in result.out


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
def test_training_reads_every_line_end(tmp_path: Path, end: str) -> None:
    path = table(tmp_path, SIMPLIFIED, "utf-8", end)
    out = tmp_path / f"run{len(end)}"
    options = ("--title", "title", "--labels", "kind", "--set", "epochs=1", "--out", out)
    assert ran("train", path, *options).code == 0
