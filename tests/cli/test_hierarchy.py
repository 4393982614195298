"""The tree on the command line: every order trains, answers back off, contradictions are said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from click.testing import CliRunner

from mep3m.assignment.run import Run
from mep3m.cli import cli
from mep3m.label_tree.probabilities import TOLERANCE, incoherence
from mep3m.models.classifier import load

PATHS = [("food", "tea", "green tea"), ("food", "tea", "black tea"), ("food", "rice", ""), ("toys", "", "")]
COLUMNS = ["--title", "title", "--labels", "l1,l2,l3", "--modality", "text"]


def write_table(path: Path, rows: list[tuple[str, tuple[str, ...]]]) -> Path:
    lines = ["title\tl1\tl2\tl3"] + ["\t".join((title, *labels)) for title, labels in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def catalogue(count: int = 120, coarse: float = 0.2) -> list[tuple[str, tuple[str, ...]]]:
    """Return titles of four leaves at three levels; a share of the rows stops at the first level."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(count):
        path = PATHS[number % len(PATHS)]
        title = f"{next(name for name in reversed(path) if name)} number {number} {rng.integers(99)}"
        rows.append((title, (path[0], "", "") if rng.random() < coarse else path))
    return rows


def invoke(*arguments: str) -> Any:
    result = CliRunner().invoke(cli, [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return orjson.loads(result.stdout)


@pytest.mark.parametrize("order", ["coarse-to-fine", "fine-to-coarse", "coarse-and-fine"])
def test_every_order_trains_evaluates_and_is_coherent(order: str, tmp_path: Path) -> None:
    table = write_table(tmp_path / "items.tsv", catalogue())
    run = tmp_path / "run"
    invoke("train", str(table), *COLUMNS, "--model", "linear", "--hierarchy", order, "--out", str(run))
    scores = invoke("evaluate", str(run), "--data", str(table))
    assert [level["top1"] > 0.9 for level in scores["levels"]] == [True] * 3
    assert scores["hierarchical"]["f1"] > 0.95
    assert scores["hierarchical"]["outside"] == {"rows": 0, "misplaced": 0, "most_frequent": []}
    curve = scores["hierarchical"]["operating_curve"]
    assert curve[-1]["informative"] <= curve[0]["informative"]
    opened = Run.open(run)
    proba = opened.classifier.predict_proba(opened.read(table).products)
    assert incoherence(opened.classifier.tree, proba) <= TOLERANCE
    np.testing.assert_array_equal(load(run).predict_proba(opened.read(table).products), proba)


@pytest.mark.parametrize(("labels", "order"), [("l1,l2,l3", "coarse-to-fine"), ("l1", "flat")])
def test_without_the_option_a_text_model_of_several_levels_knows_the_tree(
    labels: str, order: str, tmp_path: Path
) -> None:
    table, run = write_table(tmp_path / "items.tsv", catalogue()), tmp_path / "run"
    invoke("train", str(table), "--title", "title", "--labels", labels, "--out", str(run))
    assert orjson.loads((run / "run.json").read_bytes())["settings"]["hierarchy"] == order
    assert Run.open(run).settings.hierarchy == order
    assert invoke("evaluate", str(run), "--data", str(table))["levels"][-1]["top1"] > 0.9


def test_answers_back_off_to_the_level_that_is_sure_enough(tmp_path: Path) -> None:
    table = write_table(tmp_path / "items.tsv", catalogue())
    run, out = tmp_path / "run", tmp_path / "out.jsonl"
    invoke("train", str(table), *COLUMNS, "--hierarchy", "coarse-to-fine", "--out", str(run))
    new = write_table(tmp_path / "new.tsv", [("tea", ("", "", "")), ("toys number 1", ("", "", ""))])
    invoke("assign", str(run), str(new), "--out", str(out), "--min-confidence", "0.6")
    tea, toys = (orjson.loads(line) for line in out.read_bytes().splitlines())
    assert tea["path"][:2] == ["food", "tea"]
    assert tea["review"] == (len(tea["path"]) < 3)
    assert (tea["top"][0]["probability"] >= 0.6) == (not tea["review"])
    assert all(value >= 0.6 for value in tea["confidence"])
    assert toys["path"] == ["toys"]
    assert not toys["review"]


def test_labels_that_contradict_the_tree_are_named(tmp_path: Path) -> None:
    table = write_table(tmp_path / "items.tsv", catalogue())
    run = tmp_path / "run"
    invoke("train", str(table), *COLUMNS, "--hierarchy", "coarse-to-fine", "--out", str(run))
    wrong = [("green tea", ("toys", "tea", "green tea")), ("salt", ("food", "salt", ""))] * 2
    other = write_table(tmp_path / "other.tsv", wrong + catalogue(20))
    outside = invoke("evaluate", str(run), "--data", str(other))["hierarchical"]["outside"]
    assert outside["rows"] == 4
    assert {"path": ["toys", "tea"], "reason": "stands below 'food' in the tree", "rows": 2} in outside[
        "most_frequent"
    ]
