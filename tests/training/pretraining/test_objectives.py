"""Objectives on tiny networks: who takes part, what comes back, what platforms do to an encoder."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from mep3m.models.networks.fusion import Concatenation
from mep3m.models.networks.product import LevelHeads, ProductNetwork
from mep3m.training.pretraining.objectives import (
    LabelObjective,
    PairObjective,
    PlatformHead,
    PretrainingNetwork,
    Reversed,
    ViewObjective,
)


class Linear(nn.Linear):
    """An encoder of vectors, in place of pixels or tokens."""

    @property
    def width(self) -> int:
        return self.out_features


def network(*names: str, width: int = 4) -> ProductNetwork:
    encoders = {name: Linear(6, width) for name in names}
    return ProductNetwork(encoders, Concatenation([width] * len(names)), LevelHeads(width * len(names), 3))


def batch(*names: str, count: int = 8, **more: Any) -> dict[str, torch.Tensor]:
    values = {name: torch.randn(count, 6) for name in names}
    present = torch.ones(count, len(names), dtype=torch.bool)
    return values | {"present": present, "targets": torch.zeros(count, 1, dtype=torch.long)} | more


def test_the_reversed_gradient_has_the_same_values_and_the_other_sign() -> None:
    values = torch.tensor([1.0, -2.0], requires_grad=True)
    passed = Reversed.apply(values)
    assert torch.equal(passed, values)
    (passed * torch.tensor([3.0, 5.0])).sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == [-3.0, -5.0]


def test_labels_are_learned_by_the_head_of_the_network() -> None:
    product = network("image")
    own = batch("image", targets=torch.tensor([[0], [1], [2], [0]]), count=4)
    loss = LabelObjective(lambda logits, targets: nn.functional.cross_entropy(logits, targets[:, 0]))
    learned = loss(product, own)
    expected = nn.functional.cross_entropy(product(own), own["targets"][:, 0])
    assert torch.allclose(learned.loss, expected)
    assert learned.rows.tolist() == [0, 1, 2, 3]


def test_only_products_with_image_and_title_are_compared() -> None:
    torch.manual_seed(0)
    product, objective = network("image", "title"), PairObjective(4, 4)
    tags = {"category": torch.tensor([0, 0, 1, -1, -1]), "group": torch.tensor([0, 1, 2, 3, 3])}
    own = batch("image", "title", count=5, **tags)
    own["present"][1, 0] = False
    learned = objective(product, own)
    assert learned.rows.tolist() == [0, 2, 3, 4]
    assert learned.vectors.shape == (4, 8)
    few = {name: value[learned.rows] for name, value in own.items()}
    assert torch.allclose(objective(product, few).loss, learned.loss)


def test_kin_are_of_one_category_or_one_duplicate_group() -> None:
    tags = {"category": torch.tensor([0, 0, 1, -1, -1]), "group": torch.tensor([0, 1, 2, 2, 3])}
    same = PairObjective.alike(tags, torch.arange(5)).int().tolist()
    assert same == [[1, 1, 0, 0, 0], [1, 1, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 1]]
    # -1 is no category: two products without one are not alike for that


@pytest.mark.parametrize("present", [0, 1])
def test_a_batch_of_one_pair_teaches_nothing_and_breaks_nothing(present: int) -> None:
    tags = {name: torch.zeros(3, dtype=torch.long) for name in ("category", "group", "platform")}
    own = batch("image", "title", count=3, **tags)
    own["present"][present:] = False
    head = PlatformHead(8, np.array([0, 1]), True, 0.3)
    whole = PretrainingNetwork(network("image", "title"), PairObjective(4, 4), head, "pairs")
    loss = whole(own)
    loss.backward()
    assert float(loss.detach()) == 0


def test_two_views_are_asked_for_and_one_image_alone_has_none_to_differ_from() -> None:
    whole = PretrainingNetwork(network("image"), ViewObjective(4), None, "views")
    assert whole.views == 2
    first = batch("image", other_view=torch.randn(8, 6))
    assert float(whole(first).detach()) > 0
    alone = {name: value[:1] for name, value in first.items()}
    assert float(whole(alone).detach()) == 0
    assert PretrainingNetwork(network("image"), PairObjective(4, 4), None, "x").views == 1


def test_what_is_learned_is_part_of_what_a_run_goes_on_with() -> None:
    one, other = (PretrainingNetwork(network("image"), ViewObjective(4), None, name) for name in "ab")
    assert str(one.criterion) != str(other.criterion)
    assert float(one.criterion(torch.tensor(2.5), torch.zeros(1))) == 2.5


def test_a_platform_of_few_products_counts_like_one_of_many() -> None:
    head = PlatformHead(4, np.array([0] * 9 + [1]), False, 1.0)
    assert head.get_buffer("balance").tolist() == pytest.approx([10 / 18, 5.0])
    with torch.no_grad():
        for value in head.layers.parameters():
            value.zero_()
    # of a head that knows nothing, each platform costs log 2
    assert float(head(torch.randn(10, 4), torch.tensor([0] * 9 + [1])).detach()) == pytest.approx(np.log(2))


def told(signal: str) -> tuple[float, float]:
    """Return how well a fresh linear head tells platform and label from vectors, after some training."""
    torch.manual_seed(0)
    count = 256
    label, platform = torch.arange(count) % 2, torch.arange(count) // 2 % 2
    values = torch.randn(count, 6) * 0.3
    values[:, 0] += 2.0 * label
    values[:, 1] += 2.0 * platform
    product = network("image", width=3)
    adversarial = signal == "adversarial"
    head = None if signal == "none" else PlatformHead(3, platform.numpy(), adversarial, 1.0)
    objective = LabelObjective(lambda logits, targets: nn.functional.cross_entropy(logits, targets[:, 0]))
    whole = PretrainingNetwork(product, objective, head, signal)
    own = {"image": values, "present": torch.ones(count, 1, dtype=torch.bool)}
    own |= {"targets": label[:, None], "platform": platform}
    optimiser = torch.optim.AdamW(whole.parameters(), 0.01, weight_decay=0.05)
    for step in range(300):
        for part in optimiser.param_groups:
            part["lr"] = 0.01 * (1 - step / 300)
        optimiser.zero_grad()
        whole(own).backward()
        optimiser.step()
    vectors = product.encode(own).detach()
    vectors = (vectors - vectors.mean(0)) / (vectors.std(0) + 1e-6)
    scores = []
    for truth in (platform, label):
        weights = torch.linalg.lstsq(vectors, 2.0 * truth[:, None] - 1).solution
        scores.append(float(((vectors @ weights)[:, 0] > 0).eq(truth.bool()).float().mean()))
    return scores[0], scores[1]


def test_vectors_tell_platforms_with_an_auxiliary_head_and_not_with_an_adversarial_one() -> None:
    (with_head, label), (against, own) = told("auxiliary"), told("adversarial")
    assert with_head > 0.95
    assert against < 0.65
    assert min(label, own) > 0.95
