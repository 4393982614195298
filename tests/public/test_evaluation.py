"""Scores as small typed objects, made of what evaluations and cards give as JSON values."""

from dataclasses import asdict, fields
from typing import Any

import pytest

import mep3m
from mep3m.evaluation.hierarchy import HierarchyScores
from mep3m.evaluation.metrics import LevelScores
from mep3m.public.evaluation import LevelSummary, Scores


def level(number: int, **changed: Any) -> dict[str, Any]:
    scores = LevelScores(
        n=10,
        classes=2,
        unseen=1,
        top1=0.8,
        top5=1.0,
        macro_f1=0.7,
        weighted_f1=0.75,
        ap_macro=0.6,
        ap_micro=0.65,
    )
    return {"level": number, "known_classes": 3, **asdict(scores), "intervals": {}, **changed}


@pytest.fixture
def details() -> dict[str, Any]:
    tree = HierarchyScores(
        n=10,
        precision=0.9,
        recall=0.8,
        f1=0.85,
        distance=0.4,
        mistake_distance=2.0,
        lca_depth=1.6,
        consistent=1.0,
    )
    return {
        "levels": [level(1), level(2, top1=0.5)],
        "hierarchical": {**asdict(tree), "operating_curve": []},
        "refused": 2,
    }


def test_levels_and_tree_are_typed_and_everything_else_is_kept(details: dict[str, Any]) -> None:
    scores = Scores.of(details)
    assert [one.level for one in scores.levels] == [1, 2]
    assert scores.finest.top1 == 0.5
    assert scores.hierarchy.f1 == 0.85
    assert scores.refused == 2
    assert scores.details is details


def test_a_level_has_every_score_that_is_measured() -> None:
    assert {one.name for one in fields(LevelScores)} < {one.name for one in fields(LevelSummary)}


def test_a_card_counts_no_refused_rows(details: dict[str, Any]) -> None:
    del details["refused"]
    assert Scores.of(details).refused == 0


def test_the_frame_has_a_row_a_level(details: dict[str, Any]) -> None:
    scores = Scores.of(details)
    assert scores.frame.columns == [one.name for one in fields(LevelSummary)]
    assert scores.frame["top1"] == [0.8, 0.5]
    assert tuple(scores.frame) == scores.levels
    assert scores.to_arrow().column_names == scores.frame.columns


def test_the_frame_is_one_of_the_callers_kind(details: dict[str, Any]) -> None:
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    scores = Scores.of(details)
    assert isinstance(scores.to_pandas(), pandas.DataFrame)
    assert isinstance(scores.to_polars(), polars.DataFrame)
    assert scores.to_pandas()["macro_f1"].tolist() == scores.to_polars()["macro_f1"].to_list() == [0.7, 0.7]


def test_the_text_form_shows_the_scores_and_not_all_details(details: dict[str, Any]) -> None:
    text = repr(Scores.of(details))
    assert "top1=0.8" in text
    assert "operating_curve" not in text


def test_it_is_the_public_name() -> None:
    assert mep3m.Scores is Scores
