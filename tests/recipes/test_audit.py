"""Audited rows: what may not count is refused or left out, and said; what is tested is counted by hand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mep3m.assignment import trained_on
from mep3m.assignment.run import Run
from mep3m.errors import ModelError, UsageError
from mep3m.recipes.audit import AuditRows
from mep3m.recipes.guarantee import Target, check_promise, make_promise, plan_audit
from tests.assignment.audited import audit_of, rows, train, write

Table = list[tuple[str, ...]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(tmp_path_factory.mktemp("run"))


@pytest.fixture
def audit(run: Run, tmp_path: Path) -> Callable[[Table], AuditRows]:
    return lambda table: audit_of(run, write(tmp_path / "audit.tsv", table))


def test_rows_of_training_are_left_out_by_their_title_and_refused_where_they_are_most(
    audit: Callable[[Table], AuditRows],
) -> None:
    held = audit([*rows(90, 2), *rows(400, 1)[:10]])
    assert held.counts == {"rows": 100, "in_training": 10, "duplicates": 0, "outside": 0, "unread": 0}
    assert len(held.truth) == 90
    with pytest.raises(UsageError, match="60 of 100 audited rows were in training"):
        audit([*rows(40, 2), *rows(400, 1)[:60]])


def test_rows_of_training_are_refused_by_their_id(tmp_path: Path) -> None:
    from mep3m.dataset.reading import open_products
    from mep3m.recipes.classify import train_run
    from mep3m.settings.run import RunSettings
    from mep3m.settings.sources import Columns

    columns = Columns(id="id", title="title", labels=("dept", "kind"))
    header = "id\ttitle\tdept\tkind"
    table = write(tmp_path / "t.tsv", [(f"sku{n}", *row) for n, row in enumerate(rows(200, 1))], header)
    train_run(open_products(table, columns), columns, None, RunSettings(), tmp_path / "run")
    run = Run.open(tmp_path / "run")
    new = [(f"sku{n + 199}", *row) for n, row in enumerate(rows(50, 2))]
    with pytest.raises(
        UsageError, match=r"1 of 50 audited rows were in training \(by their id, first: 'sku199'"
    ):
        audit_of(run, write(tmp_path / "a.tsv", new, header))
    assert len(audit_of(run, write(tmp_path / "a.tsv", new[1:], header)).truth) == 49


def test_one_row_of_a_title_counts(audit: Callable[[Table], AuditRows]) -> None:
    table = rows(50, 2)
    again = [(f"【{title}】", dept, kind) for title, dept, kind in table[:5]]
    held = audit([*table, *again, *table[:5]])
    assert held.counts["duplicates"] == 10
    assert held.products["title"].to_pylist() == [row[0] for row in table]


def test_a_run_of_an_earlier_version_cannot_be_checked(run: Run, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(run.folder, tmp_path / "run")
    (tmp_path / "run" / trained_on.FILE).unlink()
    old, table = Run.open(tmp_path / "run"), write(tmp_path / "audit.tsv", rows(40, 2))
    with pytest.raises(ModelError, match="--unchecked"):
        audit_of(old, table)
    assert len(audit_of(old, table, unchecked=True).truth) == 40


def test_labels_that_the_run_does_not_know(audit: Callable[[Table], AuditRows]) -> None:
    odd: Table = [("苹果 1a", "食品", "梨"), ("苹果 2b", "玩具", "车"), ("苹果 3c", "食品", "")]
    held = audit([*rows(97, 2), *odd])
    assert held.counts["outside"] == 2
    tree = held.run.classifier.tree
    assert held.truth[-3:].tolist() == [tree.index(("食品",)), -1, tree.index(("食品",))]
    errs = held.audited().errs[-3:]
    assert (errs > 0.5).all()  # each is filed below what its label says
    with pytest.raises(
        UsageError, match=r"51 of 100 audited rows have a label that is not in the tree .*玩具"
    ):
        audit([*rows(49, 2), *((f"车 {n}x", "玩具", "车") for n in range(51))])


def test_a_row_without_a_label_is_refused(audit: Callable[[Table], AuditRows]) -> None:
    with pytest.raises(UsageError, match=r"2 of 42 audited rows have no label \(first: '41'\)"):
        audit([*rows(40, 2), ("苹果 1a", "", ""), ("苹果 2b", "", "")])


def test_what_shows_the_model_nothing_is_never_filed(audit: Callable[[Table], AuditRows]) -> None:
    held = audit([*rows(40, 2), ("!!!", "食品", "苹果")])
    assert held.counts["unread"] == 1
    assert held.audited().files[-1] == -1


def test_a_promise_and_what_stands_beside_it(audit: Callable[[Table], AuditRows]) -> None:
    held = audit(rows(1500, 2))
    promise, told = make_promise(held, Target(0.95))
    assert promise is not None
    assert promise.bound >= 0.95
    assert told["lambda"] == promise.threshold
    assert told["coverage"] == pytest.approx(promise.filed / 1500)
    per = told["per_1000"]
    assert per["filed"] + per["person"] == pytest.approx(1000)
    assert per["wrong"] <= per["wrong_at_most"] <= 50
    for group in ("levels", "branches", "platforms"):
        assert sum(one["filed"] for one in told[group]) == promise.filed
        assert sum(one["errors"] for one in told[group]) == promise.errors
    naive = told["beside"]["probability >= 0.9"]
    audited = held.audited()
    assert naive["filed"] == int((audited.files >= 0.9).sum())
    assert naive["errors"] == int((audited.errs >= 0.9).sum())


def test_a_least_level_is_part_of_the_promise(audit: Callable[[Table], AuditRows]) -> None:
    promise, told = make_promise(audit(rows(1500, 2)), Target(0.9, min_level=2))
    assert promise is not None
    assert promise.min_level == 2
    assert [one["level"] for one in told["levels"]] == [2]
    with pytest.raises(UsageError, match=r"no level 3.*levels 1 to 2"):
        make_promise(audit(rows(30, 2)), Target(0.9, min_level=3))


def test_too_few_rows_say_how_many_more(audit: Callable[[Table], AuditRows]) -> None:
    promise, told = make_promise(audit(rows(60, 2)), Target(0.95))
    assert promise is None
    assert told["lambda"] is None
    assert told["rows_needed"] == told["n"] + told["more_rows"]
    proven, _ = make_promise(audit(rows(3 * told["rows_needed"], 3)), Target(0.95))
    assert proven is not None


def test_what_no_number_of_rows_proves(audit: Callable[[Table], AuditRows]) -> None:
    shifted = [(title, "食品", "香蕉") for title, *_ in rows(300, 2)]
    promise, told = make_promise(audit(shifted), Target(0.95))
    assert promise is None
    assert (told["rows_needed"], told["more_rows"]) == (None, None)


@pytest.mark.parametrize(("name", "value"), [("precision", 1.0), ("precision", 0.0), ("confidence", 1.5)])
def test_certainty_is_not_for_sale(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=f"{name} {value:g} is not allowed"):
        Target(**{"precision": 0.9, name: value})


def test_a_promise_is_checked_on_its_own_rows_and_on_new_ones(audit: Callable[[Table], AuditRows]) -> None:
    held = audit(rows(1500, 2))
    promise, _ = make_promise(held, Target(0.95))
    assert promise is not None
    own = check_promise(promise, held)
    assert (own["verdict"], own["same_audit"], own["errors"]) == ("holds", True, promise.errors)
    new = check_promise(promise, audit(rows(1500, 4)))
    assert (new["verdict"], new["same_audit"]) == ("holds", False)
    few = check_promise(promise, audit(rows(20, 5)))
    assert (few["verdict"], few["holds"]) == ("unclear", False)
    wrong = [(title, "食品", "香蕉") for title, *_ in rows(500, 6)]
    assert check_promise(promise, audit(wrong))["verdict"] == "broken"


def test_a_plan_prices_more_rows(audit: Callable[[Table], AuditRows]) -> None:
    told = plan_audit(audit(rows(90, 2)), Target(0.95))
    points = told["plan"]
    assert [point["more"] for point in points] == [0, 500, 1000, 5000]
    assert points[0]["proven"] < points[-1]["proven"]
    assert all(point["low"] <= point["coverage"] <= point["high"] for point in points)
    assert points[-1]["coverage"] > 0.8
    assert {one["branch"] for one in told["branches"]} == {"食品", "数码"}
    assert np.isclose(sum(one["n"] for one in told["branches"]), 90)
    assert plan_audit(audit(rows(90, 2)), Target(0.95)) == told
