"""The exit code of every command says the same: 0 done, 1 something was refused, 2 wrong use."""

import subprocess
import sys
from pathlib import Path

import pytest

from mep3m.cli import COMMANDS
from mep3m.store import Store
from tests.cli.runner import Ran, ran
from tests.cli.test_flow import COLUMNS, write_table
from tests.ingest.shop import rows, write_images, write_shop

SHOP = ("--id", "id", "--title", "title", "--labels", "a,b", "--image", "image")
#: no text to read, no images to draw: seconds
QUICK = '\n[ocr]\nbackend = "none"\n\n[train.options]\nepochs = 2\n'

LABELLED = (("食品", "茶"), ("食品", "米"), ("服饰", "帽"))


def project(folder: Path, defects: float) -> Path:
    """Simulate two small shops without images and return their project file."""
    made = ran("simulate", folder / "shops", "--products", "60", "--no-images", "--defects", str(defects))
    assert made.code == 0
    path = folder / "shops" / "mep3m.toml"
    path.write_text(path.read_text(encoding="utf-8") + QUICK, encoding="utf-8")
    return path


def quarantined(found: Ran) -> int:
    return sum(step["rejects"] for step in found.json["steps"].values())


@pytest.mark.parametrize(("defects", "code"), [(0.0, 0), (0.2, 1)])
def test_a_build_says_whether_something_is_in_quarantine(tmp_path: Path, defects: float, code: int) -> None:
    path = project(tmp_path, defects)
    first = ran("build", path, "--out", tmp_path / "out", "--workers", "1", "--json")
    assert (first.code, quarantined(first) > 0) == (code, code == 1)
    again = ran("build", path, "--out", tmp_path / "out", "--workers", "1")
    assert again.code == code  # nothing is done again, and the quarantine is still there
    told = f"{quarantined(first):,} refused or failed; 'mep3m status {tmp_path / 'out'}' says why"
    assert (told in again.err) == (code == 1)
    assert ran("status", tmp_path / "out", "--json").json["states"].get("failed", 0) == quarantined(first)


def test_a_build_with_a_refused_row_has_made_everything(tmp_path: Path) -> None:
    found = ran("build", project(tmp_path, 0.2), "--out", tmp_path / "out", "--workers", "1", "--json")
    assert found.code == 1
    assert Store.open(Path(found.json["dataset"])).rows > 40
    assert Path(found.json["report"]).exists()
    assert found.json["scores"]["levels"]


def test_a_build_names_the_rows_without_a_label(tmp_path: Path) -> None:
    rows = [f"{kind} {n}克\t{first}\t{kind}" for first, kind in LABELLED for n in range(6)]
    for shop in ("a", "b"):
        (tmp_path / f"{shop}.tsv").write_text("title\tl1\tl2\n" + "\n".join(rows) + "\n", encoding="utf-8")
    columns = "[sources.columns]\ntitle = 'title'\nlabels = ['l1', 'l2']\n"
    source = "[[sources]]\nname = '{0}'\npath = '{0}.tsv'\n" + columns
    path = tmp_path / "mep3m.toml"
    first_level = "[[first_level]]\nname_zh = '食品'\nfrom = {{ a = ['食品'{0}], b = ['食品'{0}] }}\n"
    head = "name = 'x'\n" + source.format("a") + source.format("b")
    path.write_text(head + first_level.format("") + QUICK, encoding="utf-8")
    found = ran("build", path, "--out", tmp_path / "out", "--workers", "1")
    assert found.code == 1
    assert "12 rows of 2 categories have no label:" in found.err
    assert "  a '服饰 > 帽': 6" in found.err
    told = ran("build", path, "--out", tmp_path / "out", "--workers", "1", "--json")
    assert told.code == 1
    assert told.json["unlabelled"][0] == {"platform": "a", "path": ["服饰", "帽"], "rows": 6}
    assert Path(told.json["where"]).read_text(encoding="utf-8").startswith("platform\tpath\tplaced")
    path.write_text(head + first_level.format(", '服饰'") + QUICK, encoding="utf-8")
    assert ran("build", path, "--out", tmp_path / "out", "--workers", "1").code == 0


def test_a_demo_is_done_although_its_shops_are_broken(tmp_path: Path) -> None:
    pytest.importorskip("rapidocr", reason="the ocr extra is not installed")
    command = [sys.executable, "-m", "mep3m", "demo", "--out", str(tmp_path / "demo"), "--products", "34"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    failed = ran("status", tmp_path / "demo", "--json").json["states"]["failed"]
    assert f"{failed:,} refused or failed; 'mep3m status {tmp_path / 'demo'}' says why" in found.stderr
    assert "against the truth" in found.stdout


def test_an_ingest_refuses_rows_and_images_alike(tmp_path: Path) -> None:
    path = write_shop(tmp_path, rows(4))
    images = write_images(tmp_path / "images", range(4))
    assert ran("ingest", path, *SHOP, "--images", images, "--store", tmp_path / "whole").code == 0
    (images / "2.png").unlink()
    assert ran("ingest", path, *SHOP, "--images", images, "--store", tmp_path / "image").code == 1
    path.write_text(path.read_text() + "only\ttwo\n")
    assert ran("ingest", path, *SHOP, "--store", tmp_path / "row").code == 1
    assert ran("ingest", path, *SHOP, "--store", tmp_path / "row").code == 1  # answered from the note
    assert ran("retry", tmp_path / "image").code == 1
    write_images(images, [2])
    assert ran("retry", tmp_path / "image").code == 0
    assert ran("ingest", path, *SHOP, "--images", images, "--store", tmp_path / "image").code == 1


def test_a_status_has_done_what_it_was_asked_for(tmp_path: Path) -> None:
    path = write_shop(tmp_path, rows(2))
    path.write_text(path.read_text() + "only\ttwo\n")
    assert ran("ingest", path, *SHOP, "--store", tmp_path / "s").code == 1
    assert ran("status", tmp_path / "s").code == 0
    assert ran("stats", tmp_path / "s").code == 0


def test_training_scoring_and_filing_refuse_rows(tmp_path: Path) -> None:
    good, bad = write_table(tmp_path / "good.csv", 60), write_table(tmp_path / "bad.csv", 60, "only,two\n")
    assert ran("train", good, *COLUMNS, "--out", tmp_path / "run", "--set", "epochs=2").code == 0
    assert ran("train", bad, *COLUMNS, "--out", tmp_path / "other", "--set", "epochs=2").code == 1
    assert (tmp_path / "other" / "card.json").exists()  # finished all the same
    for code, table in enumerate((good, bad)):
        assert ran("evaluate", tmp_path / "run", "--data", table).code == code
        assert ran("assign", tmp_path / "run", table, "--out", tmp_path / "o.jsonl").code == code
        assert ran("split", table, *COLUMNS, "--out", tmp_path / "split.json").code == code
    assert len((tmp_path / "o.jsonl").read_text().splitlines()) == 60


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_wrong_use_is_2_for_every_command_and_begins_nothing(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = ran(command, "--no-such-option")
    assert found.code == 2
    assert "no such option" in found.err.lower()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("ingest", "gone.csv", "--store", "s"),
        ("build", "gone.toml", "--out", "o"),
        ("train", "gone.csv", "--title", "t", "--labels", "l", "--out", "r"),
        ("split", "gone.csv", "--title", "t", "--out", "s.json"),
        ("ocr", "gone", "--out", "o.jsonl"),
        ("simulate", "w", "--platforms", "99"),
        ("demo", "--products", "0"),
        ("align", "propose", "--left", "gone.tsv", "--right", "gone.tsv", "--out", "p.tsv"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_what_is_not_there_or_not_allowed_is_2_and_leaves_nothing(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = ran(*arguments)
    assert found.code == 2
    assert found.err.count("\n") == 1
    assert found.err.startswith("error: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["stats", "status", "retry", "dedupe"])
def test_a_store_that_is_not_there_or_damaged_is_1(command: str, tmp_path: Path) -> None:
    extra = ("--title", "茶") if command == "dedupe" else ()
    assert ran(command, tmp_path / "gone", *extra).code == 1
    path = write_shop(tmp_path, rows(3))
    assert ran("ingest", path, *SHOP, "--store", tmp_path / "s").code == 0
    (tmp_path / "s" / "manifest.json").write_text("{}")
    (tmp_path / "s" / "plan.json").write_text("{}")
    found = ran(command, tmp_path / "s", *extra)
    assert found.code == 1
    assert "is damaged" in found.err
