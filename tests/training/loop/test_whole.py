"""Heads fitted to all rows at once."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mep3m.errors import UsageError
from mep3m.models.inputs.columns import Inputs, Stored
from mep3m.settings.network import NetworkSettings
from mep3m.settings.training import TrainingSettings
from mep3m.training import network
from mep3m.training.examples import Examples
from mep3m.training.frozen import heads_over
from mep3m.training.loop import whole
from mep3m.training.loop.clock import RunClock
from tests.models.catalogue import TREE, products
from tests.training.tasks import task_of

CODES = TREE.encode([("food", "tea"), ("food", "rice"), ("home", "lamp")])
LBFGS = TrainingSettings(optimiser="lbfgs", weight_decay=1.0, label_smoothing=0.0)


def examples(rows: int = 90, width: int = 12) -> Examples:
    """Return rows of three classes, whose features lie around one point a class, far from 0."""
    draw = np.random.default_rng(0)
    centres = draw.normal(size=(3, width))
    features = 100 + 0.01 * (centres[np.arange(rows) % 3] + 0.3 * draw.normal(size=(rows, width)))
    stored = Stored(features.astype(np.float32), np.arange(rows))
    return Examples(Inputs({"image": stored}), CODES[np.arange(rows) % 3], np.arange(rows))


@pytest.mark.parametrize("hierarchy", ["flat", "coarse-to-fine", "fine-to-coarse", "coarse-and-fine"])
def test_any_order_of_heads_learns_in_a_few_passes(hierarchy: str) -> None:
    rows = examples()
    settings = NetworkSettings(hierarchy=hierarchy, head="linear", standardise=True, dropout=0.5)
    heads = heads_over(dict(rows.inputs.parts), TREE, settings)  # type: ignore[arg-type]
    clock = RunClock()
    (figures,) = whole.fit_whole(heads, rows, TREE, LBFGS, rows, clock)
    assert figures["top1_2"] > 0.95
    assert figures["epoch"] <= whole.PASSES
    assert clock.effort is not None
    assert clock.effort.epochs == figures["epoch"]


def test_it_is_the_least_loss_whatever_the_rows_that_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = examples()
    settings = NetworkSettings(head="linear")
    found = []
    for together in (90, 25):
        monkeypatch.setattr(whole, "ROWS", together)
        torch.manual_seed(0)
        heads = heads_over(
            dict(rows.inputs.parts), TREE, settings.model_copy(update={"standardise": together == 90})
        )  # type: ignore[arg-type]
        if together != 90:
            rows.inputs.parts["image"].values[:] -= 100  # type: ignore[attr-defined]
            rows.inputs.parts["image"].values[:] *= 100  # type: ignore[attr-defined]
        found.append(whole.fit_whole(heads, rows, TREE, LBFGS)[0]["loss"])
    assert abs(found[0] - found[1]) < 0.2


def test_passes_are_bounded_by_epochs_and_minutes() -> None:
    rows = examples()
    settings = NetworkSettings(head="linear", standardise=True)
    few = LBFGS.model_copy(update={"epochs": 1, "weight_decay": 1e-6})
    heads = heads_over(dict(rows.inputs.parts), TREE, settings)  # type: ignore[arg-type]
    free = whole.fit_whole(heads, rows, TREE, LBFGS.model_copy(update={"weight_decay": 1e-6}))
    heads = heads_over(dict(rows.inputs.parts), TREE, settings)  # type: ignore[arg-type]
    assert whole.fit_whole(heads, rows, TREE, few)[0]["epoch"] < free[0]["epoch"]
    heads = heads_over(dict(rows.inputs.parts), TREE, settings)  # type: ignore[arg-type]
    over = whole.fit_whole(
        heads, rows, TREE, TrainingSettings(optimiser="lbfgs", minutes=1.0), None, RunClock(60.0)
    )
    assert over[0]["epoch"] <= 2 * whole.STEPS


def test_one_row_is_fitted_too() -> None:
    one = examples(3)
    one.rows = one.rows[:1]
    settings = NetworkSettings(head="linear", standardise=True)
    heads = heads_over(dict(one.inputs.parts), TREE, settings)  # type: ignore[arg-type]
    assert np.isfinite(whole.fit_whole(heads, one, TREE, LBFGS)[0]["loss"])


def test_encoders_that_train_need_another_optimiser(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 6)
    with pytest.raises(UsageError, match="give adamw, or frozen = true"):
        network.train(task_of(table, images, "small-cnn", {"optimiser": "lbfgs"}), tmp_path / "run")
