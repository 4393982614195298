"""What the service says of a product is what `assign` says: the same fields, and the same decisions."""

from pathlib import Path

import pytest

from mep3m.assignment.answer import Beside, assign
from mep3m.assignment.run import Run
from mep3m.product import Product, to_table
from tests.assignment.audited import train
from tests.service.clients import serving

TITLES = ["红富士苹果 a", "手机壳 b", "钢琴 立式 二手", "zzz"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(tmp_path_factory.mktemp("answers"), 1200)


def asked(run: Run, **more: object) -> list[dict[str, object]]:
    question = {"products": [{"title": title} for title in TITLES], **more}
    with serving(run) as client:
        reply = client.post("/assign", json=question)
    assert reply.status_code == 200, reply.text
    found: list[dict[str, object]] = reply.json()
    return found


@pytest.mark.parametrize("confidence", [0.0, 0.5, 0.9])
def test_it_answers_as_assign_does(run: Run, confidence: float) -> None:
    table = to_table(Product(str(n), "t", str(n), title=title) for n, title in enumerate(TITLES))
    expected = assign(run.classifier, table, None, 5, confidence, beside=Beside.of(run))
    found = asked(run, min_confidence=confidence)
    for one, answer in zip(found, expected, strict=True):
        assert (one["decision"], tuple(one["path"])) == (answer.decision, answer.path)  # type: ignore[arg-type]
        assert (one["model"], one["taxonomy"]) == (run.version, run.classifier.tree.version)
        assert one["known"] == answer.known


def test_a_new_kind_of_product_is_less_known(run: Run) -> None:
    apple, _, piano, _ = asked(run, min_confidence=0)
    assert apple["decision"] == "filed"
    assert piano["known"] < apple["known"]  # type: ignore[operator]


def test_a_product_without_a_threshold_is_not_filed_by_chance(run: Run) -> None:
    """No banana becomes a Golden Delicious at .296 where nobody asked for it."""
    for one in asked(run):
        if one["decision"] == "filed":
            assert one["confidence"][-1] >= 0.9  # type: ignore[index]


def test_the_run_that_is_served_may_be_bare(run: Run, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(run.folder, tmp_path / "bare")
    (tmp_path / "bare" / "run.json").unlink()
    assert asked(Run.open(tmp_path / "bare", bare=True))[0]["model"] == run.version


def test_an_answer_says_why_only_where_that_is_asked(run: Run) -> None:
    assert all(one["why"] is None for one in asked(run))
    apple = asked(run, why=True, min_confidence=0)[0]
    assert apple["why"]["words"]  # type: ignore[index]
