"""`mep3m stats` in words, as JSON and as a report."""

import hashlib
from pathlib import Path

import pytest

from mep3m.product import Label, Product, to_table
from mep3m.representations import eyes
from mep3m.store import Plan, Reject, Store, StoreWriter
from mep3m.store.json_files import read_json
from mep3m.taxonomy import Category, Taxonomy
from tests.cli.runner import ran
from tests.models.catalogue import picture


def made(folder: Path, products: list[Product]) -> Store:
    writer = StoreWriter.begin(folder, Plan("ingest", {}, ("x",)))
    writer.write(0, to_table(products), [Reject("ingest", "s", "no title", line=9)])
    return writer.finish(Taxonomy((Category("1", "食品", "Food"), Category("11", "茶", "Tea", "1"))))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    tea = (Label("1", "given", "s"), Label("11", "given", "s"))
    return made(
        tmp_path / "store",
        [
            Product("s:1", "s", "1", title="西湖龙井茶", labels=tea, ocr="包邮"),
            Product("s:2", "s", "2", title="茶", labels=tea[:1]),
            Product("s:3", "s", "3", title="坏", dropped="quality: blank_image"),
        ],
    )


def test_words_count_what_is_kept(store: Store) -> None:
    found = ran("stats", store.folder)
    assert (found.code, found.err) == (0, "")
    assert found.out.splitlines() == [
        "products         2 kept of 3",
        "  dropped        1  quality: blank_image",
        "in duplicates    not looked for yet",
        "level 1          1 classes, 2 rows",
        "level 2          1 classes, 1 rows",
        "titles           6 characters, mean length 3.0",
        "images           0 distinct",
        "images with text 1 (50.0%)",
    ]


def test_json_is_one_document_with_the_same_numbers(store: Store) -> None:
    found = ran("stats", store.folder, "--json").json
    assert found["rows"]["refused"] == {"no title": 1}
    assert found["classes"] == [
        {"id": "1", "samples": 2, "subclasses": 1, "name_zh": "食品", "name_en": "Food"}
    ]
    assert found["titles"]["lengths"] == {"1": 1, "5": 1}


def test_a_report_is_written_where_it_was_asked_for(store: Store, tmp_path: Path) -> None:
    found = ran("stats", store.folder, "--report", tmp_path / "new" / "report", "--seed", "7")
    assert found.code == 0
    assert found.out.splitlines()[-1] == f"report           {tmp_path / 'new/report/report.html'}"
    assert read_json(tmp_path / "new/report/statistics.json")["store"]["seed"] == 7
    text = (tmp_path / "new/report/report.html").read_text(encoding="utf-8")
    assert "西湖" in text
    assert "quality: blank_image" in text


def test_a_store_without_products_has_statistics_too(tmp_path: Path) -> None:
    store = made(tmp_path / "empty", [])
    found = ran("stats", store.folder, "--report", tmp_path / "report")
    assert found.code == 0
    assert "products         0 kept of 0" in found.out
    assert "mean length" not in found.out


def test_duplicates_are_counted_once_they_were_looked_for(tmp_path: Path) -> None:
    rows = [Product(f"s:{i}", "s", str(i), title="茶", group=group) for i, group in enumerate("aab")]
    found = ran("stats", made(tmp_path / "grouped", rows).folder)
    assert "in duplicates    2 products in 1 groups" in found.out
    alone = [Product(f"s:{i}", "s", str(i), title="茶", group=str(i)) for i in range(3)]
    assert "0 products in 0 groups" in ran("stats", made(tmp_path / "alone", alone).folder).out


def test_the_report_says_what_was_not_looked_for(store: Store, tmp_path: Path) -> None:
    assert ran("stats", store.folder, "--json").json["rows"]["in_duplicate_groups"] is None
    ran("stats", store.folder, "--report", tmp_path / "report")
    assert "not looked for yet" in (tmp_path / "report/report.html").read_text(encoding="utf-8")


def test_images_that_nobody_has_read_are_not_said_to_have_no_text(tmp_path: Path) -> None:
    rows = [Product("s:1", "s", "1", title="茶", image="key")]
    assert "images with text none, or not read yet" in ran("stats", made(tmp_path / "s", rows).folder).out


def pictured(folder: Path) -> Store:
    """Return a store with four images of two classes."""
    kinds = (Label("1", "given", "s"), Label("11", "given", "s"))
    contents = [picture("tea", n) for n in range(4)]
    keys = [hashlib.sha256(content).hexdigest() for content in contents]
    store = made(
        folder,
        [
            Product(f"s:{n}", "s", str(n), title="茶", labels=kinds[: 1 + n % 2], image=key)
            for n, key in enumerate(keys)
        ],
    )
    assert [store.images.put(content) for content in contents] == keys
    return store


def test_the_report_shows_the_nearest_products_by_eyes_unless_told_not_to(tmp_path: Path) -> None:
    store = pictured(tmp_path / "s")
    found = ran("stats", store.folder, "--report", tmp_path / "r")
    assert "look at images" in found.err
    assert "Nearest products" in (tmp_path / "r/report.html").read_text(encoding="utf-8")
    found = ran("stats", store.folder, "--report", tmp_path / "n", "--no-eyes")
    assert found.err == ""
    assert "Nearest products" not in (tmp_path / "n/report.html").read_text(encoding="utf-8")


def test_without_the_packages_there_is_a_report_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eyes, "NEEDED", ("torch", "no_such_package"))
    found = ran("stats", pictured(tmp_path / "s").folder, "--report", tmp_path / "r")
    assert (found.code, found.err) == (0, "")
    assert "Nearest products" not in (tmp_path / "r/report.html").read_text(encoding="utf-8")
