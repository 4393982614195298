"""Leakage is seen where there is some, and is the difference of means over splits."""

from pathlib import Path

import numpy as np
import pytest

from mep3m.dataset.reading import open_products
from mep3m.recipes.leakage import leakage
from mep3m.settings.run import RunSettings
from mep3m.settings.sources import Columns

LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyz"))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Titles without meaning, each three times: only who has seen a copy can know its class."""
    random = np.random.default_rng(0)
    lines = []
    for _ in range(60):
        title, kind = "".join(random.choice(LETTERS, 12)), random.integers(3)
        lines += [f"{title}\tkind {kind}\tform {random.integers(2)}" for _ in range(3)]
    path = tmp_path_factory.mktemp("leaks") / "items.tsv"
    path.write_text("title\tkind\tform\n" + "\n".join(lines) + "\n")
    return path


def test_copies_in_training_answer_for_a_random_split(table: Path) -> None:
    opened = open_products(table, Columns(title="title", labels=("kind",)))
    found = leakage(opened, RunSettings(seed=5), seeds=3)
    assert (found["splits"], found["first_seed"], found["test_share"]) == (3, 5, 0.2)
    assert found["shared"] > 0.8
    (level,) = found["levels"]
    assert level["random"]["top1"]["mean"] > 0.8
    assert level["grouped"]["top1"]["mean"] < 0.6
    for score in ("top1", "macro_f1"):
        gap = level["random"][score]["mean"] - level["grouped"][score]["mean"]
        assert level["difference"][score]["mean"] == pytest.approx(gap)
        assert level["difference"][score]["sd"] > 0


def test_one_split_has_no_spread_and_every_level_is_compared(table: Path) -> None:
    opened = open_products(table, Columns(title="title", labels=("kind", "form")))
    found = leakage(opened, RunSettings())
    assert [level["level"] for level in found["levels"]] == [1, 2]
    assert all(level["difference"]["top1"]["sd"] is None for level in found["levels"])


def test_the_task_of_one_level_is_what_is_measured(table: Path) -> None:
    opened = open_products(table, Columns(title="title", labels=("kind", "form")))
    found = leakage(opened, RunSettings(level=2), test_share=0.4)
    assert [level["level"] for level in found["levels"]] == [1]
    assert found["test_share"] == 0.4
