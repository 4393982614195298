"""`mep3m ingest`, `status` and `retry` as a person runs them."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mep3m.cli import cli, main
from mep3m.errors import NotFoundError, UsageError
from tests.ingest.shop import rows, write_images, write_shop
from tests.sources.mep3m.test_annotations import record, write

OPTIONS = ("--id", "id", "--title", "title", "--labels", "a,b", "--image", "image", "--workers", "1")


def run(*args: object) -> tuple[int, str]:
    result = CliRunner().invoke(cli, [*map(str, args)], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return int(result.return_value or 0), result.stdout


def as_json(*args: object) -> Any:
    return json.loads(run(*args, "--json")[1])


def test_the_fixed_form_for_mep3m(tmp_path: Path) -> None:
    path = write(tmp_path, [record(i) for i in range(5)])
    code, text = run("ingest", path, "--format", "mep3m", "--store", tmp_path / "s", "--workers", "1")
    assert code == 0
    assert "5 products" in text
    found = as_json("status", tmp_path / "s")
    assert found["states"] == {"done": 5, "waiting": 5}
    assert {row["stage"] for row in found["stages"]} == {"ingest", "images"}


def test_a_shop_with_failures_from_ingest_to_retry(tmp_path: Path) -> None:
    path = write_shop(tmp_path, [*rows(6), ("only", "two")])  # type: ignore[list-item]
    images = write_images(tmp_path / "images", range(5))
    arguments = ("ingest", path, "--store", tmp_path / "s", *OPTIONS, "--images", images)
    assert run(*arguments)[0] == 1
    assert as_json(*arguments)["rejects"] == 2
    code, text = run("status", tmp_path / "s")
    assert code == 0
    assert "images failed: no such image file under images/" in text
    assert "ingest failed: the row has N fields, the header has N" in text
    query = "SELECT line FROM ledger WHERE state = 'failed' ORDER BY line"
    assert run("status", tmp_path / "s", "--sql", query)[1].split() == ['{"line":7}', '{"line":8}']
    assert run("status", tmp_path / "s", "--ledger", tmp_path / "l.parquet")[0] == 0
    assert (tmp_path / "l.parquet").exists()
    write_images(images, [5])
    assert run("retry", tmp_path / "s") == (
        1,
        "2 failures tried: 0 rows and 1 images are in now, 1 still fail\n",
    )
    path.write_text(path.read_text().replace("only\ttwo", "\t".join(rows(7)[6])))
    write_images(images, [6])
    assert as_json("retry", tmp_path / "s") == {"tried": 1, "rows": 1, "images": 0, "still_failing": 0}
    assert set(as_json("status", tmp_path / "s")["states"]) == {"done"}


def test_an_update_says_what_changed(tmp_path: Path) -> None:
    path = write_shop(tmp_path, rows(6))
    arguments = ("ingest", path, "--store", tmp_path / "s", *OPTIONS)
    run(*arguments)
    write_shop(tmp_path, rows(4))
    assert "0 added, 0 changed, 4 unchanged, 2 withdrawn" in run(*arguments)[1]


def test_a_path_column(tmp_path: Path) -> None:
    (tmp_path / "s.tsv").write_text("t\tp\n糖\t食品|糖果\n")
    arguments = ("--title", "t", "--path", "p", "--separator", "|", "--name", "shop_a", "--workers", 1)
    assert run("ingest", tmp_path / "s.tsv", "--store", tmp_path / "s", *arguments)[0] == 0
    query = "SELECT source, product FROM ledger"
    line = run("status", tmp_path / "s", "--sql", query)[1]
    assert json.loads(line) == {"source": "shop_a", "product": "shop_a:s.tsv:2"}


def test_wrong_use_is_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFoundError):
        run("ingest", tmp_path / "no.csv", "--store", tmp_path / "s")
    run("ingest", write_shop(tmp_path, rows(2)), "--store", tmp_path / "s", *OPTIONS)
    with pytest.raises(UsageError, match="--sql"):
        run("status", tmp_path / "s", "--sql", "SELEKT")
    monkeypatch.setattr("sys.argv", ["mep3m", "status", str(tmp_path / "nothing")])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 1
    assert "holds no store" in capsys.readouterr().err
