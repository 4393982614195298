"""What trained classes forget has a bound, over all increments together; runs that keep nothing have none."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from mep3m.assignment.run import Run
from mep3m.dataset.reading import open_products
from mep3m.errors import ModelError, SettingsError, UsageError
from mep3m.models.learned.held_out import FILE
from mep3m.recipes.classify import train_run
from mep3m.recipes.learning import Learned, LearnSettings, learn_run
from mep3m.settings.run import RunSettings
from mep3m.settings.sources import Columns
from tests.cli.runner import ran
from tests.recipes.learning.titles import NEW, write

COLUMNS = Columns(title="title", labels=("kind",))
OLD = [f"old{n}" for n in range(6)]
#: each increment brings a class that shares most of its words with two of the trained ones
STEPS = (["new0"], ["new1"], ["new2"])


def words(name: str) -> list[str]:
    """Return the words of a class: ten of its own, or five of each of two others."""
    number = int(name[3:])
    if name.startswith("old"):
        return [f"w{number}{sign}" for sign in "abcdefghij"]
    return [*words(f"old{2 * number}")[:5], *words(f"old{2 * number + 1}")[5:]]


def table(path: Path, names: Sequence[str], each: int, seed: int) -> Path:
    """Write titles of four words, of which one in three is of another class."""
    rng = np.random.default_rng(seed)
    lines = ["title\tkind"]
    for name in names:
        for _ in range(each):
            of = [name if rng.random() < 0.7 else OLD[rng.integers(len(OLD))] for _ in range(4)]
            lines.append(" ".join(str(rng.choice(words(one))) for one in of) + "\t" + name)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of six classes, rows of new ones that are much like them, and rows to test on."""
    folder = tmp_path_factory.mktemp("forgetting")
    settings = RunSettings(valid_share=0.4)
    opened = open_products(table(folder / "old.tsv", OLD, 120, 0), COLUMNS)
    train_run(opened, COLUMNS, None, settings, folder / "run")
    for number, names in enumerate(STEPS):
        table(folder / f"step{number}.tsv", names, 10, 10 + number)
    table(folder / "test.tsv", [*OLD, *(name for step in STEPS for name in step)], 150, 99)
    return folder


def course(place: Path, out: Path, forget: float | None) -> Iterator[Learned]:
    """Learn the increments one after the other."""
    run = Run.open(place / "run")
    tests = [run.read(place / "test.tsv")]
    for number in range(len(STEPS)):
        new = run.read(place / f"step{number}.tsv")
        yield learn_run(run, new, out / str(number), LearnSettings(forget=forget), tests=tests)
        run = Run.open(out / str(number))


@pytest.fixture(scope="module")
def unbound(place: Path) -> list[Learned]:
    return list(course(place, place / "unbound", 1.0))


def test_the_classes_are_so_alike_that_without_a_bound_much_is_forgotten(unbound: list[Learned]) -> None:
    assert unbound[-1].scores is not None
    assert unbound[-1].scores.since_training is not None
    assert unbound[-1].scores.since_training > 0.035


@pytest.mark.parametrize("forget", [0.01, 0.03])
def test_trained_classes_keep_their_rows_over_all_increments(
    forget: float, place: Path, unbound: list[Learned], tmp_path: Path
) -> None:
    for number, learned in enumerate(course(place, tmp_path, forget)):
        assert learned.scores is not None
        assert learned.scores.since_training is not None
        # 900 rows are tested, 288 were held out: twice the standard error of both
        assert learned.scores.since_training <= forget + 2 * (forget * (1 / 900 + 1 / 288)) ** 0.5
        assert learned.history[-1]["forget"] == forget
        assert learned.scores.old is not None
        before = unbound[number].scores
        assert before is not None
        assert before.old is not None
        assert learned.scores.old >= before.old - 0.1


def test_the_default_is_a_point_and_new_classes_are_still_found(place: Path, tmp_path: Path) -> None:
    *_, last = course(place, tmp_path, None)
    assert [one["forget"] for one in last.history] == [0.01] * 3
    assert last.scores is not None
    assert last.scores.new is not None
    assert last.scores.new > 0.1
    assert json.loads((last.run / "card.json").read_text())["learned"][-1]["forget"] == 0.01


def test_a_run_that_was_saved_answers_as_it_did(place: Path, unbound: list[Learned], tmp_path: Path) -> None:
    run = Run.open(unbound[-1].run)
    test = run.read(place / "test.tsv")
    run.classifier.save(tmp_path / "again")
    again = Run.open(unbound[-1].run).classifier.predict_proba(test.products)
    np.testing.assert_array_equal(again, run.classifier.predict_proba(test.products))
    assert (tmp_path / "again" / FILE).exists()


def test_a_learned_run_without_its_held_out_rows_is_an_error(place: Path, tmp_path: Path) -> None:
    first = next(course(place, tmp_path, None))
    (first.run / FILE).unlink()
    with pytest.raises(ModelError, match="is not whole: its files are of different runs"):
        Run.open(first.run)


def test_a_run_of_before_learns_without_a_bound_and_says_so(run_folder: Path, tmp_path: Path) -> None:
    before = tmp_path / "before"
    before.mkdir()
    for file in run_folder.iterdir():
        if file.name != FILE:
            (before / file.name).write_bytes(file.read_bytes())
    run = Run.open(before)
    new = run.read(write(tmp_path / "new.tsv", NEW, range(4)))
    learned = learn_run(run, new, tmp_path / "two")
    assert learned.history[-1]["forget"] is None
    two = tmp_path / "two" / "classifier.json"
    told = json.loads(two.read_text())
    assert told["held_out"] == 0
    # what an earlier version wrote is read, and answers as it did
    answers = Run.open(tmp_path / "two").classifier.predict_proba(new.products)
    two.write_text(
        json.dumps({key: value for key, value in told.items() if key != "held_out"} | {"format": 1})
    )
    np.testing.assert_array_equal(Run.open(tmp_path / "two").classifier.predict_proba(new.products), answers)
    with pytest.raises(UsageError, match=r"keeps no held-out rows.*train it again.*leave --forget out"):
        learn_run(run, new, tmp_path / "three", LearnSettings(forget=0.01))
    assert not (tmp_path / "three").exists()


def test_training_again_leaves_no_rows_of_before(tmp_path: Path) -> None:
    opened = open_products(table(tmp_path / "t.tsv", OLD[:2], 20, 1), COLUMNS)
    train_run(opened, COLUMNS, None, RunSettings(), tmp_path / "run")
    assert (tmp_path / "run" / FILE).exists()
    few = open_products(table(tmp_path / "few.tsv", OLD[:2], 1, 1), COLUMNS)
    train_run(few, COLUMNS, None, RunSettings(), tmp_path / "run")
    assert not (tmp_path / "run" / FILE).exists()


@pytest.mark.parametrize("value", [-0.1, 1.5])
def test_a_share_that_is_none_is_refused(value: float, run_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="forget"):
        LearnSettings.parse({"forget": value}, "learn")
    new = write(tmp_path / "new.tsv", NEW, range(4))
    done = ran("learn", run_folder, new, "--forget", str(value), "--out", tmp_path / "two")
    assert done.code == 2
    assert "0<=x<=1" in done.err
    assert not (tmp_path / "two").exists()
