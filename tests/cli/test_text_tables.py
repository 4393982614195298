"""Training and scoring of titles on tables as shops write them: every format, and every kind of gap."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.runner import ran

HEADER = ("id", "title", "l1", "l2", "l3", "l4")
#: names with slashes, separators, quotes and spaces; 其他 stands below two parents
PATHS = [
    ("家电", "手机 / 通讯", "智能机", "5G 手机"),
    ("家电", "手机 / 通讯", "其他", "老人机"),
    ("食品 > 饮料", "水果", "其他", "苹果"),
    ("食品 > 饮料", "零食", 'chips "salty"', "薯片"),
]
WORDS = ("智能 手机", "老人 手机", '红富士 5" 苹果', '"原味 薯片')
COLUMNS = ("--title", "title", "--labels", "l1,l2,l3,l4", "--id", "id")


def rows(count: int = 80) -> list[tuple[str, ...]]:
    return [(f"p{n}", f"{WORDS[n % 4]} 新款 {n * 37 % 101}", *PATHS[n % 4]) for n in range(count)]


def tsv(path: Path, table: list[tuple[str, ...]], header: tuple[str, ...] = HEADER, end: str = "\n") -> Path:
    lines = ["\t".join(line) for line in (header, *table)]
    path.write_bytes((end.join(lines) + end).encode())
    return path


def write(path: Path) -> Path:
    """Write the same rows in the format and encoding that the name says."""
    name = path.name
    if name.endswith("parquet"):
        pq.write_table(pa.table(dict(zip(HEADER, zip(*rows(), strict=True), strict=True))), path)
    elif name.endswith("jsonl"):
        lines = [json.dumps(dict(zip(HEADER, row, strict=True)), ensure_ascii=False) + "\n" for row in rows()]
        path.write_text("".join(lines))
    elif name.endswith("csv"):
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([HEADER, *rows()])
    else:
        tsv(path, rows(), end="\r\n" if "crlf" in name else "\n")
        if "gb18030" in name:
            path.write_bytes(path.read_text().encode("gb18030"))
        if "bom" in name:
            path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    done = ran("train", write(folder / "items.tsv"), *COLUMNS, "--out", folder / "run")
    assert done.code == 0, done.err
    return folder


def scored(place: Path, data: Path, *more: object) -> Any:
    done = ran("evaluate", place / "run", "--data", data, "--json", *more)
    assert done.code == 0, done.err
    return done.json


FILES = ["a.csv", "a.jsonl", "a.parquet", "crlf.tsv", "gb18030.tsv", "bom.tsv"]


@pytest.mark.parametrize("name", FILES)
def test_every_format_and_encoding_trains_the_same_classifier(name: str, place: Path, tmp_path: Path) -> None:
    done = ran("train", write(tmp_path / name), *COLUMNS, "--out", tmp_path / "run")
    assert done.code == 0, done.err
    for file in ("weights.safetensors", "classifier.json"):
        assert (tmp_path / "run" / file).read_bytes() == (place / "run" / file).read_bytes()
    assert scored(place, tmp_path / name) == scored(place, place / "items.tsv")


def test_what_evaluate_prints(place: Path) -> None:
    found = scored(place, place / "items.tsv")
    assert [level["level"] for level in found["levels"]] == [1, 2, 3, 4]
    for level in found["levels"]:
        names = {"n", "top1", "top5", "macro_f1", "weighted_f1", "ap_macro", "ap_micro", "classes", "unseen"}
        assert names <= set(level)
        assert level["n"] == 80
        assert level["top1"] == level["macro_f1"] == 1.0
    assert found["levels"][2]["classes"] == 3  # 其他 below two parents is one name
    assert found["hierarchical"]["names_with_several_parents"] == 1
    assert found["hierarchical"]["n"] == 80


def test_other_order_and_more_columns_score_the_same(place: Path, tmp_path: Path) -> None:
    turned = [(row[5], "x", row[4], row[3], row[2], row[0], row[1]) for row in rows()]
    header = ("l4", "colour", "l3", "l2", "l1", "id", "title")
    assert scored(place, tsv(tmp_path / "turned.tsv", turned, header)) == scored(place, place / "items.tsv")


def test_other_names_of_the_columns_are_mapped(place: Path, tmp_path: Path) -> None:
    renamed = tsv(tmp_path / "renamed.tsv", rows(), ("sku", "name", "a", "b", "c", "d"))
    mapped = ("--title", "name", "--labels", "a,b,c,d", "--id", "sku")
    assert scored(place, renamed, *mapped) == scored(place, place / "items.tsv")


def test_empty_cells_are_no_label_and_empty_titles_are_answered(place: Path, tmp_path: Path) -> None:
    gaps = [(*row[:3], "", *row[4:]) if n % 8 == 0 else row for n, row in enumerate(rows())]
    gaps = [(row[0], "", *row[2:]) if n % 10 == 1 else row for n, row in enumerate(gaps)]
    gaps = [(*row[:2], "", "", "", "") if n % 10 == 2 else row for n, row in enumerate(gaps)]
    table = tsv(tmp_path / "gaps.tsv", gaps)
    found = scored(place, table)
    blank = sum(n % 10 == 2 for n in range(80))
    assert [level["n"] for level in found["levels"]] == [80 - blank, 80 - blank - 8, 80 - blank, 80 - blank]
    # a row without a title gets the class frequencies, so it is right now and then
    silent = sum(n % 10 == 1 for n in range(80))
    assert (80 - blank - silent) / (80 - blank) <= found["levels"][3]["top1"] < 1
    done = ran("train", table, *COLUMNS, "--out", tmp_path / "run", "--json")
    assert done.code == 0, done.err
    assert [level["level"] for level in done.json["levels"]] == [1, 2, 3, 4]


def test_new_labels_count_as_wrong_and_are_reported(place: Path, tmp_path: Path) -> None:
    new = [(*row[:5], "never seen") if n < 20 else row for n, row in enumerate(rows())]
    found = scored(place, tsv(tmp_path / "new.tsv", new))
    assert found["levels"][3]["unseen"] == 20
    assert found["levels"][3]["top1"] == 0.75
    assert found["levels"][2]["top1"] == 1.0
    assert found["hierarchical"]["outside"]["rows"] == 20


def test_one_of_four_levels_is_a_flat_task(place: Path, tmp_path: Path) -> None:
    only = ran("train", place / "items.tsv", "--title", "title", "--labels", "l2", "--out", tmp_path / "one")
    assert only.code == 0, only.err
    done = ran("evaluate", tmp_path / "one", "--data", place / "items.tsv", "--json")
    assert [level["level"] for level in done.json["levels"]] == [1]
    assert done.json["levels"][0]["classes"] == 3


@pytest.mark.parametrize("order", ["coarse-to-fine", "fine-to-coarse", "coarse-and-fine"])
def test_every_order_of_the_tree_takes_names_below_two_parents(
    order: str, place: Path, tmp_path: Path
) -> None:
    told = ("--hierarchy", order, "--seed", "3", "--out", tmp_path / "run", "--json")
    assert ran("train", place / "items.tsv", *COLUMNS, *told).code == 0
    found = ran("evaluate", tmp_path / "run", "--data", place / "items.tsv", "--json").json
    assert found["levels"][2]["top1"] == 1.0
    assert found["hierarchical"]["f1"] == 1.0


def test_the_seed_draws_the_rows_that_are_held_out(place: Path, tmp_path: Path) -> None:
    splits = {}
    for seed in (0, 3, 3):
        out = tmp_path / f"run{seed}"
        assert ran("train", place / "items.tsv", *COLUMNS, "--seed", seed, "--out", out).code == 0
        told = json.loads((out / "run.json").read_text())
        assert splits.setdefault(seed, told["split"]["id"]) == told["split"]["id"]
        assert told["settings"]["seed"] == seed
    assert splits[0] != splits[3]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--seed", "-1"), "seed = -1 is not allowed"),
        (("--seed", 2**32), "seed = 4294967296 is not allowed"),
        (("--labels", "l1,l1"), "'labels' names 'l1' twice"),
        (("--labels", "l1,nope"), "has no column 'nope'"),
        (("--labels", ""), "name the label columns with --labels"),
        (("--title", "tilte"), "has no column 'tilte' (did you mean 'title'?"),
        (("--labels", "l1", "--path", "l2"), "not both"),
        (("--format", "jsonl"), "holds no JSON object"),
        (("--model", "liner"), "no model 'liner' (did you mean 'linear'?"),
        (("--set", "epochs=many"), "epochs = 'many' is not allowed"),
        (("--set", "min_ngram=4"), "'min_ngram' (4) must not be larger than 'max_ngram' (3)"),
        (("--set", "pases=3"), "unknown setting 'pases'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    more: tuple[Any, ...], says: str, place: Path, tmp_path: Path
) -> None:
    done = ran("train", place / "items.tsv", *COLUMNS, *more, "--out", tmp_path / "run")
    assert done.code in (1, 2)
    assert says in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "run").exists() or not list((tmp_path / "run").iterdir())


def test_rows_that_were_refused_are_said_before_the_training_fails(tmp_path: Path) -> None:
    same = tsv(tmp_path / "same.tsv", [("same", *row[1:]) for row in rows()])
    done = ran("train", same, *COLUMNS, "--out", tmp_path / "run")
    assert done.code == 2
    refused, error = done.err.splitlines()
    assert refused.startswith(f"79 rows of {same} were refused (first: line 3: ")
    assert error.startswith("error: every label is ")
