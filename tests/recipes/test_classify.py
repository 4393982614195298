"""Train, evaluate and assign on a small table: library, command line, bad input, damaged folders."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from mep3m.assignment.run import Run
from mep3m.cli import main
from mep3m.errors import ModelError
from mep3m.label_tree.probabilities import TOLERANCE, incoherence
from mep3m.models.classifier import load
from mep3m.models.tensors import open_tensors, save_tensors
from mep3m.recipes.classify import evaluate_run

KINDS = {("food", "tea"): "tea leaf", ("food", "rice"): "rice grain", ("home", "lamp"): "lamp bulb"}


def write_table(path: Path, rows: int = 120, extra: str = "") -> Path:
    random = np.random.default_rng(1)
    lines = ["sku\tname\tl1\tl2\tshop"]
    for n in range(rows):
        (coarse, fine), words = list(KINDS.items())[n % 3]
        fine = "" if n % 10 == 9 else fine
        lines.append(f"{n}\t{words} model {random.integers(1, 10_000)}\t{coarse}\t{fine}\ts{n % 2}")
    path.write_text("\n".join(lines) + "\n" + extra)
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    table = write_table(folder / "items.tsv")
    assert call("train", table, *COLUMNS, "--modality", "text", "--out", folder / "run") == 0
    return folder


COLUMNS = ("--title", "name", "--labels", "l1,l2", "--id", "sku", "--platform", "shop")


def call(*arguments: object) -> int:
    before, sys.argv = sys.argv, ["mep3m", *map(str, arguments)]
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    finally:
        sys.argv = before
    return 0


def test_a_run_scores_another_table_without_naming_columns(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = write_table(run / "test.tsv", 60, "900\todd thing\tnew\tunknown\ts0\n")
    assert call("evaluate", run / "run", "--data", test, "--json") == 0
    scores = json.loads(capsys.readouterr().out)
    first, second = scores["levels"]
    assert (first["level"], first["n"], first["unseen"]) == (1, 61, 1)
    assert first["top1"] == pytest.approx(60 / 61)
    assert second["n"] == 55
    assert scores["hierarchical"]["n"] == 60


def test_a_table_without_the_id_column_of_training_is_scored(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = tmp_path / "test.tsv"
    test.write_text("name\tl1\tl2\tshop\ntea leaf\tfood\ttea\ts0\nlamp bulb\thome\tlamp\ts0\n")
    assert call("evaluate", run / "run", "--data", test, "--json") == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 2
    # who names the column, or picks rows by their ids, needs it
    assert call("evaluate", run / "run", "--data", test, "--id", "sku") == 2
    split = tmp_path / "split.json"
    assert call("split", run / "items.tsv", *COLUMNS, "--out", split) == 0
    assert call("evaluate", run / "run", "--data", test, "--split-file", split) == 2
    assert capsys.readouterr().err.count("no column 'sku'") == 2


def test_the_card_as_a_page(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "card.html"
    assert call("evaluate", run / "run", "--data", run / "items.tsv", "--report", page, "--json") == 0
    assert json.loads(capsys.readouterr().out)["levels"][0]["intervals"]
    assert "Metric card" in page.read_text(encoding="utf-8")


def test_the_card_holds_what_a_reader_needs(run: Path, tmp_path: Path) -> None:
    assert call("evaluate", run / "run", "--data", run / "items.tsv", "--card", tmp_path / "c.json") == 0
    card = json.loads((tmp_path / "c.json").read_text())
    level = card["levels"][1]
    assert {row["name"] for row in level["classes_by_training_rows"]} == {"tea", "rice", "lamp"}
    assert sum(row["n"] for row in level["platforms"]) == level["n"]
    assert sum(row["n"] for row in level["buckets"]) == level["n"]
    assert level["mistakes"]["siblings"] + level["mistakes"]["cross_parent"] == level["mistakes"]["wrong"]
    assert level["intervals"]["top1"]["low"] <= level["top1"] <= level["intervals"]["top1"]["high"]
    assert "macro" in card["averaging"]
    saved = json.loads((run / "run" / "run.json").read_text())
    assert saved["settings"]["seed"] == 0
    assert saved["split"]["train"] + saved["split"]["validation"] == 120
    assert saved["counts"][1]["tea"] == 36


def test_assign_files_products_and_needs_no_labels(run: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.tsv"
    new.write_text("sku\tname\tshop\n1\tgreen tea leaf\ts0\n2\t\ts0\n")
    assert call("assign", run / "run", new, "--out", tmp_path / "out.jsonl", "--min-confidence", "0.5") == 0
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert lines[0]["path"] == ["food", "tea"]
    assert lines[0]["review"] is False
    assert len(lines[0]["confidence"]) == 2
    # a product without a title gets the class frequencies, which are sure of nothing
    assert lines[1]["review"] is True


def test_two_runs_with_one_seed_are_equal_and_loading_keeps_the_answers(run: Path, tmp_path: Path) -> None:
    assert call("train", run / "items.tsv", *COLUMNS, "--out", tmp_path / "again") == 0
    products = Run.open(run / "run").read(run / "items.tsv").products
    first, second = (load(folder).predict_proba(products) for folder in (run / "run", tmp_path / "again"))
    np.testing.assert_array_equal(first, second)
    tree = load(run / "run").tree
    assert incoherence(tree, first) < TOLERANCE
    np.testing.assert_allclose(first[:, tree.nodes(1)].sum(axis=1), 1, rtol=1e-4)
    # below, what the two opinions of the model do not agree on stays with the parent
    assert first[:, tree.nodes(2)].sum(axis=1).min() > 0.95


def test_train_and_evaluate_on_the_sides_of_a_split(run: Path, tmp_path: Path) -> None:
    split = tmp_path / "split.json"
    assert call("split", run / "items.tsv", *COLUMNS, "--kind", "stratified", "--out", split) == 0
    out = tmp_path / "run"
    assert call("train", run / "items.tsv", *COLUMNS, "--split-file", split, "--out", out, "--leakage") == 0
    opened = Run.open(out)
    from mep3m.dataset.splits import Split

    scores = evaluate_run(opened, opened.read(run / "items.tsv"), Split.load(split))
    assert scores.rows == scores.to_json()["rows"] == len(Split.load(split).test)
    card = json.loads((out / "card.json").read_text())
    assert 0 <= card["leakage"]["shared"] <= 1
    assert [row["level"] for row in card["leakage"]["levels"]] == [1, 2]


def test_one_level_and_a_subset_are_flat_tasks(run: Path, tmp_path: Path) -> None:
    assert call("train", run / "items.tsv", *COLUMNS, "--level", 2, "--leaf", "--out", tmp_path / "l") == 0
    assert load(tmp_path / "l").tree.depth == 1
    assert call("train", run / "items.tsv", *COLUMNS, "--subset", "food", "--out", tmp_path / "s") == 0
    assert load(tmp_path / "s").tree.paths == (("rice",), ("tea",))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--level", "3"), "there is no level 3"),
        (("--subset", "foood"), "did you mean 'food'"),
        (("--subset", "tea"), "no finer level"),
        (("--labels", "l3"), "no column 'l3'"),
        (("--model", "linaer"), "did you mean 'linear'"),
        (("--set", "epoch=3"), "did you mean 'epochs'"),
        (("--set", "epochs=none"), "epochs"),
        (("--set", "epochs"), "write NAME=VALUE"),
        (("--set", "min_ngram=5"), "must not be larger than 'max_ngram'"),
        (("--labels", "empty"), "has a label"),
        (("--labels", "same"), "at least two classes"),
        (("--title", "empty"), "no row has a title"),
    ],
)
def test_a_wrong_request_is_one_line_that_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, str], message: str
) -> None:
    table = write_table(tmp_path / "items.tsv", 60)
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0] + "\tempty\tsame", *(line + "\t\tx" for line in lines[1:])]))
    assert call("train", table, *COLUMNS, *options, "--out", tmp_path / "run") == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error


def test_a_class_with_one_sample_trains_and_counts(tmp_path: Path) -> None:
    table = write_table(tmp_path / "items.tsv", 60, "77x\tone odd vase\thome\tvase\ts0\n")
    assert call("train", table, *COLUMNS, "--out", tmp_path / "run") == 0
    assert ("home", "vase") in load(tmp_path / "run").tree.paths


@pytest.mark.parametrize("damage", ["cut", "header", "gone", "other"])
def test_a_damaged_folder_says_so(run: Path, tmp_path: Path, damage: str) -> None:
    import shutil

    folder = tmp_path / "run"
    shutil.copytree(run / "run", folder)
    weights = folder / "weights.safetensors"
    content = weights.read_bytes()
    if damage == "cut":
        weights.write_bytes(content[:-100])
    elif damage == "header":
        weights.write_bytes(b"\xff" * 16 + content[16:])
    elif damage == "gone":
        weights.unlink()
    else:
        arrays = {name: np.array(array) for name, array in open_tensors(weights).items()}
        save_tensors(weights, {**arrays, "weights": arrays["weights"][:-1]})
    with pytest.raises(ModelError, match="again"):
        load(folder)


def test_a_table_whose_name_says_nothing_takes_its_format(tmp_path: Path) -> None:
    table = write_table(tmp_path / "items.tsv", 60).rename(tmp_path / "items")
    split = (
        "split",
        table,
        "--title",
        "name",
        "--labels",
        "l1,l2",
        "--id",
        "sku",
        "--out",
        tmp_path / "s.json",
    )
    train = ("train", table, *COLUMNS, "--out", tmp_path / "run")
    for command in (split, train):
        assert call(*command) == 2
        assert call(*command, "--format", "tsv") == 0
    evaluate = ("evaluate", tmp_path / "run", "--data", table)
    assign = ("assign", tmp_path / "run", table, "--out", tmp_path / "out.jsonl")
    for command in (evaluate, assign):
        assert call(*command) == 2
        assert call(*command, "--format", "tsv") == 0
    assert call(*train, "--format", "jsonl") != 0
