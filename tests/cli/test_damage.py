"""Stores that lost a shard or hold damaged files, and names that are not UTF-8: said, survived, repaired."""

import os
import sys
from pathlib import Path

import pytest

from mep3m.store import Store
from mep3m.store.filesystem import as_text
from tests.cli.runner import ran
from tests.stages.ocr.pictures import drawn, encoded

COLUMNS = ("--title", "name", "--labels", "kind", "--workers", "1")
NOT_TEXT = os.fsdecode(b"\xff\xfe")

READERS: dict[str, tuple[str, ...]] = {
    "stats": ("stats", "STORE"),
    "stats --report": ("stats", "STORE", "--report", "OUT"),
    "status": ("status", "STORE"),
    "status --sql": ("status", "STORE", "--sql", "SELECT * FROM ledger"),
    "status --ledger": ("status", "STORE", "--ledger", "OUT"),
    "retry": ("retry", "STORE"),
    "dedupe": ("dedupe", "STORE", "--out", "OUT"),
    "dedupe --title": ("dedupe", "STORE", "--title", "茶"),
    "train": ("train", "STORE", "--out", "OUT"),
    "split": ("split", "STORE", "--out", "OUT"),
    "propose": ("align", "propose", "--store", "STORE", "--out", "OUT"),
    "ocr": ("ocr", "STORE", "--out", "OUT"),
}


def write_table(folder: Path, rows: int = 24) -> Path:
    path = folder / "shop.csv"
    lines = [f"茶叶 {n} 号,茶\n台灯 {n} 瓦,灯\n" for n in range(rows // 2)]
    path.write_text("name,kind\n" + "".join(lines) + "too,many,cells\n", encoding="utf-8")
    return path


@pytest.fixture
def store(tmp_path: Path) -> Path:
    table = write_table(tmp_path)
    assert ran("ingest", table, *COLUMNS, "--store", tmp_path / "store").code == 1  # the last row is refused
    return tmp_path / "store"


def words(command: tuple[str, ...], store: Path) -> list[str]:
    places = {"STORE": store, "OUT": store.parent / "out"}
    return [str(places.get(word, word)) for word in command]


@pytest.mark.parametrize("damage", ["gone", "cut", "nonsense", "empty"])
@pytest.mark.parametrize("command", READERS.values(), ids=READERS)
def test_a_damaged_shard_is_named_with_what_to_do(store: Path, command: tuple[str, ...], damage: str) -> None:
    (shard,) = (store / "shards").iterdir()
    content = shard.read_bytes()
    shard.unlink()
    if damage != "gone":
        shard.write_bytes({"cut": content[:-20], "nonsense": b"nonsense", "empty": b""}[damage])
    found = ran(*words(command, store))
    if damage == "gone" and command[0] == "status":
        assert found.code == 0  # the rows of that part are waiting again
        return
    if command[0] == "retry" and damage != "gone":
        return  # it looks at shards that it has something for
    assert found.code == 1, found
    assert found.err.count("error: ") == 1
    if damage == "gone":
        assert "is unfinished (0 of 1 shards); run the command that makes it again" in found.err
    else:
        assert f"{shard} cannot be read (" in found.err
        assert "delete it and run the step again" in found.err


def test_what_the_message_advises_works(store: Path) -> None:
    notes = ("origin.json", "request.json")  # when and where, on this machine
    files = [path for path in store.rglob("*") if path.is_file() and path.name not in notes]
    before = {path: path.read_bytes() for path in files}
    (shard,) = (store / "shards").iterdir()
    shard.unlink()
    again = ran("ingest", store.parent / "shop.csv", *COLUMNS, "--store", store, "--json")
    assert again.json["rows"] == 24
    assert {path: path.read_bytes() for path in before} == before


def test_what_the_message_advises_works_for_a_later_step(store: Path) -> None:
    out = store.parent / "grouped"
    command = ("dedupe", store, "--out", out, "--json")
    first = ran(*command).json
    (shard,) = (out / "shards").iterdir()
    content = shard.read_bytes()
    shard.unlink()
    assert ran(*command).json == first
    assert shard.read_bytes() == content
    assert Store.open(out).rows == 24


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"format": 1}', "null", '"text"', '{"step": 1, "parts": "x"}']
)
@pytest.mark.parametrize("file", ["manifest.json", "plan.json"])
def test_a_description_that_is_damaged_is_named_by_every_command(
    store: Path, file: str, content: str
) -> None:
    (store / file).write_text(content)
    for name, command in READERS.items():
        found = ran(*words(command, store))
        assert "Traceback" not in found.err
        if f"{file} is damaged" in found.err:
            assert found.code == 1, name
            assert "bring it back from a copy, or delete the store and make it anew" in found.err
    told = {"manifest.json": "stats", "plan.json": "status"}[file]
    assert f"{file} is damaged" in ran(told, store).err


@pytest.mark.parametrize("content", ["[]", "{}", "null"])
def test_a_store_that_forgot_its_input_is_read_and_cannot_be_retried(store: Path, content: str) -> None:
    (store / "origin.json").write_text(content)
    assert ran("stats", store).code == 0
    found = ran("retry", store)
    assert (found.code, "does not remember its input" in found.err) == (1, True)
    assert ran("ingest", store.parent / "shop.csv", *COLUMNS, "--store", store).code == 1
    assert ran("retry", store, "--json").json["tried"] == 1


def test_a_damaged_quarantine_is_named(store: Path) -> None:
    (refused,) = (store / "rejects").iterdir()
    refused.write_bytes(b"PAR1")
    for command in (READERS["stats"], READERS["status"]):
        found = ran(*words(command, store))
        assert found.code == 1
        assert f"{refused} cannot be read" in found.err


def test_a_folder_of_stores_is_not_a_store_but_names_them(store: Path) -> None:
    found = ran("stats", store.parent)
    assert found.code == 1
    assert "holds no store; name one of the stores in it: store" in found.err
    assert ran("status", store.parent).code == 0  # the ledger is that of all of them
    assert "name one of the stores in it: store" in ran("ocr", store.parent, "--out", store / "x").err


def test_names_that_are_no_text_are_written_with_escapes() -> None:
    assert as_text("茶.png") == "茶.png"
    assert as_text(f"{NOT_TEXT}茶.png") == "\\xff\\xfe茶.png"


@pytest.mark.skipif(sys.platform == "darwin", reason="this system has no such names")
def test_images_whose_names_are_no_text_are_taken_in_and_read(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    (folder / f"茶{NOT_TEXT}").mkdir(parents=True)
    for n, name in enumerate((f"a{NOT_TEXT}.png", f"茶{NOT_TEXT}/b.png", "c.png")):
        (folder / name).write_bytes(encoded(drawn(f"TEA {n}")))
    made = ran("ingest", folder, "--format", "folder", "--store", tmp_path / "s", "--workers", "1", "--json")
    assert (made.code, made.json["rows"], made.json["rejects"]) == (0, 3, 0)
    ids = [product.source_id for product in Store.open(tmp_path / "s").products()]
    assert sorted(ids) == ["a\\xff\\xfe.png", "c.png", "茶\\xff\\xfe/b.png"]
    again = ran("ingest", folder, "--format", "folder", "--store", tmp_path / "s", "--workers", "1", "--json")
    assert again.json["rows"] == 3
    read = ran(
        "ocr", folder, "--out", tmp_path / "lines.jsonl", "--backend", "none", "--workers", "1", "--json"
    )
    assert (read.code, read.json["images"], read.json["failed"]) == (0, 3, 0)


@pytest.mark.parametrize("command", ["ingest", "train", "stats", "simulate"])
def test_an_argument_that_is_no_text_is_refused(tmp_path: Path, command: str) -> None:
    found = ran(command, f"{tmp_path}/{NOT_TEXT}")
    assert found.code == 2
    assert "\\udcff\\udcfe' is not UTF-8; rename the file" in found.err


def test_a_cell_as_long_as_all_titles_of_a_category_is_read(tmp_path: Path) -> None:
    titles = " || ".join(["绿茶 250克 明前新茶"] * 20_000)
    (tmp_path / "a.tsv").write_text(
        f"id\tpath\ttitles\n1\t食品 > 茶\t{titles}\n2\t食品 > 米\t大米\n", encoding="utf-8"
    )
    (tmp_path / "b.tsv").write_text("id\tpath\n8\t食品 > 茶\n9\t食品 > 米\n", encoding="utf-8")
    links = tmp_path / "links.tsv"
    found = ran(
        "align", "propose", "--left", tmp_path / "a.tsv", "--right", tmp_path / "b.tsv", "--out", links
    )
    assert (found.code, "2 links accepted" in found.out) == (0, True)
    text = links.read_text(encoding="utf-8").splitlines()
    row = text[-1].split("\t")
    long = "很长的说明 " * 40_000
    columns = next(line for line in text if line.startswith("subject_id")).split("\t")
    row[columns.index("comment")] = long.strip()
    links.write_text("\n".join([*text[:-1], "\t".join(row)]) + "\n", encoding="utf-8")
    assert (
        ran("align", "review", links, "--json").json["progress"]["open"]
        == len(text) - text.index("\t".join(columns)) - 1
    )
