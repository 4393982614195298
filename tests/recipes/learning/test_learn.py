"""A run learns classes and stays a run: `assign`, `evaluate`, `guarantee` and learning again take it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mep3m.assignment.answer import Beside, assign
from mep3m.assignment.policy import FilingPolicy
from mep3m.assignment.promise import Promise
from mep3m.assignment.run import Run
from mep3m.dataset.reading import Opened
from mep3m.errors import UsageError
from mep3m.recipes.audit import read_audit
from mep3m.recipes.classify import evaluate_run
from mep3m.recipes.guarantee import Target, check_promise, make_promise
from mep3m.recipes.learning import Learned, LearnSettings, learn_run
from tests.recipes.learning.titles import MORE, NEW, OLD, write

SKIRT, GRAPE = ("服装", "裙子"), ("食品", "葡萄")


@pytest.fixture(scope="module")
def taught(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Learned, Learned]:
    """A folder with `two` and `three`: runs that learned two classes, and then one more."""
    folder = tmp_path_factory.mktemp("taught")
    write(folder / "new.tsv", NEW, range(5))
    write(folder / "more.tsv", MORE, range(5))
    write(folder / "test.tsv", (*OLD, *NEW, *MORE), range(20, 23))
    start = Run.open(run_folder)
    tests = [start.read(folder / "test.tsv")]
    two = learn_run(start, start.read(folder / "new.tsv"), folder / "two", tests=tests)
    again = Run.open(folder / "two")
    three = learn_run(again, again.read(folder / "more.tsv"), folder / "three", tests=tests)
    return folder, two, three


def test_old_and_new_are_known_and_what_was_forgotten_is_told(taught: tuple[Path, Learned, Learned]) -> None:
    _, two, three = taught
    assert two.scores is not None
    assert two.scores.rows == {"old": 48, "new": 12, "unseen": 6}
    assert two.scores.new == two.scores.old == 1.0
    assert two.scores.all == pytest.approx(60 / 66)  # what it does not know yet is wrong
    assert two.scores.forgetting == 0
    assert three.scores is not None
    assert three.scores.rows == {"old": 60, "new": 6, "unseen": 0}
    assert three.scores.all == 1.0
    assert len(three.scores.by_increment) == 3


def test_ids_and_history_stay_in_the_run(taught: tuple[Path, Learned, Learned]) -> None:
    folder, two, three = taught
    kept = [json.loads((folder / name / "run.json").read_text())["learned"] for name in ("two", "three")]
    assert kept[1][0] == kept[0][0]
    assert [one["id"] for one in two.classes] == ["裙子", "葡萄"]
    assert [tuple(one["path"]) for one in three.history[0]["classes"]] == [SKIRT, GRAPE]
    card = json.loads((folder / "three" / "card.json").read_text())
    assert [one["increment"] for one in card["learned"]] == [1, 2]
    assert card["learned"][1]["scores"]["by_increment"] == [1.0, 1.0, 1.0]
    assert "filing_curve" not in card
    assert Run.open(folder / "three").learned == {("服装",), SKIRT, GRAPE, ("服装", "羽绒")}
    assert Run.open(folder / "three").counts[1]["羽绒"] == 10


def test_increments_are_the_same_as_all_at_once(
    taught: tuple[Path, Learned, Learned], run_folder: Path, tmp_path: Path
) -> None:
    """Up to the encoder of titles, which is learned with the first of them: so that is what both share."""
    folder, _, _ = taught
    three = Run.open(folder / "three")
    test = three.read(folder / "test.tsv")
    proba = three.classifier.predict_proba(test.products)
    write(tmp_path / "both.tsv", (*NEW, *MORE), range(5))
    start = Run.open(run_folder)
    learn_run(start, start.read(tmp_path / "both.tsv"), tmp_path / "once")
    once = Run.open(tmp_path / "once")
    assert once.classifier.tree.paths == three.classifier.tree.paths
    other = once.classifier.predict_proba(test.products)
    assert (proba.argmax(1) == other.argmax(1)).mean() > 0.95


def test_it_is_an_ordinary_run(taught: tuple[Path, Learned, Learned]) -> None:
    folder, _, _ = taught
    run = Run.open(folder / "three")
    scores = evaluate_run(run, run.read(folder / "test.tsv")).evaluation
    assert scores.levels[1].scores.top1 == 1.0
    assert scores.levels[1].known_classes == 7
    test = run.read(folder / "test.tsv")
    answers = assign(run.classifier, test.products, beside=Beside.of(run, why=True))
    skirts = [one for one in answers if one.path == SKIRT]
    assert skirts
    assert skirts[0].why is not None
    assert "裙" in skirts[0].why["nearest"][0]["title"]  # examples of what was learned are shown too


def test_a_learned_class_goes_to_review_and_says_why(taught: tuple[Path, Learned, Learned]) -> None:
    folder, _, _ = taught
    run = Run.open(folder / "two")
    write(folder / "asked.tsv", (*OLD, *NEW), range(30, 32))
    asked = run.read(folder / "asked.tsv", labels=False).products
    for threshold in (0.0, 0.5):
        for one in assign(run.classifier, asked, min_confidence=threshold, beside=Beside.of(run)):
            if one.path in (SKIRT, GRAPE):
                assert (one.decision, one.review) == ("review", True)
                assert f"'{one.path[1]}' was learned after training" in str(one.reason)
            elif threshold == 0:
                assert one.decision == "filed"


def audit(folder: Path, run: Run, rows: object, name: str) -> Opened:
    return run.read(write(folder / name, rows, range(100, 130)))  # type: ignore[arg-type]


def test_a_promise_covers_a_learned_class_only_where_its_audit_has_products_of_it(
    taught: tuple[Path, Learned, Learned],
) -> None:
    folder, _, _ = taught
    run = Run.open(folder / "two")
    asked = run.read(write(folder / "later.tsv", (*OLD, *NEW), range(50, 52)), labels=False).products
    for number, (rows, proven) in enumerate(
        (((*OLD,), set()), ((*OLD, *NEW[:2]), {GRAPE}), ((*OLD, *NEW), {GRAPE, SKIRT}))
    ):
        audited = read_audit(run, audit(folder, run, rows, f"audit{number}.tsv"))
        promise, _ = make_promise(audited, Target(0.9))
        assert promise is not None
        assert proven <= set(promise.learned)
        file = folder / f"promise{number}.json"
        promise.save(file)
        assert Promise.load(file) == promise
        assert check_promise(promise, audited)["verdict"] == "holds"
        policy = FilingPolicy.open(file, run)
        answers = assign(run.classifier, asked, policy=policy, beside=Beside.of(run))
        filed = {one.path for one in answers if one.decision == "filed"}
        assert filed & {GRAPE, SKIRT} == proven
        assert ("数码", "手机") in filed
        for one in answers:
            if one.path in {GRAPE, SKIRT} - proven:
                assert "was learned after training" in str(one.reason)


def test_what_the_audit_counts_is_what_is_filed(taught: tuple[Path, Learned, Learned]) -> None:
    """Products of an open class that seem to be of a closed one are left to people in both."""
    folder, _, _ = taught
    run = Run.open(folder / "two")
    rows = (*OLD, ("连衣裙 手机图案", "数码", "手机"))  # looks like a skirt, and is a phone
    opened = audit(folder, run, rows, "odd.tsv")
    audited = read_audit(run, opened)
    promise, told = make_promise(audited, Target(0.9))
    assert promise is not None
    promise.save(folder / "odd.json")
    policy = FilingPolicy.open(folder / "odd.json", run)
    answers = assign(run.classifier, opened.products, policy=policy)
    assert sum(one.decision == "filed" for one in answers) == told["filed"]


def test_a_promise_of_the_run_before_is_not_one_of_the_run_that_learned(
    taught: tuple[Path, Learned, Learned], run_folder: Path, tmp_path: Path
) -> None:
    from mep3m.errors import ModelError

    before = Run.open(run_folder)
    promise, _ = make_promise(read_audit(before, audit(tmp_path, before, OLD, "audit.tsv")), Target(0.9))
    assert promise is not None
    assert "learned" not in promise.to_json()  # its file is what it was before there were learned classes
    promise.save(tmp_path / "p.json")
    with pytest.raises(ModelError, match="made for another model"):
        FilingPolicy.open(tmp_path / "p.json", Run.open(taught[0] / "two"))


def test_what_was_learned_from_is_no_audit(taught: tuple[Path, Learned, Learned]) -> None:
    folder, _, _ = taught
    run = Run.open(folder / "three")
    write(folder / "seen.tsv", (*NEW, *MORE), range(5))
    with pytest.raises(UsageError, match="were in training"):
        read_audit(run, run.read(folder / "seen.tsv"))


@pytest.mark.parametrize("method", ["prototypes", "finetune"])
def test_other_methods_learn_too(method: str, run_folder: Path, tmp_path: Path) -> None:
    start = Run.open(run_folder)
    rows = start.read(write(tmp_path / "new.tsv", NEW, range(5)))
    tests = [start.read(write(tmp_path / "test.tsv", (*OLD, *NEW), range(20, 22)))]
    made = learn_run(
        start, rows, tmp_path / "out", LearnSettings.parse({"method": method}, "test"), tests=tests
    )
    assert made.scores is not None
    assert made.scores.all is not None
    assert made.scores.all > 0.9
    assert Run.open(tmp_path / "out").learned


def test_shots_are_drawn_by_the_seed(run_folder: Path, tmp_path: Path) -> None:
    start = Run.open(run_folder)
    rows = start.read(write(tmp_path / "new.tsv", NEW, range(5)))
    made = [
        learn_run(start, rows, tmp_path / name, LearnSettings(shots=3, seed=seed))
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    assert [one["rows"] for one in made[0].classes] == [3, 3]
    weights = [(tmp_path / name / "statistics.safetensors").read_bytes() for name in "abc"]
    assert weights[0] == weights[1] != weights[2]


def test_a_killed_one_leaves_no_half_run_and_runs_again(run_folder: Path, tmp_path: Path) -> None:
    table = write(tmp_path / "new.tsv", NEW, range(5))
    command = [
        sys.executable,
        "-m",
        "mep3m",
        "learn",
        str(run_folder),
        str(table),
        "--out",
        str(tmp_path / "out"),
    ]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        half = tmp_path / ".out.learning"
        while process.poll() is None and not any(half.glob("*")):
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
    if not (tmp_path / "out").exists():  # killed while it wrote
        with pytest.raises(UsageError):
            Run.open(tmp_path / "out")
    else:  # it was faster; the folder is whole, and what is half stands for one that was not
        (tmp_path / "out").rename(half)
        (half / "run.json").unlink()
    start = Run.open(run_folder)
    learn_run(start, start.read(table), tmp_path / "out")
    assert not half.exists()
    assert SKIRT in Run.open(tmp_path / "out").learned


def test_a_linear_run_stays_what_it_was_for_old_products(
    taught: tuple[Path, Learned, Learned], run_folder: Path
) -> None:
    """Among trained classes alone the answers of a linear model do not change at all."""
    folder, _, _ = taught
    before, after = Run.open(run_folder).classifier, Run.open(folder / "two").classifier
    asked = Run.open(run_folder).read(folder / "test.tsv", labels=False).products
    leaves = [before.tree.paths[one] for one in before.tree.leaves]
    old = before.predict_proba(asked)[:, [before.tree.index(path) for path in leaves]]
    new = after.predict_proba(asked)[:, [after.tree.index(path) for path in leaves]]
    np.testing.assert_array_equal(old.argmax(1), new.argmax(1))
