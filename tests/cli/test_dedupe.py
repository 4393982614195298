import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mep3m.cli import cli
from mep3m.errors import NotFoundError, UsageError
from mep3m.product import Product, to_table
from mep3m.store import Plan, Store, StoreWriter

TITLE = "安满孕妇配方奶粉八百克罐装新西兰原装进口"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    writer = StoreWriter.begin(tmp_path / "store", Plan("ingest", {}, ("a",)))
    titles = [TITLE, TITLE + "!", "男士短袖纯棉圆领打底衫夏季"]
    writer.write(0, to_table([Product(f"s:{i}", "s", str(i), title=title) for i, title in enumerate(titles)]))
    return writer.finish()


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, ["dedupe", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_a_new_product_is_looked_up(store: Store) -> None:
    found = json.loads(run(str(store.folder), "--title", TITLE, "--json"))["duplicates"]
    assert [one["id"] for one in found] == ["s:0", "s:1"]
    assert "same_title" in run(str(store.folder), "--title", TITLE)
    assert "no duplicate found" in run(str(store.folder), "--title", "别的东西完全不同")


def test_a_store_is_grouped(store: Store, tmp_path: Path) -> None:
    numbers = json.loads(run(str(store.folder), "--out", str(tmp_path / "out"), "--json"))
    assert numbers == {
        "products": 3,
        "groups": 2,
        "groups_with_duplicates": 1,
        "largest_group": 2,
        "sizes": {"1": 1, "2": 1},
    }
    assert "largest group            2" in run(str(store.folder), "--out", str(tmp_path / "out"))


def test_wrong_use_is_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="--title"):
        run(str(store.folder))
    with pytest.raises(NotFoundError, match=r"no\.jpg"):
        run(str(store.folder), "--image", "no.jpg")
    with pytest.raises(UsageError, match=r"--same-photo groups a store; give --out"):
        run(str(store.folder), "--title", "x", "--same-photo", "0.9")
    with pytest.raises(UsageError, match=r"same_photo = 0\.1"):
        run(str(store.folder), "--out", "grouped", "--same-photo", "0.1")
    with pytest.raises(UsageError, match="near_title = 7"):
        run(str(store.folder), "--title", "x", "--near-title", "7")
