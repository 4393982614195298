from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from mep3m.label_tree.tree import LabelTree
from mep3m.models.networks.image import normalise
from mep3m.models.pretrained.figures import IMAGENET, Normalisation
from mep3m.settings.training import PAPER, TrainingSettings
from mep3m.training.examples import balanced_weights, epoch_order, plan_batches
from mep3m.training.loop.augment import augment, side_at
from mep3m.training.loop.optimise import rate_at
from mep3m.training.loop.tracking import duration
from mep3m.training.losses import LevelLoss, class_counts, learned_codes
from tests.models.catalogue import TREE

PLAIN = TrainingSettings(label_smoothing=0)
TARGETS = TREE.encode([("food", "tea"), ("food",), ("home", "lamp")])
COUNTS = class_counts(TARGETS, len(TREE))


def loss(logits: torch.Tensor, targets: np.ndarray, **changes: object) -> float:
    criterion = LevelLoss(TREE, COUNTS, PLAIN.model_copy(update=changes))
    return float(criterion(logits, torch.from_numpy(targets.astype(np.int64))))


def test_the_loss_is_the_sum_over_levels_and_missing_labels_are_masked() -> None:
    logits = torch.randn(3, len(TREE))
    first = F.cross_entropy(logits[:, TREE.nodes(1)], torch.tensor([0, 0, 1]))
    local = torch.tensor(TARGETS[[0, 2], 1] - TREE.nodes(2).start).long()
    second = F.cross_entropy(logits[[0, 2]][:, TREE.nodes(2)], local)
    assert loss(logits, TARGETS) == pytest.approx(float(first + second), rel=1e-5)
    changed = logits.clone()
    changed[1, TREE.nodes(2)] += 50
    assert loss(changed, TARGETS) == pytest.approx(loss(logits, TARGETS), rel=1e-5)


@pytest.mark.parametrize("kind", ["cross_entropy", "balanced_softmax", "focal"])
def test_a_level_without_a_label_adds_nothing(kind: str) -> None:
    logits = torch.randn(3, len(TREE))
    coarse = TARGETS.copy()
    coarse[:, 1] = -1
    criterion = LevelLoss(TREE, COUNTS, PLAIN.model_copy(update={"loss": kind, "label_smoothing": 0.1}))
    alone = logits.clone()
    alone[:, TREE.nodes(2)] = torch.randn(3, len(TREE) - TREE.nodes(2).start)
    values = [float(criterion(given, torch.from_numpy(coarse.astype(np.int64)))) for given in (logits, alone)]
    assert values[0] == values[1] > 0


def test_the_focal_loss_is_the_mean_over_known_rows_of_weighted_cross_entropy() -> None:
    logits = torch.randn(3, len(TREE))
    total = 0.0
    for level in range(2):
        nodes, known = TREE.nodes(level + 1), TARGETS[:, level] >= 0
        chances = logits[known][:, nodes].softmax(1).numpy()
        true = chances[np.arange(known.sum()), TARGETS[known, level] - nodes.start]
        total += float(np.mean((1 - true) ** 2 * -np.log(true)))
    assert loss(logits, TARGETS, loss="focal", gamma=2.0) == pytest.approx(total, rel=1e-5)


def test_an_unlabelled_row_has_no_part_in_the_slope_of_the_focal_loss() -> None:
    logits = torch.zeros(3, len(TREE))
    logits[1, TREE.nodes(2).start] = 200.0  # as sure as can be of a node that nobody asked for
    logits.requires_grad_()
    criterion = LevelLoss(TREE, COUNTS, PLAIN.model_copy(update={"loss": "focal", "gamma": 0.5}))
    criterion(logits, torch.from_numpy(TARGETS.astype(np.int64))).backward()
    assert logits.grad is not None
    assert bool(logits.grad.isfinite().all())
    assert not logits.grad[1, TREE.nodes(2)].any()


def test_no_label_at_all_is_no_loss_and_has_a_gradient() -> None:
    logits = torch.randn(2, len(TREE), requires_grad=True)
    criterion = LevelLoss(TREE, COUNTS, PLAIN)
    total = criterion(logits, torch.full((2, 2), -1))
    total.backward()
    assert float(total.detach()) == 0
    assert logits.grad is not None


def test_with_flat_heads_a_name_below_several_parents_is_learned_as_one_class() -> None:
    tree = LabelTree.from_paths([("a", "x"), ("b", "x"), ("b", "y")])
    codes = tree.encode([("a", "x"), ("b", "x"), ("b", "y"), ("b",)])
    learned = learned_codes(codes, tree, "flat", "focal")
    np.testing.assert_array_equal(learned[:, 0], codes[:, 0])
    first = tree.index(("a", "x"))
    assert learned[:, 1].tolist() == [first, first, tree.index(("b", "y")), -1]
    for hierarchy, kind in (("flat", "marginal"), ("coarse-to-fine", "focal")):
        assert learned_codes(codes, tree, hierarchy, kind) is codes  # type: ignore[arg-type]


def test_balanced_softmax_adds_the_log_of_the_counts() -> None:
    logits = torch.zeros(3, len(TREE))
    targets = TARGETS.copy()
    targets[:, 1] = -1
    expected = (-2 * math.log(2 / 3) - math.log(1 / 3)) / 3
    assert loss(logits, targets, loss="balanced_softmax") == pytest.approx(expected, rel=1e-5)
    half = loss(logits, targets, loss="logit_adjustment", tau=0.0)
    assert half == pytest.approx(math.log(2), rel=1e-5)
    assert loss(logits, targets, loss="logit_adjustment", tau=1.0) == pytest.approx(expected, rel=1e-5)


def test_the_focal_loss_without_an_exponent_is_cross_entropy() -> None:
    logits = torch.randn(3, len(TREE))
    assert loss(logits, TARGETS, loss="focal", gamma=0.0) == pytest.approx(loss(logits, TARGETS), rel=1e-5)
    assert loss(logits, TARGETS, loss="focal") < loss(logits, TARGETS)


def test_balanced_sampling_draws_classes_equally() -> None:
    targets = np.array([[0, 2]] * 8 + [[1, 4]] * 2, np.int32)
    weights = balanced_weights(targets)
    assert weights.sum() == pytest.approx(1)
    assert weights[:8].sum() == pytest.approx(0.5)


@given(st.integers(2, 200), st.integers(2, 50))
def test_batches_hold_every_row_once_and_never_one_alone(rows: int, size: int) -> None:
    order = epoch_order(np.arange(rows), None, seed=3, epoch=1)
    plan = plan_batches(order, size)
    assert sorted(np.concatenate(plan).tolist()) == list(range(rows))
    assert min(len(part) for part in plan) >= 2


def test_the_papers_rate_is_halved_every_two_epochs() -> None:
    rates = [rate_at(PAPER, step=0, steps=10, epoch=epoch) for epoch in range(5)]
    np.testing.assert_allclose(rates, [1e-3, 1e-3, 5e-4, 5e-4, 2.5e-4])


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine", "constant"])
def test_rates_stay_between_zero_and_the_top(schedule: str) -> None:
    settings = TrainingSettings.parse({"schedule": schedule}, "test")
    rates = [rate_at(settings, step, 100, 0) for step in range(101)]
    assert max(rates) <= settings.learning_rate * 1.0001
    assert min(rates) > 0
    assert max(rates) == pytest.approx(settings.learning_rate, rel=0.02)


def test_augmentation_keeps_the_shape_and_follows_the_seed() -> None:
    pixels = torch.randint(0, 256, (4, 3, 20, 20), dtype=torch.uint8)
    torch.manual_seed(1)
    first = augment(pixels, 16, TrainingSettings(), IMAGENET)
    torch.manual_seed(1)
    second = augment(pixels, 16, TrainingSettings(), IMAGENET)
    assert first.shape == (4, 3, 16, 16)
    assert torch.equal(first, second)
    assert not torch.equal(first, augment(pixels, 16, TrainingSettings(), IMAGENET))


@pytest.mark.parametrize("figures", [IMAGENET, Normalisation((0.5, 0.4, 0.6), (0.5, 0.3, 0.2))])
@pytest.mark.parametrize("turn", [0.0, 45.0])
def test_an_image_of_one_colour_is_cut_to_that_colour_normalised(turn: float, figures: Normalisation) -> None:
    pixels = torch.tensor([[10, 200, 90], [0, 255, 128]], dtype=torch.uint8)[:, :, None, None].expand(
        -1, -1, 20, 20
    )
    torch.testing.assert_close(
        augment(pixels, 16, TrainingSettings(colour=0, turn=turn), figures), normalise(pixels, 16, figures)
    )


@given(st.integers(0, 1000), st.floats(0.3, 1.0), st.floats(0.0, 0.5))
def test_crops_stay_inside_and_colours_within_their_strength(seed: int, crop: float, colour: float) -> None:
    torch.manual_seed(seed)
    pixels = torch.randint(60, 200, (3, 3, 20, 20), dtype=torch.uint8)
    cut = augment(pixels, 12, TrainingSettings(crop=crop, colour=colour), IMAGENET)
    bounds = normalise(
        torch.tensor([60, 199], dtype=torch.uint8)[:, None, None, None].expand(2, 3, 1, 1), 1, IMAGENET
    )
    # contrast scales the normalised values, brightness and tint move them
    low = torch.minimum(bounds[0] * (1 - colour), bounds[0] * (1 + colour)) - 1.3 * colour
    high = torch.maximum(bounds[1] * (1 - colour), bounds[1] * (1 + colour)) + 1.3 * colour
    assert bool((cut >= low - 1e-3).all())
    assert bool((cut <= high + 1e-3).all())


def test_half_of_the_images_are_mirrored() -> None:
    torch.manual_seed(0)
    rising = torch.arange(20, dtype=torch.uint8).mul(10).expand(400, 3, 20, 20)
    cut = augment(rising, 8, TrainingSettings(crop=0.9, colour=0), IMAGENET)
    falling = (cut[:, 0, 0, 0] > cut[:, 0, 0, -1]).float().mean()
    assert 0.4 < float(falling) < 0.6


def test_images_are_turned_both_ways_and_no_further() -> None:
    torch.manual_seed(0)
    # a bright upper half: turned to the right, its right end sinks
    upper = torch.zeros(300, 3, 32, 32, dtype=torch.uint8)
    upper[:, :, :16] = 200
    cut = augment(upper, 32, TrainingSettings(crop=1, colour=0, turn=20), IMAGENET)[:, 0]
    heights = (cut > 0).float().sum(1)
    tilt = (heights[:, 24] - heights[:, 8]) / 16
    assert 0.3 < float((tilt > 0).float().mean()) < 0.7
    assert float(tilt.abs().max()) < math.tan(math.radians(20)) * 4 / 3 + 0.15
    assert float(tilt.abs().mean()) > 0.05


def test_images_grow_in_steps_and_end_whole() -> None:
    sides = [side_at(80, 0.5, epoch, 20) for epoch in range(20)]
    assert sides[0] == 40
    assert sides == sorted(sides)
    assert all(side % 8 == 0 for side in sides)
    assert sides[14:] == [80] * 6
    assert {side_at(30, 1.0, epoch, 3) for epoch in range(3)} == {30}
    assert side_at(50, 0.5, 19, 20) == 50


@pytest.mark.parametrize(("rows", "epochs"), [(100, 80), (8_000, 25), (1_000_000, 10), (2_640, 76)])
def test_small_tables_are_read_more_often(rows: int, epochs: int) -> None:
    assert TrainingSettings().epochs_for(rows) == epochs


@pytest.mark.parametrize(("seconds", "text"), [(4.2, "4 s"), (75, "1 min 15 s"), (3720, "1 h 02 min")])
def test_durations_in_words(seconds: float, text: str) -> None:
    assert duration(seconds) == text
