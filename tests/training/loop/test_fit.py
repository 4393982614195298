from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from mep3m.errors import ModelError, UsageError
from mep3m.models.inputs.columns import Inputs, Stored
from mep3m.models.networks.fusion import Concatenation
from mep3m.models.networks.product import LevelHeads, ProductNetwork
from mep3m.models.networks.text import Projection
from mep3m.settings.training import PAPER, TrainingSettings
from mep3m.training.examples import Examples
from mep3m.training.loop.advice import no_number, out_of_memory
from mep3m.training.loop.augment import paste
from mep3m.training.loop.checkpoints import State, save_checkpoint
from mep3m.training.loop.clock import RunClock
from mep3m.training.loop.fit import fit
from tests.models.catalogue import TREE

SETTINGS = TrainingSettings(epochs=3, batch=8, precision="float32", average=0.9, learning_rate=1e-2)


def examples(count: int = 40, seed: int = 0) -> Examples:
    """Rows with three well separated features vectors; every fifth row lacks its fine label."""
    generator = np.random.default_rng(seed)
    kinds = np.arange(count) % 3
    values = (np.eye(3)[kinds] * 3 + generator.normal(0, 0.3, (count, 3))).astype(np.float32)
    targets = TREE.encode([(("food", "tea"), ("food", "rice"), ("home", "lamp"))[kind] for kind in kinds])
    targets[::5, 1] = -1
    slots = np.arange(count)
    return Examples(Inputs({"features": Stored(values, slots)}), targets, slots)


def network(seed: int = 0) -> ProductNetwork:
    torch.manual_seed(seed)
    head = LevelHeads(3, len(TREE), hidden=(8,), dropout=0.3)
    return ProductNetwork({"features": Projection(3)}, Concatenation([3]), head)


def weights(net: nn.Module) -> Tensor:
    return torch.cat([value.flatten().float() for value in net.state_dict().values()])


def test_the_loop_learns_and_reports(tmp_path: Path) -> None:
    lines: list[str] = []
    net = network()
    settings = SETTINGS.model_copy(update={"epochs": 12, "tensorboard": True})
    history = fit(
        net, examples(), TREE, settings, tmp_path, examples(30, seed=1), clock=RunClock(say=lines.append)
    )
    assert history[-1]["loss"] < history[0]["loss"]
    assert history[-1]["top1_1"] > 0.9
    assert history[-1]["top1_2"] > 0.9
    assert any(line.startswith("epoch 12 ") for line in lines)
    assert list((tmp_path / "tensorboard").iterdir())
    assert not net.training


@pytest.mark.parametrize(
    ("epochs", "patience", "scored"), [(7, None, 7), (25, None, 13), (40, None, 10), (25, 30, 25)]
)
def test_held_back_rows_are_scored_about_ten_times_and_at_the_end(
    epochs: int, patience: int | None, scored: int, tmp_path: Path
) -> None:
    settings = SETTINGS.model_copy(update={"epochs": epochs, "patience": patience})
    history = fit(network(), examples(12), TREE, settings, tmp_path, examples(6, seed=1))
    assert sum("validation_loss" in figures for figures in history) == scored
    assert "validation_loss" in history[-1]


class StopError(Exception):
    """An interruption in the middle of an epoch."""


class Interrupted(nn.Module):
    """A network that stops the run at one call."""

    def __init__(self, inner: nn.Module, after: int) -> None:
        super().__init__()
        self.inner, self.left = inner, after

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        self.left -= 1
        if self.left == 0:
            raise StopError
        result: Tensor = self.inner(inputs)
        return result


VARIANTS: dict[str, dict[str, Any]] = {
    "modern": {},
    "paper": PAPER.model_dump() | {"epochs": 3, "batch": 8},
    "accumulate": {"accumulate": 2},
    "balanced": {"balanced_sampling": True, "loss": "balanced_softmax"},
    "sgd with patience": {"optimiser": "sgd", "patience": 2, "schedule": "cosine"},
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("after", [3, 7])
def test_an_interrupted_run_ends_with_the_same_weights(variant: str, after: int, tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update=VARIANTS[variant] | {"checkpoint_seconds": 0.0})
    held = examples(20, seed=1)
    whole = network()
    fit(Interrupted(whole, -1), examples(), TREE, settings, tmp_path / "whole", held)
    parts = network()
    with pytest.raises(StopError):
        fit(Interrupted(parts, after), examples(), TREE, settings, tmp_path / "parts", held)
    other = network(seed=5)
    history = fit(Interrupted(other, -1), examples(), TREE, settings, tmp_path / "parts", held)
    assert len(history) == 3
    torch.testing.assert_close(weights(other), weights(whole), rtol=0, atol=0)


def test_epochs_that_come_again_after_an_interruption_are_told_once(tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"checkpoint_seconds": 0.0})
    with pytest.raises(StopError):
        fit(Interrupted(network(), 7), examples(), TREE, settings, tmp_path)
    old = (tmp_path / "checkpoint.pt").read_bytes()
    fit(Interrupted(network(), -1), examples(), TREE, settings, tmp_path)
    (tmp_path / "checkpoint.pt").write_bytes(old)  # as if later ones had not been written in time
    history = fit(Interrupted(network(), -1), examples(), TREE, settings, tmp_path)
    told = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert [figures["epoch"] for figures in told] == [1, 2, 3]
    assert [figures["loss"] for figures in told] == [figures["loss"] for figures in history]


def test_short_epochs_do_not_each_write_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []

    def count(folder: Path, run: str, state: State, tensors: dict[str, Any]) -> None:
        written.append(state.epoch)
        save_checkpoint(folder, run, state, tensors)

    monkeypatch.setattr(sys.modules["mep3m.training.loop.fit"], "save_checkpoint", count)
    first = network()
    fit(first, examples(), TREE, SETTINGS, tmp_path)
    assert written == [3]
    again = network(seed=5)
    fit(again, examples(), TREE, SETTINGS, tmp_path)
    assert written == [3]
    torch.testing.assert_close(weights(again), weights(first), rtol=0, atol=0)


def test_a_killed_process_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}

    def command(folder: str) -> list[str]:
        return [sys.executable, "-m", "tests.training.long_run", str(tmp_path / folder)]

    subprocess.run(command("whole"), env=environment, timeout=120, check=True)
    killed = subprocess.Popen(command("killed"), env=environment)
    deadline = time.monotonic() + 100
    while not (tmp_path / "killed/work/checkpoint.pt").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.15)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert not (tmp_path / "killed/weights.safetensors").exists()
    subprocess.run(command("killed"), env=environment, timeout=120, check=True)
    whole = load_file(tmp_path / "whole/weights.safetensors")
    resumed = load_file(tmp_path / "killed/weights.safetensors")
    assert whole.keys() == resumed.keys()
    for key, value in whole.items():
        torch.testing.assert_close(resumed[key], value, rtol=0, atol=0)


def test_workers_change_nothing(tmp_path: Path) -> None:
    results = []
    for workers in (0, 2):
        net = network()
        settings = SETTINGS.model_copy(update={"workers": workers, "epochs": 1})
        fit(net, examples(), TREE, settings, tmp_path / str(workers))
        results.append(weights(net))
    torch.testing.assert_close(results[0], results[1], rtol=0, atol=0)


def test_the_seed_matters_and_suffices(tmp_path: Path) -> None:
    results = []
    for run, seed in enumerate((1, 1, 2)):
        net = network()
        settings = SETTINGS.model_copy(update={"seed": seed})
        fit(net, examples(), TREE, settings, tmp_path / str(run))
        results.append(weights(net))
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


def test_half_precision_without_a_gpu_is_refused(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(UsageError, match="needs a GPU; here take 'auto'"):
        fit(network(), examples(), TREE, SETTINGS.model_copy(update={"precision": "fp16"}), tmp_path)
    fit(network(), examples(), TREE, SETTINGS.model_copy(update={"epochs": 1}), tmp_path)


def test_early_stopping_keeps_the_best(tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(
        update={"epochs": 40, "patience": 2, "learning_rate": 0.5, "average": None, "schedule": "constant"}
    )
    held = examples(20, seed=1)
    net = network()
    history = fit(net, examples(), TREE, settings, tmp_path, held)
    losses = [figures["validation_loss"] for figures in history]
    assert len(history) == int(np.argmin(losses)) + 1 + 2 or len(history) == 40


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"checkpoint_seconds": 0.0})
    with pytest.raises(StopError):
        fit(Interrupted(network(), 3), examples(), TREE, settings, tmp_path)
    with pytest.raises(ModelError, match="other rows, settings or taxonomy"):
        fit(network(), examples(), TREE, settings.model_copy(update={"batch": 4}), tmp_path)
    (tmp_path / "checkpoint.pt").write_bytes(b"half")
    with pytest.raises(ModelError, match="is damaged"):
        fit(network(), examples(), TREE, settings, tmp_path)


def test_a_loss_that_is_not_a_number_stops_with_what_to_change(tmp_path: Path) -> None:
    broken = examples()
    broken.inputs.parts["features"].values[7] = np.nan  # type: ignore[attr-defined]
    with pytest.raises(ModelError, match="lower learning_rate"):
        fit(network(), broken, TREE, SETTINGS, tmp_path)
    assert not (tmp_path / "checkpoint.pt").exists()


def test_nothing_is_kept_of_a_step_whose_loss_is_not_a_number(tmp_path: Path) -> None:
    broken = examples()
    broken.inputs.parts["features"].values[7] = np.nan  # type: ignore[attr-defined]
    settings = SETTINGS.model_copy(update={"checkpoint_seconds": 0.0})
    with pytest.raises(ModelError, match=r"in epoch 1, batch \d, at learning rate") as error:
        fit(network(), broken, TREE, settings, tmp_path)
    # the step was taken before its loss was read, and a checkpoint was due after it
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert f"batch {saved['state']['batch'] + 1}," in str(error.value)
    assert np.isfinite(saved["state"]["loss"])
    assert all(bool(value.isfinite().all()) for value in saved["tensors"]["network"].values())


def test_the_advice_leaves_out_what_is_set_already() -> None:
    assert no_number(SETTINGS) == "lower learning_rate (now 0.01)"
    loose = SETTINGS.model_copy(update={"clip": None, "precision": "auto"})
    assert no_number(loose).endswith("or set clip = 1.0, or precision = 'float32'")


class Failing(nn.Module):
    """A network whose forward pass fails."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.error = error

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:130] DefaultCPUAllocator: can't allocate memory: you tried"
        ),
        RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
        MemoryError(),
    ],
    ids=["Linux", "Windows", "CUDA", "Python"],
)
def test_out_of_memory_says_what_to_change(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"set batch = 4 and accumulate = 2"):
        fit(Failing(error), examples(), TREE, SETTINGS, tmp_path)


def test_the_advice_names_what_the_run_has() -> None:
    assert "fewer pixels than 224" in out_of_memory(SETTINGS, 224)
    assert "fewer tokens a text" in out_of_memory(SETTINGS, None)
    assert "bf16" not in out_of_memory(SETTINGS.model_copy(update={"precision": "bf16"}), None)


def test_other_errors_of_a_network_are_not_called_memory(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="shapes do not match"):
        fit(Failing(RuntimeError("shapes do not match")), examples(), TREE, SETTINGS, tmp_path)


HUNGRY = """
import torch
from mep3m.training.loop.advice import is_memory
try:
    torch.empty(1 << 50)
except RuntimeError as error:
    print(is_memory(error))
"""


def test_torchs_own_words_for_a_failed_allocation_are_known() -> None:
    # in a process of its own: the refusal of 4 PiB has once taken the test's process with it
    done = subprocess.run([sys.executable, "-c", HUNGRY], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_rows_without_any_modality_are_left_out_of_their_batch(tmp_path: Path) -> None:
    some = examples()
    some.inputs.parts["features"].slots[::2] = -1  # type: ignore[attr-defined]
    net = network()
    history = fit(net, some, TREE, SETTINGS, tmp_path)
    assert np.isfinite(history[-1]["loss"])


class Clock:
    """A clock that is set by hand, and is the same one in every copy of a network."""

    now = 0.0

    @classmethod
    def perf_counter(cls) -> float:
        return cls.now

    monotonic = process_time = thread_time = perf_counter


class Slow(nn.Module):
    """A network whose forward pass in training takes `seconds`, by a clock that it sets."""

    def __init__(self, inner: nn.Module, clock: Clock, seconds: float) -> None:
        super().__init__()
        self.inner, self.clock, self.seconds = inner, clock, seconds

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        Clock.now += self.seconds * self.training
        result: Tensor = self.inner(inputs)
        return result


#: the module; its package hands out the function of the same name
LOOP = sys.modules[fit.__module__]
PACED = SETTINGS.model_copy(update={"epochs": None, "samples": 800, "batch": 8})


@pytest.mark.parametrize(
    ("seconds", "minutes", "epochs"),
    [
        # 20 epochs of 40 rows are wanted, 5 batches each
        (1.0, "auto", 20),
        (11.5, "auto", 10),
        (23.0, "auto", 5),
        (11.5, None, 20),
        (10_000.0, "auto", 1),
    ],
)
def test_a_slow_machine_trains_fewer_epochs(
    seconds: float, minutes: str | None, epochs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LOOP, "time", Clock)
    lines: list[str] = []
    settings = PACED.model_copy(update={"minutes": minutes})
    history = fit(
        Slow(network(), Clock(), seconds),
        examples(),
        TREE,
        settings,
        tmp_path,
        clock=RunClock(say=lines.append),
    )
    assert len(history) == epochs
    if minutes is not None:
        assert lines[0].startswith(f"{epochs} epochs of 40 rows, about ")
    assert any("20 epochs would take longer" in line for line in lines) == (epochs < 20)


def test_large_tables_get_minutes_in_proportion() -> None:
    settings = TrainingSettings()
    assert settings.epochs_for(8_000, seconds=0.01) == 7
    assert settings.epochs_for(800_000, seconds=0.01) == 7
    assert settings.epochs_for(800_000, seconds=0.001) == 10
    assert settings.epochs_for(800, seconds=0.01) == 75
    assert TrainingSettings(epochs=90).epochs_for(8_000, seconds=9) == 90


def test_measuring_the_speed_changes_nothing_of_the_training(tmp_path: Path) -> None:
    measured, free = network(), network()
    fit(measured, examples(), TREE, PACED, tmp_path / "measured")
    fit(free, examples(), TREE, PACED.model_copy(update={"minutes": None}), tmp_path / "free")
    torch.testing.assert_close(weights(measured), weights(free), rtol=0, atol=0)


def test_a_resumed_run_keeps_its_number_of_epochs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = PACED.model_copy(update={"checkpoint_seconds": 0.0})
    with monkeypatch.context() as slow:
        slow.setattr(LOOP, "time", Clock)
        whole = network()
        history = fit(Slow(whole, Clock(), 23.0), examples(), TREE, settings, tmp_path / "whole")
        parts = Slow(network(), Clock(), 23.0)
        with pytest.raises(StopError):
            # three calls measure the speed
            fit(Interrupted(parts, 3 + 9), examples(), TREE, settings, tmp_path / "parts")
    other = network(seed=5)
    resumed = fit(Interrupted(Slow(other, Clock(), 0.0), -1), examples(), TREE, settings, tmp_path / "parts")
    assert len(resumed) == len(history) == 5
    torch.testing.assert_close(weights(other), weights(whole), rtol=0, atol=0)


def test_pasted_images_are_learned_with_their_share(tmp_path: Path) -> None:
    """A batch whose rectangle covers all of an image is that other image with its own label."""
    sides = {0: 0, 1: 0}
    for seed in range(200):
        torch.manual_seed(seed)
        images = torch.arange(4.0)[:, None, None, None].expand(4, 3, 8, 8)
        mixed, others, own = paste(images)
        for row in range(4):
            share = float((mixed[row, 0] == row).float().mean())
            assert share == pytest.approx(own if others[row] != row else 1.0)
            assert set(mixed[row].unique().tolist()) <= {float(row), float(others[row])}
        sides[int(own > 0.5)] += 1
    assert min(sides.values()) > 40
