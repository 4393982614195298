"""The page of a metric card: every number of the card, drawn in a browser."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mep3m.dataset.dataset import Dataset
from mep3m.evaluation.card import metric_card
from mep3m.label_tree.tree import LabelTree
from mep3m.product import Label, Product, to_table
from mep3m.report import card_report, charts
from mep3m.taxonomy import Category, Taxonomy
from tests.report.test_page import Cells, figure

PATHS = (("food", "tea"), ("food", "rice"), ("home", "<lamp>"))
COUNTS = [{"food": 30, "home": 1200}, {"tea": 3, "rice": 27, "<lamp>": 1200}]


@pytest.fixture
def card() -> dict[str, Any]:
    tree = LabelTree.from_paths(PATHS)
    rows = []
    for n, path in enumerate((*PATHS * 4, ("home", "<sofa>"))):
        rows.append(Product(str(n), "s", str(n), labels=tuple(Label(name, "given", "s") for name in path)))
    proba = np.random.default_rng(0).dirichlet(np.ones(len(tree)), len(rows)).astype(np.float32)
    made = metric_card(tree, proba, Dataset.of(to_table(rows)), COUNTS)
    return made.to_json() | {"rows": len(rows)}


def test_scores_and_intervals_are_the_cards(card: dict[str, Any]) -> None:
    shown = Cells(card_report.scores(card, "note").html).rows[1:3]
    assert [row[0] for row in shown] == ["1", "2"]
    # as the command line counts them: the classes of the test products, one of which the model never saw
    assert [row[2:4] for row in shown] == [["2", "2"], ["4", "3"]]
    assert [float(row[4]) for row in shown] == pytest.approx(
        [row["top1"] for row in card["levels"]], rel=1e-3
    )
    rows = Cells(card_report.intervals(card).html).rows[1:]
    assert len(rows) == 4
    for row in rows:
        assert float(row[3]) <= float(row[2]) <= float(row[4])


def test_remarks_and_choices_of_the_training_are_on_the_page(card: dict[str, Any], tmp_path: Path) -> None:
    told = {"remarks": ["the machine was busy"], "choices": ["images at 64 × 64 pixels"]}
    card_report.report_card(card | told, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "the machine was busy" in page
    assert "ours, not the paper&#39;s: images at 64 × 64 pixels" in page
    assert "Clopper-Pearson" in page


def test_buckets_are_named_by_their_bounds(card: dict[str, Any]) -> None:
    names = {row[1] for row in Cells(card_report.buckets(card).html).rows[1:]}
    assert names == {"none (unseen)", "1 to 9", "10 to 49", "1,000 and more"}


def test_a_point_a_class_with_its_name(card: dict[str, Any]) -> None:
    named = Taxonomy((Category("tea", "茶", "Tea"),))
    (trace,), layout = figure(card_report.by_training_rows(card, named).html)
    assert dict(zip(trace["text"], trace["x"], strict=True)) == {"茶": 3, "rice": 27, "<lamp>": 1200}
    assert layout["xaxis"]["type"] == "log"


def test_marks_of_the_reliability_plot_grow_with_their_rows() -> None:
    traces, _ = figure(charts.reliability({"level 1": [(0.4, 0.5, 4), (0.9, 1.0, 400)]}, "x", "y"))
    perfect, level = traces
    assert (perfect["x"], perfect["y"], perfect["mode"]) == ([0, 1], [0, 1], "lines")
    assert level["text"] == ["4 rows", "400 rows"]
    small, large = level["marker"]["size"]
    assert small - 4 == pytest.approx((large - 4) / 10)
    (_, empty), _ = figure(charts.reliability({"level 1": []}, "x", "y"))
    assert empty["x"] == []


def test_the_page_is_drawn(card: dict[str, Any], tmp_path: Path, browser: Any) -> None:
    card_report.report_card(card, tmp_path / "card.html")
    page = browser.new_page(viewport={"width": 390, "height": 800})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto((tmp_path / "card.html").as_uri())
    page.wait_for_selector(".plotly .main-svg")
    assert page.locator("h2").all_text_contents()[:2] == ["How often is it right?", "Classifier"]
    assert page.locator(".js-plotly-plot").count() == 4
    assert "<lamp>" in page.locator("body").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert problems == []
    page.close()


def test_shops_have_their_scores(card: dict[str, Any]) -> None:
    rows = Cells(card_report.platforms(card).html).rows[1:]
    assert [row[:3] for row in rows] == [
        [str(level["level"]), "s", str(level["n"])] for level in card["levels"]
    ]
    assert [float(row[3]) for row in rows] == pytest.approx(
        [level["top1"] for level in card["levels"]], rel=1e-3
    )


def test_one_shop_has_no_table_of_its_own(card: dict[str, Any], tmp_path: Path) -> None:
    card_report.report_card(card, tmp_path / "one.html")
    for row in card["levels"]:
        row["platforms"].append(row["platforms"][0] | {"platform": "t"})
    card_report.report_card(card, tmp_path / "two.html")
    pages = [(tmp_path / f"{name}.html").read_text() for name in ("one", "two")]
    assert ["Scores by platform" in page for page in pages] == [False, True]


def test_leakage_is_on_the_page_where_it_was_measured(card: dict[str, Any], tmp_path: Path) -> None:
    part = {"top1": {"mean": 0.75, "sd": 0.01}, "macro_f1": {"mean": 0.5, "sd": None}}
    found = {"splits": 3, "shared": 0.365}
    found["levels"] = [{"level": 1, "random": part, "grouped": part, "difference": part}]
    shown = card_report.leakage(found)
    rows = Cells(shown.html).rows[1:]
    assert [row[:2] for row in rows] == [["1", "Top-1"], ["1", "macro F1"]]
    assert rows[0][2:] == ["0.7500", "0.7500", "0.7500", "0.0100"]
    assert "36.5%" in shown.note
    card_report.report_card(card, tmp_path / "without.html")
    card_report.report_card(card | {"leakage": found}, tmp_path / "with.html")
    pages = [(tmp_path / f"{name}.html").read_text() for name in ("without", "with")]
    assert ["Leakage" in page for page in pages] == [False, True]


def test_the_operating_curve_is_drawn_and_tabled(card: dict[str, Any]) -> None:
    section = card_report.how_often_right(card)
    traces, layout = figure(section.html)
    points = card["filing_curve"]
    assert traces[1]["x"] == pytest.approx([100 * one["filed"] / one["n"] for one in points])
    assert traces[1]["y"] == pytest.approx([100 * one["precision"]["value"] for one in points])
    assert len(traces[0]["x"]) == 2 * len(points)
    assert layout["xaxis"]["title"]["text"] == "filed of 100 products"
    first = Cells(section.html).rows[1]
    assert first[0] == "0"
    assert float(first[1]) == 100
    assert float(first[3]) <= float(first[2]) <= float(first[4])
    assert "is an estimate" in section.note


def test_precision_by_class_has_intervals_and_the_least_certain_first(card: dict[str, Any]) -> None:
    rows = Cells(card_report.precisions(card, None).html).rows[1:]
    told = {row["name"]: row for row in card["levels"][1]["classes_by_training_rows"]}
    assert {row[0] for row in rows} == {name for name, row in told.items() if row["answered"]}
    lows = [float(row[3]) for row in rows]
    assert lows == sorted(lows)
    for row in rows:
        assert int(row[1]) == told[row[0]]["answered"]
        assert float(row[3]) <= float(row[2]) <= float(row[4])


def test_mistaken_products_have_their_pictures(card: dict[str, Any]) -> None:
    shown = card["levels"][-1]["mistakes"]["examples"]
    assert shown
    assert [one["probability"] for one in shown] == sorted(
        (one["probability"] for one in shown), reverse=True
    )
    html = card_report.examples(card, None, {shown[0]["row"]: b"\xff\xd8"}).html
    assert html.count("<img") == 1
    assert html.count("<figure>") == len(shown)
    assert "label: " in html
    assert "<lamp>" not in html  # names from data carry no markup
    empty = card | {"levels": [card["levels"][-1] | {"mistakes": {"examples": []}}]}
    assert "none" in card_report.examples(empty, None, {}).html


def test_one_level_has_no_siblings(card: dict[str, Any]) -> None:
    one = card | {"levels": card["levels"][:1]}
    assert "siblings" not in card_report.mistakes(one, None).html.lower()
    assert "siblings" in card_report.mistakes(card, None).html


def test_the_page_names_model_and_data(card: dict[str, Any], tmp_path: Path) -> None:
    card_report.report_card(card, tmp_path / "c.html", None, {"model": "my-run", "data": "test.tsv"})
    page = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert "<h1>Metric card of my-run</h1>" in page
    assert "test.tsv" in page
