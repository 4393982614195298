"""Products of a query, from SQLite and from real PostgreSQL and MariaDB servers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mep3m.engine import make_engine
from mep3m.errors import InputError, NotFoundError, SettingsError
from mep3m.ingest.run import ingest
from mep3m.settings.project import load_project
from mep3m.settings.sources import DatabaseSettings, SourceEntry
from mep3m.sources.base import Batch, Part
from mep3m.sources.catalogue import open_source
from mep3m.sources.formats.sql import SqlSource
from mep3m.store import Store
from tests.cli.runner import Ran, ran
from tests.sources.formats.servers import PASSWORD, SERVERS, Server

pytest.importorskip("sqlalchemy")
ENV = "MEP3M_TEST_PASSWORD"
COLUMNS = {"id": "sku", "title": "title", "labels": ["category"]}
TABLE = (
    "CREATE TABLE items (nr INTEGER PRIMARY KEY, sku VARCHAR(40), title VARCHAR(200), category VARCHAR(40), "
    "price DECIMAL(10, 2), sold DATE)"
)


@pytest.fixture(scope="module", params=list(SERVERS))
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with SERVERS[request.param](tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture
def shop(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Give the server a table of ten products."""
    monkeypatch.setenv(ENV, PASSWORD)
    rows = ", ".join(
        f"({3 * i}, 'S{i:02d}', '商品 {i}: neu', '食品', {i}.50, '2024-01-{i + 1:02d}')" for i in range(10)
    )
    server.run("DROP TABLE IF EXISTS items", TABLE, f"INSERT INTO items VALUES {rows}")
    return server


def source(server: Server, query: str = "SELECT * FROM items", **more: Any) -> SqlSource:
    database = {"url": server.url, "key": "nr", "batch_rows": 4, "query": query}
    database |= ({"password_env": ENV} if server.asks else {}) | more.pop("database", {})
    entry = {"name": "s", "format": "sql", "columns": COLUMNS, "database": database, **more}
    opened = open_source(SourceEntry.parse(entry, "test"))
    assert isinstance(opened, SqlSource)
    return opened


def read(opened: SqlSource) -> pa.Table:
    return pa.concat_tables([batch.products for part in opened.parts() for batch in opened.read(part)])


def take_in(server: Server, folder: Path, *more: str) -> Ran:
    (folder / "shop.sql").write_text("SELECT * FROM items;\n")
    words = [
        "ingest",
        folder / "shop.sql",
        "--url",
        server.url,
        "--key",
        "nr",
        "--id",
        "sku",
        "--title",
        "title",
    ]
    # workers of an earlier test keep the environment of their time, in which there is no password yet
    words += ["--labels", "category", "--store", folder / "store", "--workers", "1", "--json", *more]
    return ran(*words, *(("--password-env", ENV) if server.asks else ()))


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_rows_come_in_batches_after_the_key(shop: Server) -> None:
    opened = source(shop)
    assert [(part.start, part.stop, part.line) for part in opened.parts()] == [
        (0, 4, 1),
        (4, 8, 5),
        (8, 10, 9),
    ]
    table = read(opened)
    assert table["source_id"].to_pylist() == [f"S{i:02d}" for i in range(10)]
    assert table["title"][3].as_py() == "商品 3: neu"
    assert table["line"].to_pylist() == list(range(1, 11))


@pytest.mark.parametrize(
    ("key", "query"),
    [
        ("sku", "SELECT * FROM items"),
        ("price", "SELECT sku, title, category, price FROM items"),
        ("sold", "SELECT sku, title, category, sold FROM items"),
        ("nr", "SELECT nr, sku, title, category FROM items WHERE title LIKE '%: neu' ORDER BY price DESC;"),
    ],
)
def test_keys_of_other_kinds_and_queries_of_ones_own(shop: Server, key: str, query: str) -> None:
    assert len(set(read(source(shop, query, database={"key": key}))["source_id"].to_pylist())) == 10


def test_values_become_text(shop: Server) -> None:
    shop.run("UPDATE items SET title = NULL WHERE nr = 0")
    columns = {"id": "price", "title": "sold", "labels": ["category"], "ocr": "title"}
    table = read(source(shop, columns=columns))
    assert table["source_id"].to_pylist()[:2] == (["0.50", "1.50"] if shop.asks else ["0.5", "1.5"])
    assert table["title"][0].as_py() == "2024-01-01"
    assert table["ocr"].to_pylist()[:2] == [None, "商品 1: neu"]


def test_a_key_that_does_not_order_all_rows_is_refused(shop: Server) -> None:
    shop.run("UPDATE items SET category = NULL WHERE nr > 20")
    with pytest.raises(InputError, match=r"key 'category' of 's' is (not unique|NULL)"):
        source(shop, database={"key": "category"}).parts()
    shop.run("UPDATE items SET sku = NULL WHERE nr = 27")
    with pytest.raises(InputError, match=r"key 'sku' of 's' (is NULL|orders 9 of 10 rows)"):
        source(shop, database={"key": "sku", "batch_rows": 3}).parts()


def test_columns_that_the_query_lacks_are_told(shop: Server) -> None:
    with pytest.raises(NotFoundError, match=r"the query of 's' has no column 'nrr' .did you mean 'nr'"):
        source(shop, database={"key": "nrr"}).parts()


def test_the_database_says_what_is_wrong_with_a_query(shop: Server) -> None:
    with pytest.raises(InputError, match=r"the database of 's' says: .*nothing"):
        source(shop, "SELECT * FROM nothing").parts()


def test_the_password_is_in_no_file_and_in_no_message(shop: Server, tmp_path: Path) -> None:
    done = take_in(shop, tmp_path)
    assert done.code == 0, done
    assert done.json["rows"] == 10
    told = ran("status", tmp_path / "store", "--json").out
    assert PASSWORD not in done.out + done.err + told
    assert PASSWORD.encode() not in everything(tmp_path)


def test_a_wrong_password_is_told_without_it(
    shop: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not shop.asks:
        pytest.skip("SQLite has no users")
    monkeypatch.setenv(ENV, "wrong-" + PASSWORD)
    found = take_in(shop, tmp_path)
    assert found.code == 1
    assert "the database of 'shop' says:" in found.err
    assert PASSWORD not in found.out + found.err
    assert PASSWORD.encode() not in everything(tmp_path)
    monkeypatch.delenv(ENV)
    assert f"the environment variable {ENV} of 'shop' is not set" in take_in(shop, tmp_path).err


def test_the_same_command_goes_on_and_does_nothing_when_nothing_changed(shop: Server, tmp_path: Path) -> None:
    take_in(shop, tmp_path)
    store = Store.open(tmp_path / "store")
    before = [path.read_bytes() for path in store.shards]
    assert take_in(shop, tmp_path).json["update"] is None
    store.shards[0].unlink()
    (tmp_path / "store" / "manifest.json").unlink()
    assert take_in(shop, tmp_path).code == 0
    assert [path.read_bytes() for path in Store.open(tmp_path / "store").shards] == before


def test_rows_that_changed_are_brought_up_to_date(shop: Server, tmp_path: Path) -> None:
    take_in(shop, tmp_path)
    shop.run(
        "DELETE FROM items WHERE nr = 0",
        "UPDATE items SET title = 'other' WHERE nr = 3",
        "INSERT INTO items VALUES (100, 'S99', 'new', 'x', 1, '2024-02-01')",
    )
    found = take_in(shop, tmp_path)
    assert found.code == 0, found
    update = found.json["update"]
    assert (update["added"], update["changed"], update["withdrawn"]) == (1, 1, 1)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://reader:{PASSWORD}@db.example/shop",
        f"mysql+pymysql://:{PASSWORD}@db.example/shop",
        f"postgresql://db.example/shop?user=reader&password={PASSWORD}",
    ],
)
def test_a_url_with_a_password_is_refused_without_repeating_it(url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="put it into an environment variable") as caught:
        SourceEntry.parse({"name": "s", "path": "a.sql", "database": {"url": url, "key": "id"}}, "mep3m.toml")
    assert PASSWORD not in str(caught.value)
    (tmp_path / "shop.sql").write_text("SELECT 1")
    found = ran("ingest", tmp_path / "shop.sql", "--url", url, "--key", "id", "--store", tmp_path / "store")
    assert found.code == 2
    assert PASSWORD not in found.out + found.err


@pytest.mark.parametrize("url", ["nonsense", "nodialect://a/b"])
def test_what_is_no_url_says_so(url: str) -> None:
    entry = {"name": "s", "format": "sql", "database": {"url": url, "key": "id", "query": "SELECT 1"}}
    with pytest.raises(SettingsError, match="url of 's'"):
        open_source(SourceEntry.parse(entry, "test")).parts()


def test_a_source_without_a_path_needs_a_query() -> None:
    with pytest.raises(SettingsError, match="the setting 'path' is missing; add it"):
        SourceEntry.parse({"name": "s", "format": "sql"}, "test")
    with pytest.raises(SettingsError, match=r"has format 'sql' and no \[sources.database\]"):
        open_source(SourceEntry.parse({"name": "s", "path": __file__, "format": "sql"}, "test"))
    assert DatabaseSettings(url="sqlite://", key="id").batch_rows == 10_000


def test_an_interrupted_run_goes_on_with_the_batches_that_are_missing(
    shop: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = SqlSource.read

    def stops(self: SqlSource, part: Part) -> Iterator[Batch]:
        if part.start >= 8:
            raise KeyboardInterrupt
        yield from whole(self, part)

    entry = SourceEntry.parse(
        {
            "name": "s",
            "format": "sql",
            "columns": COLUMNS,
            "database": {
                "url": shop.url,
                "key": "nr",
                "query": "SELECT * FROM items",
                "batch_rows": 4,
                **({"password_env": ENV} if shop.asks else {}),
            },
        },
        "test",
    )
    place, engine = tmp_path / "store", make_engine("local", 1)
    monkeypatch.setattr(SqlSource, "read", stops)
    with pytest.raises(KeyboardInterrupt):
        ingest([entry], Path(), place, engine)
    done = {path.name: path.stat().st_mtime_ns for path in (place / "shards").glob("[0-9]*.parquet")}
    assert sorted(done) == ["00000.parquet", "00001.parquet"]
    monkeypatch.setattr(SqlSource, "read", whole)
    store = ingest([entry], Path(), place, engine)
    assert store.rows == 10
    assert {path.name: path.stat().st_mtime_ns for path in store.shards[:2]} == done
    assert PASSWORD.encode() not in everything(tmp_path)


def test_a_query_in_a_project_file_needs_no_path(shop: Server, tmp_path: Path) -> None:
    env = f'password_env = "{ENV}"\n' if shop.asks else ""
    (tmp_path / "mep3m.toml").write_text(
        'name = "p"\n[[sources]]\nname = "s"\nformat = "sql"\n'
        '[sources.columns]\nid = "sku"\ntitle = "title"\n'
        f'labels = ["category"]\n[sources.database]\nurl = "{shop.url}"\nkey = "nr"\n{env}'
        'query = "SELECT * FROM items"\n'
    )
    (entry,) = load_project(tmp_path / "mep3m.toml").sources
    store = ingest([entry], tmp_path, tmp_path / "store", make_engine("local", 1))
    assert store.rows == 10
    assert {row["source"] for table in store.tables(["source"]) for row in table.to_pylist()} == {"s"}
