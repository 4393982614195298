"""The report of a build: its sections follow from what the build found, and every number from its files."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from mep3m.product import Label, Product, to_table
from mep3m.report.build_report import Facts, report_build
from mep3m.report.card_report import SCORES
from mep3m.store import Plan, Reject, Store, StoreWriter
from mep3m.store.json_files import write_json
from mep3m.taxonomy import Category, Taxonomy
from tests.report.test_dataset_report import Headings
from tests.report.test_page import Cells

TREE = Taxonomy(
    (Category("1", "食品", "Food"), Category("11", "<茶>", "Tea", "1"), Category("12", "米", parent="1"))
)
LEVEL = {"level": 1, "n": 4, "top1": 0.75, "top5": 1.0, "macro_f1": 0.5, "weighted_f1": 0.7, "ap_macro": 0.9}


def store(folder: Path, step: str, reasons: tuple[str, ...] = ()) -> Store:
    writer = StoreWriter.begin(folder / step, Plan(step, {}, ("p",)))
    labels = (Label("1", "mapped", "m"), Label("11", "mapped", "m"))
    rows = [Product(str(n), "shop", str(n), title="茶叶", labels=labels) for n in range(3)]
    rows.append(Product("9", "shop", "9", title="x", dropped="short_title"))
    writer.write(0, to_table(rows), [Reject(step, "shop", reason) for reason in reasons])
    return writer.finish(TREE)


def scores(*levels: dict[str, Any]) -> dict[str, Any]:
    bars = [{"confidence": 0.9, "accuracy": 0.8, "n": 4}, {"confidence": 0.1, "accuracy": 0.0, "n": 0}]
    classes = [
        {"name": "11", "training_rows": 9, "accuracy": 0.5},
        {"name": "gone", "training_rows": 0, "accuracy": 0.0},
    ]
    rest = {"classes": 3, "known_classes": 2, "unseen": 1, "classes_by_training_rows": classes,
            "calibration": {"ece": 0.123, "reliability": bars}}  # fmt: skip
    return {"levels": [{**LEVEL, **rest, **level} for level in levels]}


def page(folder: Path, **facts: Any) -> str:
    stores = {
        "ingest": store(folder, "ingest", ("no id", "no id", "<b>broken</b>")),
        "align": store(folder, "align"),
    }
    return report_build(Facts(stores, **facts), folder / "report").read_text(encoding="utf-8")


def test_a_build_with_nothing_but_stores_has_the_dataset_and_the_steps(tmp_path: Path) -> None:
    text = page(tmp_path)
    titles = Headings(text).titles
    assert titles[0] == "Overview"
    assert titles[-1] == "Steps"
    for absent in ("Classifier", "Calibration", "Against the truth", "Alignment", "Text in images"):
        assert absent not in titles


def test_steps_count_what_each_kept_and_refused_most_frequent_first(tmp_path: Path) -> None:
    text = page(tmp_path)
    html = text[text.index("<h2>Steps</h2>") :]
    rows = Cells(html[: html.index("</section>")]).rows
    assert rows[:3] == [
        ["step", "rows", "kept", "quarantine"],
        ["ingest", "4", "3", "3"],
        ["align", "4", "3", "0"],
    ]
    assert rows[3:] == [
        ["step", "reason", "rows"],
        ["ingest", "no id", "2"],
        ["ingest", "<b>broken</b>", "1"],
    ]
    assert "<b>broken</b>" not in text


def test_scores_are_printed_as_they_were_measured(tmp_path: Path) -> None:
    text = page(tmp_path, scores=scores({}, {"level": 2, "top1": 0.123456}))
    html = text[text.index("<h2>Classifier</h2>") :]
    head, first, second = Cells(html[: html.index("</table>") + 8]).rows
    assert head == list(SCORES.values())
    assert first == ["1", "4", "3", "2", "0.7500", "1.0000", "0.5000", "0.7000", "0.9000", "1"]
    assert second[4] == "0.1235"
    assert "level 1 (ECE 0.123)" in text
    titles = Headings(text).titles
    assert titles[-3:] == ["Classifier", "Accuracy by class size", "Calibration"]


def test_classes_are_called_by_name_and_those_without_training_are_left_out(tmp_path: Path) -> None:
    text = page(tmp_path, scores=scores({}))
    chart = text[text.index("<h2>Accuracy by class size</h2>") : text.index("<h2>Calibration</h2>")]
    assert "\\u003c\\u8336\\u003e" in chart or "\\u003c茶\\u003e" in chart
    assert "gone" not in chart


def test_the_truth_of_simulated_shops_stands_at_the_end(tmp_path: Path) -> None:
    pair = {"precision": 0.5, "recall": 0.25, "f1": 0.3}
    truth = {
        "alignment": pair,
        "duplicates": {"pairwise": pair, "b_cubed": {**pair, "recall": 1.0}},
        "quality": pair,
        "ocr": {**pair, "precision": 0.875},
        "left_out": {"image_defects": 0, "duplicate_pairs": 0},
    }
    text = page(tmp_path, truth=truth)
    html = text[text.index("<h2>Against the truth</h2>") :]
    rows = Cells(html[: html.index("</table>") + 8]).rows
    assert rows[0] == ["what", "precision", "recall"]
    assert rows[-1] == ["images with text", "0.875", "0.25"]
    assert [row[1:] for row in rows[1:4]] == [["0.5", "0.25"], ["0.5", "0.25"], ["0.5", "1"]]
    assert "not scored" not in html


def test_what_nobody_can_find_without_images_is_said_not_to_be_scored(tmp_path: Path) -> None:
    pair = {"precision": 1.0, "recall": 1.0, "f1": 1.0}
    truth = {
        "alignment": None,
        "duplicates": {"pairwise": pair, "b_cubed": pair},
        "quality": pair,
        "ocr": None,
        "left_out": {"image_defects": 2, "duplicate_pairs": 1139},
    }
    html = page(tmp_path, truth=truth).split("<h2>Against the truth</h2>")[1]
    assert "1,139 duplicate pairs on two platforms, 2 defects of images" in html
    assert "images with text" not in html[: html.index("</table>")]


@pytest.mark.parametrize("joined", [0, 2])
def test_what_the_merge_decided_is_shown_with_its_members(tmp_path: Path, joined: int) -> None:
    member = [{"source": "a", "path": "食品 > 茶"}, {"source": "b", "path": "茶 & 咖啡"}]
    impact = {
        "joined": [{"id": f"c{n}", "name": f"茶{n}", "members": member, "rows": 7} for n in range(joined)],
        "unmapped": [{"source": "a", "path": "杂货", "reason": "no place", "rows": 1234}],
        "rows_by_origin": {"mapped": 3},
    }
    stores = {"align": store(tmp_path, "align")}
    write_json(tmp_path / "align" / "decision" / "impact.json", impact)
    text = report_build(Facts(stores), tmp_path / "report").read_text(encoding="utf-8")
    html = text[text.index("<h2>Alignment</h2>") :]
    rows = Cells(html).rows
    assert rows.count(["c0", "茶0", "a: 食品 > 茶 = b: 茶 & 咖啡", "7"]) == bool(joined)
    assert ["a", "杂货", "no place", "1,234"] in rows


def test_the_text_read_in_images_comes_with_its_examples(tmp_path: Path) -> None:
    line = {"text": "包邮", "confidence": 1, "polygon": [], "promotional": 0.9}
    rows = [
        {"image": "a" * 64, "text": "包邮", "informative": 0.0, "lines": [line]},
        {"image": "b" * 64, "text": None, "informative": None, "lines": [], "error": "broken"},
    ]
    (tmp_path / "lines.jsonl").write_bytes(b"\n".join(orjson.dumps(row) for row in rows))
    text = page(tmp_path, lines=tmp_path / "lines.jsonl")
    titles = Headings(text).titles
    assert titles[-4:] == ["Text in images", "Informative text", "Promotional text", "Steps"]
    assert "1 (50.0%)" in text
    assert "image is gone" in text  # the store has no such picture; the text is shown all the same


def test_the_same_build_has_the_same_report_except_for_the_names_of_charts(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one, two = (page(tmp_path / name, scores=scores({})) for name in ("one", "two"))
    assert len(one) == len(two)
    assert Headings(one).titles == Headings(two).titles
