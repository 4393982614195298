"""The parts of the loop against closed forms: rates, averages, decay groups, states on disk, progress."""

from __future__ import annotations

import math
from pathlib import Path

import orjson
import pytest
import torch
from torch import nn

from mep3m.errors import MissingExtraError, ModelError
from mep3m.settings.training import PAPER, TrainingSettings
from mep3m.training.loop import tracking
from mep3m.training.loop.checkpoints import State, load_checkpoint, save_checkpoint
from mep3m.training.loop.optimise import END, START, WARM, Average, make_optimiser, rate_at
from mep3m.training.task import CHECKPOINT, clear_checkpoints

TOP = 2e-3


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0, TOP * START),
        (100, TOP * (START + 1) / 2),
        (200, TOP),
        (600, TOP * (END + 1) / 2),
        (1000, TOP * END),
        (1500, TOP * END),
    ],
)
def test_one_cycle_rises_in_a_line_and_falls_as_a_cosine(step: int, expected: float) -> None:
    assert WARM == 0.2
    assert rate_at(TrainingSettings(learning_rate=TOP), step, 1000, 0) == pytest.approx(expected)


def test_a_cosine_is_at_half_in_the_middle() -> None:
    settings = TrainingSettings(schedule="cosine", learning_rate=1.0)
    assert rate_at(settings, 50, 100, 0) == pytest.approx((1 + END) / 2)
    assert rate_at(settings, 0, 0, 0) == pytest.approx(1.0)


def test_the_average_is_the_weighted_sum_of_all_weights() -> None:
    network = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        network.weight.fill_(5.0)
    average = Average(network, 0.5)
    expected = 5.0
    for step, value in enumerate((1.0, 2.0, -4.0), start=1):
        with torch.no_grad():
            network.weight.fill_(value)
        average.update(step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
    assert float(average.values["weight"]) == pytest.approx(expected)


def test_an_average_goes_on_where_it_was_stopped() -> None:
    whole, parts = nn.Linear(2, 2), nn.Linear(2, 2)
    parts.load_state_dict(whole.state_dict())
    one, two = Average(whole, 0.9), Average(parts, 0.9)
    two.update(1)
    one.update(1)
    kept = {key: value.clone() for key, value in two.values.items()}
    with torch.no_grad():
        for network in (whole, parts):
            network.weight.mul_(3)
    again = Average(parts, 0.9)
    again.load(kept)
    one.update(2)
    again.update(2)
    for key, value in one.values.items():
        torch.testing.assert_close(again.values[key], value, rtol=0, atol=0)


def test_counts_are_copied_into_the_average_not_mixed() -> None:
    norm = nn.BatchNorm1d(2)
    average = Average(norm, 0.9)
    norm.num_batches_tracked += 7
    average.update(1)
    assert int(average.values["num_batches_tracked"]) == 7


@pytest.mark.parametrize("kind", ["adam", "adamw", "sgd"])
def test_only_matrices_decay_and_frozen_weights_have_no_step(kind: str) -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    network[2].weight.requires_grad_(False)
    optimiser = make_optimiser(network, TrainingSettings.parse({"optimiser": kind, "weight_decay": 0.3}, "t"))
    matrices, others = optimiser.param_groups
    assert [tuple(value.shape) for value in matrices["params"]] == [(4, 3)]
    assert (matrices["weight_decay"], others["weight_decay"]) == (0.3, 0.0)
    assert len(others["params"]) == 4


def test_the_paper_decays_nothing_and_clips_nothing() -> None:
    assert (PAPER.weight_decay, PAPER.clip, PAPER.average, PAPER.batch) == (0.0, None, None, 64)


def test_a_state_comes_back_whole(tmp_path: Path) -> None:
    state = State(epoch=2, batch=5, step=17, seen=400, loss=1.5, best=0.25, stale=1, history=[{"loss": 2.0}])
    save_checkpoint(tmp_path, "run", state, {"network": {"w": torch.ones(2)}})
    found = load_checkpoint(tmp_path, "run")
    assert found is not None
    assert found[0] == state
    assert torch.equal(found[1]["network"]["w"], torch.ones(2))
    assert load_checkpoint(tmp_path / "elsewhere", "run") is None


def test_a_state_with_code_in_it_is_not_loaded(tmp_path: Path) -> None:
    torch.save({"run": "run", "state": {}, "tensors": Path("x")}, tmp_path / CHECKPOINT)
    with pytest.raises(ModelError, match="is damaged"):
        load_checkpoint(tmp_path, "run")


def test_the_states_of_a_run_and_its_parts_are_cleared_and_nothing_else(tmp_path: Path) -> None:
    kept = tmp_path / "image" / "work" / "pixels-80"
    for folder in (tmp_path / "work", tmp_path / "image" / "work"):
        folder.mkdir(parents=True)
        (folder / CHECKPOINT).touch()
    kept.mkdir()
    clear_checkpoints(tmp_path)
    assert not list(tmp_path.rglob(CHECKPOINT))
    assert kept.exists()
    clear_checkpoints(tmp_path / "nothing")


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


def test_progress_says_rate_and_time_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, lines = Clock(), list[str]()
    monkeypatch.setattr(tracking, "time", clock)
    tracker = tracking.Tracker(tmp_path, TrainingSettings(), 10_000, 1000, lines.append)
    clock.now += 5
    tracker.step(1500, 1.0, "epoch 1/3")
    assert lines == []
    clock.now += 5
    tracker.step(2000, 1.25, "epoch 1/3")
    # 1,000 rows since this process started, in 10 s; 8,000 are left
    assert lines == ["epoch 1/3 · loss 1.250 · 100 rows/s · 1 min 20 s left"]
    tracker.epoch({"epoch": 1.0, "loss": 0.5})
    assert orjson.loads((tmp_path / "history.jsonl").read_bytes()) == {"epoch": 1.0, "loss": 0.5}
    assert lines[-1] == "epoch 1 · loss 0.5"
    assert math.isclose(tracker.rate(2000), 100)


def test_a_logger_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "wandb", None)
    with pytest.raises(MissingExtraError, match="pip install"):
        tracking.Tracker(tmp_path, TrainingSettings(wandb=True), 1, 0, print)
