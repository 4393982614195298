"""Minutes are minutes: the arithmetic at a given pace, the loop by a clock set by hand, one real run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mep3m.errors import UsageError
from mep3m.settings.training import TrainingSettings
from mep3m.training import network as networks
from mep3m.training.loop import clock as clocks
from mep3m.training.loop.clock import AIM, Effort, Pace, RunClock, epochs_within
from mep3m.training.loop.fit import fit
from mep3m.training.network_presets import resolve
from mep3m.training.task import Trained
from tests.models.catalogue import TREE, products
from tests.training.loop.test_fit import PACED, Clock, Slow, examples, network
from tests.training.tasks import task_of, with_minutes

LOOP = sys.modules[fit.__module__]


@pytest.mark.parametrize("minutes", [2, 5, 30])
@pytest.mark.parametrize("pace", [Pace(0.005), Pace(0.002, 0.004)])
def test_what_is_planned_takes_the_minutes(minutes: float, pace: Pace) -> None:
    epochs = epochs_within(minutes, 10, pace, 8_000, 800)
    seconds = 10 + pace.prepare * 8_800 + epochs * 8_000 * pace.learn + pace.after(800)
    assert seconds == pytest.approx(AIM * 60 * minutes)


def test_minutes_for_less_than_one_pass_are_refused_with_those_that_would_do() -> None:
    with pytest.raises(
        UsageError, match=r"minutes = 1 is too short: one pass over 8,000 rows .* minutes = 36 "
    ):
        epochs_within(1, 0, Pace(0.25), 8_000, 100)
    assert epochs_within(36, 0, Pace(0.25), 8_000, 100) >= 1


class Busy(Slow):
    """A network on a machine that gets so many times slower after the third pass is measured."""

    def __init__(self, seconds: float, factor: float) -> None:
        super().__init__(network(), Clock(), seconds)
        self.factor = factor

    def forward(self, inputs: dict) -> object:  # type: ignore[type-arg]
        result = super().forward(inputs)
        self.seconds = self.seconds if Clock.now < 40 else 1.0 * self.factor
        return result


@pytest.mark.parametrize("factor", [0.3, 1.0, 2.5, 6.0])
def test_a_run_keeps_its_minutes_where_the_machine_gets_slower_or_faster(
    factor: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Clock, "now", 0.0)
    for module in (LOOP, clocks):
        monkeypatch.setattr(module, "time", Clock)
    settings = PACED.model_copy(update={"minutes": 4.0})
    clock = RunClock(_began=0.0)
    fit(Busy(1.0, factor), examples(), TREE, settings, tmp_path, clock=clock)
    assert 0.8 * 240 <= Clock.now <= 1.2 * 240
    assert clock.effort is not None
    assert clock.effort.epochs > 0.8 * 200 / 5 / max(factor, 1)


@pytest.mark.parametrize(("share", "starved"), [(0.3, True), (0.95, False), (None, False)])
def test_a_starved_run_says_what_it_got(share: float | None, starved: bool) -> None:
    effort = Effort(120.0, 40.0, 2, share, 1.5, 4.0)
    lines = effort.remarks(from_scratch=True, bounded=True)
    assert effort.starved is starved
    assert (
        any("40 CPU seconds in 120 seconds on 2 threads, and came to 1.5 of 4.0 epochs" in x for x in lines)
        is starved
    )
    assert any("too few for a network from scratch" in line for line in lines)
    assert not Effort(120.0, 120.0, 2, 0.9, 8.0, 8.0).remarks(from_scratch=True, bounded=True)


@pytest.mark.parametrize("name", ["vgg19", "bilstm", "small-cnn", "lmf"])
def test_minutes_take_the_place_of_the_epochs_of_a_preset_and_not_of_given_ones(name: str) -> None:
    _, training = resolve(name, {"preset": "paper", "minutes": "2"})
    assert (training.budget, training.epochs) == (2.0, None)
    assert resolve(name, {"preset": "paper"})[1].epochs == 10
    with pytest.raises(Exception, match="epochs = 3 and minutes = 2 both say"):
        resolve(name, {"epochs": "3", "minutes": "2"})


def test_the_paper_trains_in_float32() -> None:
    for name in ("vgg19", "inception-v3", "resnet50", "lstm", "bilstm", "vgg+bilstm", "tfn", "lmf"):
        assert resolve(name, {})[1].precision == "float32"
    assert TrainingSettings().precision == "auto"


def test_a_real_run_takes_its_minutes(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 40)
    options = {"batch": 8, "pixels": 32, "backbone": "test_resnet"}

    def train(minutes: float) -> Trained:
        task = task_of(table, images, "small-cnn", options | {"minutes": str(minutes)}, valid=8)
        return networks.train(task, tmp_path / "run")

    trained, minutes = with_minutes(train, 0.2)
    assert 0.6 <= trained.timings["seconds"] / (60 * minutes) <= 1.8
    assert trained.timings["effort"]["epochs"] > 1


def test_too_few_minutes_are_refused_before_anything_is_trained(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 40)
    task = task_of(table, images, "small-cnn", {"minutes": "0.0001", "preset": "paper"}, valid=8)
    with pytest.raises(UsageError, match=r"minutes = 0.0001 is too short"):
        networks.train(task, tmp_path / "run")
    assert not list((tmp_path / "run").rglob("*.pt"))
    assert not list((tmp_path / "run").rglob("pixels*"))
