from pathlib import Path

import pytest

from mep3m.assignment.answer import Assignment, assign
from mep3m.models.classifier import load
from mep3m.product import Product, to_table
from mep3m.settings.run import MIN_CONFIDENCE
from mep3m.taxonomy import Category, Taxonomy


def answers(run_folder: Path, *titles: str | None, **options: object) -> list[Assignment]:
    rows = to_table(Product(str(i), "new", str(i), title=title) for i, title in enumerate(titles))
    return assign(load(run_folder), rows, **options)  # type: ignore[arg-type]


def test_the_answer_is_a_full_path_with_falling_confidence(run_folder: Path) -> None:
    apple, case = answers(run_folder, "红富士苹果 包邮", "透明硅胶手机壳", min_confidence=0)
    assert (apple.path, case.path) == (("食品", "苹果"), ("数码", "手机壳"))
    assert apple.confidence[0] >= apple.confidence[1] > 0.5
    chances = [one["probability"] for one in apple.top]
    assert chances == sorted(chances, reverse=True)
    assert not apple.review


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.999999])
def test_backing_off_never_answers_below_the_confidence(run_folder: Path, confidence: float) -> None:
    for found in answers(run_folder, "红富士苹果", "苹果手机壳 香蕉", "zzz", None, min_confidence=confidence):
        assert all(value >= confidence for value in found.confidence)
        assert found.review == (len(found.path) < 2)


def test_without_a_threshold_the_default_holds(run_folder: Path) -> None:
    titles = ("红富士苹果", "苹果手机壳 香蕉", "zzz", None)
    assert answers(run_folder, *titles) == answers(run_folder, *titles, min_confidence=MIN_CONFIDENCE)
    assert all(one.review for one in answers(run_folder, "zzz", None))  # of nothing known, nothing is filed


def test_a_taxonomy_gives_names_to_ids(run_folder: Path) -> None:
    tree = Taxonomy((Category("食品", "生鲜食品"), Category("苹果", "苹果类", parent="食品")))
    found = answers(run_folder, "红富士苹果", taxonomy=tree, min_confidence=0)[0]
    assert found.path == ("食品", "苹果")
    assert found.names == ("生鲜食品", "苹果类")
    assert found.to_json()["top"][0]["names"] == ("生鲜食品", "苹果类")
