"""Keys of a service: made, listed, taken away, asked for, and counted."""

import json
import sqlite3
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient

from mep3m.assignment.run import Run
from mep3m.cli.serving.keys import keys
from mep3m.errors import FormatError, NotFoundError, SettingsError, UsageError
from mep3m.service.keys import KeyFile, add_key, read_keys, remove_key
from mep3m.service.quota import Quota
from tests.service.clients import serving

QUESTION = {"products": [{"title": "苹果"}]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def secret(file: Path) -> str:
    return add_key(file, "shop", ["assign"])


@pytest.fixture
def client(run_folder: Path, file: Path, secret: str) -> Iterator[TestClient]:
    with serving(Run.open(run_folder), keys=file) as client:
        yield client


def post(client: TestClient, secret: str | None) -> int:
    headers = {} if secret is None else {"X-API-Key": secret}
    return client.post("/assign", json=QUESTION, headers=headers).status_code


def test_the_file_keeps_no_secret_and_is_its_owners_alone(file: Path, secret: str) -> None:
    text = file.read_text()
    assert secret not in text
    assert secret.removeprefix("mep3m_") not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert KeyFile(file).find(secret) == read_keys(file)[0]
    assert KeyFile(file).find(secret + "x") is None


def test_two_keys_are_never_the_same(file: Path, secret: str) -> None:
    assert add_key(file, "other", ["assign"]) != secret
    assert [key.name for key in read_keys(file)] == ["shop", "other"]


@pytest.mark.parametrize(
    ("name", "scopes", "said"),
    [("shop", ["assign"], "has a key named 'shop'"), ("new", ["asign"], "did you mean 'assign'"),
     ("new", ["assign", "root"], "no scope 'root'")],
)  # fmt: skip
def test_a_wrong_key_is_not_made(file: Path, secret: str, name: str, scopes: list[str], said: str) -> None:
    before = file.read_bytes()
    with pytest.raises(UsageError, match=said):
        add_key(file, name, scopes)
    assert file.read_bytes() == before


@pytest.mark.parametrize("text", ["[]", "{}", '{"keys": 1}', "no json"])
def test_a_file_that_holds_no_keys_is_refused(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(FormatError):
        KeyFile(file)


@pytest.mark.parametrize("wrong", [{"name": 1}, {"scopes": ["all"]}, {"per_minute": 0}, {"colour": "red"}])
def test_a_key_that_is_not_as_it_should_be_is_refused(
    file: Path, secret: str, wrong: dict[str, object]
) -> None:
    saved = json.loads(file.read_text())
    saved["keys"][0] |= wrong
    file.write_text(json.dumps(saved))
    with pytest.raises(SettingsError, match=f"key 1 of .*{next(iter(wrong))}"):
        KeyFile(file)


def test_only_who_has_a_key_is_answered(client: TestClient, secret: str) -> None:
    assert post(client, secret) == 200
    for wrong in (None, "", "mep3m_", secret[:-1], secret.upper()):
        assert post(client, wrong) == 401
    assert client.get("/health").status_code == client.get("/ready").status_code == 200


def test_every_endpoint_but_health_and_readiness_asks_for_a_key(client: TestClient, secret: str) -> None:
    assert client.get("/docs").status_code == client.get("/openapi.json").status_code == 401
    paths = client.get("/openapi.json", headers={"X-API-Key": secret}).json()["paths"]
    for path, methods in paths.items():
        for method in methods:
            expected = 200 if path in ("/health", "/ready") else 401
            assert client.request(method, path).status_code == expected, path


def test_a_page_asks_a_browser_for_the_key_as_a_password(client: TestClient, secret: str) -> None:
    assert "Basic" in client.get("/").headers["www-authenticate"]
    assert client.get("/", auth=("anybody", secret)).status_code == 200
    # a password goes along with what another page posts: it opens nothing that could change something
    assert client.post("/assign", json=QUESTION, auth=("anybody", secret)).status_code == 401


def test_a_key_opens_its_scope_alone(client: TestClient, file: Path, secret: str) -> None:
    reviewer, admin = add_key(file, "reviewer", ["review"]), add_key(file, "admin", ["admin"])
    assert [post(client, key) for key in (secret, reviewer, admin)] == [200, 403, 200]
    replies = [client.get("/metrics", headers={"X-API-Key": key}) for key in (secret, reviewer, admin)]
    assert [reply.status_code for reply in replies] == [403, 403, 200]


def test_a_key_taken_away_opens_nothing_from_then_on(client: TestClient, file: Path, secret: str) -> None:
    assert post(client, secret) == 200
    remove_key(file, "shop")
    assert post(client, secret) == 401
    with pytest.raises(NotFoundError, match="no key 'shop'"):
        remove_key(file, "shop")


@pytest.mark.parametrize("text", [None, "no json", "{}"])
def test_nobody_is_let_in_while_the_file_cannot_be_read(
    client: TestClient, file: Path, secret: str, text: str | None
) -> None:
    whole = file.read_text()
    if text is None:
        file.unlink()
    else:
        file.write_text(text)
    assert post(client, secret) == 503
    file.write_text(whole)
    assert post(client, secret) == 200


def test_a_quota_is_for_a_minute(run_folder: Path, file: Path) -> None:
    secret = add_key(file, "shop", ["assign"], per_minute=3)
    other = add_key(file, "other", ["assign"], per_minute=3)
    if time.time() % 60 > 50:
        time.sleep(11)  # all in one minute
    with serving(Run.open(run_folder), keys=file) as client:
        assert [post(client, secret) for _ in range(5)] == [200, 200, 200, 429, 429]
        refused = client.post("/assign", json=QUESTION, headers={"X-API-Key": secret})
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert post(client, other) == 200


def test_a_quota_is_counted_by_all_workers_together(tmp_path: Path, file: Path) -> None:
    add_key(file, "shop", ["assign"], per_minute=4)
    (key,) = read_keys(file)
    if time.time() % 60 > 55:
        time.sleep(6)
    first, second = Quota(tmp_path / "q.sqlite"), Quota(tmp_path / "q.sqlite")
    assert [bool(quota.wait(key)) for quota in (first, second) * 3] == [False] * 4 + [True] * 2
    first.close()
    second.close()


def test_the_commands_add_list_and_remove(file: Path) -> None:
    run = CliRunner().invoke
    made = run(keys, ["add", str(file), "--name", "shop", "--scope", "assign", "--scope", "review", "--json"])
    assert KeyFile(file).find(json.loads(made.output)["key"]) is not None
    assert "shop: assign, review; no limit" in run(keys, ["list", str(file)]).output
    again = run(keys, ["add", str(file), "--name", "two", "--per-minute", "5"])
    assert KeyFile(file).find(again.stdout.strip()) is not None
    assert [key["name"] for key in json.loads(run(keys, ["list", str(file), "--json"]).output)["keys"]] == [
        "shop",
        "two",
    ]
    assert run(keys, ["remove", str(file), "--name", "shop"]).exit_code == 0
    assert [key.name for key in read_keys(file)] == ["two"]


def test_minutes_that_are_over_are_forgotten(tmp_path: Path, file: Path) -> None:
    add_key(file, "shop", ["assign"], per_minute=1)
    (key,) = read_keys(file)
    quota = Quota(tmp_path / "q.sqlite")
    before = int(time.time() // 60) - 5
    with sqlite3.connect(tmp_path / "q.sqlite") as counts:
        counts.executemany("INSERT INTO used VALUES (?, ?, 9)", [(key.hash, before - n) for n in range(5)])
    assert quota.wait(key) == 0
    assert 1 <= quota.wait(key) <= 60
    with sqlite3.connect(tmp_path / "q.sqlite") as counts:
        assert counts.execute("SELECT count(*) FROM used").fetchone()[0] <= 2
    quota.close()


def test_a_key_without_a_limit_is_not_counted(tmp_path: Path, file: Path, secret: str) -> None:
    (key,) = read_keys(file)
    quota = Quota(tmp_path / "q.sqlite")
    assert {quota.wait(key) for _ in range(1000)} == {0}
    quota.close()


def test_minutes_are_forgotten_once_a_minute_not_at_each_request(tmp_path: Path, file: Path) -> None:
    add_key(file, "shop", ["assign"], per_minute=1000)
    (key,) = read_keys(file)
    quota = Quota(tmp_path / "q.sqlite")
    if time.time() % 60 > 55:
        time.sleep(6)
    said: list[str] = []
    quota._counts.set_trace_callback(said.append)
    for _ in range(50):
        quota.wait(key)
    assert sum("DELETE" in one for one in said) == 1
    quota._forgotten -= 1  # as if a minute had gone by
    quota.wait(key)
    assert sum("DELETE" in one for one in said) == 2
    quota.close()
