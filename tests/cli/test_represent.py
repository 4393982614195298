"""`mep3m represent` as a person calls it: the contract of its JSON, its table, and what it says first."""

from pathlib import Path

import pytest

from tests.cli.runner import Ran, ran
from tests.recipes.novel.conftest import QUICK, shelf, shelf_rows, write_table

__all__ = ["shelf"]  # the fixture
COLUMNS = ("--image", "file", "--labels", "kind,product")
SETS = [word for name, value in QUICK.items() for word in ("--set", f"{name}={value}")]


def called(shelf: Path, *more: object) -> Ran:
    return ran("represent", shelf / "shelf.tsv", *COLUMNS, "--weights", "none", "--shots", "3", *SETS, *more)


def test_the_contract_of_its_json(shelf: Path) -> None:
    test = ("--test", shelf / "test.tsv", "--test-root", shelf, "--image-root", shelf)
    found = called(shelf, *test, "--novel-per-group", "2", "--seed", "4", "--json")
    assert found.code == 0
    said = found.json
    assert list(said)[:5] == ["all", "novel", "base", "base_classes", "novel_classes"]
    assert (said["base_classes"], said["novel_classes"]) == (4, 4)
    assert all(0 <= said[part] <= 1 for part in ("all", "novel", "base"))
    assert said["all"] == pytest.approx((12 * said["novel"] + 12 * said["base"]) / 24)
    assert said["protocol"]["seeds"] == [4]
    assert said["paper"]["with pre-training"] == {"all": 0.6440, "novel": 0.6401}


def test_seeds_are_a_table_beside_the_papers(shelf: Path) -> None:
    found = called(shelf, "--seeds", "2")
    lines = found.out.splitlines()
    assert lines[0].startswith(
        "4 base and 4 novel classes, 3 pictures each; the whole network, resnet9 from random"
    )
    assert [line.split("  ")[0].strip() for line in lines[1:]] == [
        "",
        "seed 0 (16 test pictures)",
        "seed 1 (16 test pictures)",
        "mean of 2 seeds",
        "paper without pre-training",
        "paper with pre-training",
    ]
    assert lines[-1].split()[-2:] == ["0.6440", "0.6401"]
    assert "none of them is novel: salt" in found.err.splitlines()[0]  # before any training


def test_packaged_weights_get_new_heads(shelf: Path) -> None:
    found = ran("represent", shelf / "shelf.tsv", *COLUMNS, "--shots", "2", "--set", "pixels=64", "--json")
    assert found.code == 0
    assert found.json["start"]["trained"] == "heads on a network that stays as it is"
    assert found.json["novel"] > 0.5


def test_a_broken_picture_is_said_first_and_is_exit_code_1(tmp_path: Path) -> None:
    rows = shelf_rows(tmp_path, 1)
    (tmp_path / rows[0][0]).write_bytes(b"no picture")
    write_table(tmp_path / "shelf.tsv", rows)
    found = called(tmp_path, "--json")
    assert (found.code, found.json["unreadable_images"]) == (1, 1)
    told = found.err.splitlines()
    assert next(n for n, line in enumerate(told) if "1 pictures cannot be read" in line) < 2


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--labels", "product"), "labels have two levels"),
        (("--test-root", "."), "name that table too"),
        (("--test", "nowhere.tsv"), "nowhere.tsv does not exist"),
        (("--novel-per-group", "9"), "no novel class can be drawn"),
        (("--shots", "0"), "--shots"),
        (("--protocol", "old"), "novel"),
        (("--weights", "nowhere"), "no weights at nowhere"),
        (("--set", "epochs"), "write NAME=VALUE"),
        (("--shots", "5"), "no picture is left to test on"),
    ],
)
def test_wrong_use_is_exit_code_2_and_one_line(shelf: Path, more: tuple[str, ...], message: str) -> None:
    found = called(shelf, *more)
    assert (found.code, found.out) == (2, "")
    assert message in found.err
    assert "Traceback" not in found.err
