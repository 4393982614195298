"""The two losses of pre-training by hand, and what they are blind to."""

import pytest
import torch
from torch.nn import functional as F

from mep3m.training.pretraining.losses import SAME, SPREAD, pair_loss, view_loss

ONE = torch.tensor(1.0)


def unit(*rows: list[float]) -> torch.Tensor:
    return F.normalize(torch.tensor(rows, dtype=torch.float32), dim=1)


def test_without_kin_it_is_the_loss_of_clip() -> None:
    torch.manual_seed(0)
    images, titles = (F.normalize(torch.randn(5, 4), dim=1) for _ in range(2))
    scale, own = torch.tensor(7.0), torch.arange(5)
    logits = scale * images @ titles.T
    clip = (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
    assert torch.allclose(pair_loss(images, titles, torch.eye(5, dtype=torch.bool), scale), clip)


def test_two_products_of_one_category_by_hand() -> None:
    images, titles = unit([1, 0], [1, 0]), unit([1, 0], [0, 1])
    every = torch.ones(2, 2, dtype=torch.bool)
    # logits (1, 0) in both rows; both columns are positives, so the mean of their log shares counts
    shares = torch.tensor([1.0, 0.0]).log_softmax(0)
    rows, columns = -shares.mean(), -torch.tensor(0.5).log()
    assert torch.allclose(pair_loss(images, titles, every, ONE), (rows + columns) / 2)


def test_captions_that_say_a_class_do_not_push_its_products_apart() -> None:
    """Four products of two classes whose titles are the class: a plain loss stays at log 2."""
    both = unit([1, 0], [1, 0], [0, 1], [0, 1])
    classes = torch.tensor([0, 0, 1, 1])
    plain = torch.eye(4, dtype=torch.bool)
    kin = classes[:, None] == classes
    scale = torch.tensor(100.0)
    assert float(pair_loss(both, both, plain, scale)) == pytest.approx(torch.log(torch.tensor(2.0)).item())
    found = both.clone().requires_grad_()
    pair_loss(F.normalize(found, dim=1), both, kin, scale).backward()
    assert found.grad is not None
    assert float(found.grad.abs().max()) < 1e-5  # it is where it wants to be


@pytest.mark.parametrize("kin", [[0, 0, 1], [0, 1, 1], [0, 0, 0]])
def test_a_positive_is_never_a_negative(kin: list[int]) -> None:
    """The gradient pulls an image to the title of its kin that is too far, and not away from it."""
    classes = torch.tensor(kin)
    images = unit([1, 0, 0], [0, 1, 0], [0, 0, 1]).requires_grad_()
    titles = unit([1, 0, 0], [0, 1, 0], [0, 0, 1])
    pair_loss(images, titles, classes[:, None] == classes, ONE).backward()
    assert images.grad is not None
    pull = -(images.grad @ titles.T)
    for one in range(3):
        for other in range(3):
            if one != other:
                assert (float(pull[one, other]) > 0) == (kin[one] == kin[other])


def test_equal_views_that_fill_their_space_cost_nothing_but_the_spread() -> None:
    corners = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]) * 2
    assert float(view_loss(corners, corners)) == pytest.approx(0.0, abs=1e-5)


def test_views_that_differ_by_a_constant_cost_its_square() -> None:
    corners = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]) * 2
    assert float(view_loss(corners, corners + 0.5)) == pytest.approx(SAME * 0.25, rel=1e-4)


def test_an_encoder_that_always_says_the_same_is_the_worst() -> None:
    """What collapses is invariant; the variance term sees it."""
    constant = torch.full((6, 3), 0.7)
    loss = float(view_loss(constant, constant))
    assert loss == pytest.approx(2 * SPREAD * (1 - 1e-2) / 2, rel=1e-3)
    torch.manual_seed(1)
    assert loss > float(view_loss(*[torch.randn(6, 3)] * 2))


def test_columns_that_say_the_same_cost_more_than_two_that_differ() -> None:
    torch.manual_seed(2)
    column = torch.randn(64, 1)
    twice, two = torch.cat([column, column], 1), torch.cat([column, torch.randn(64, 1)], 1)
    assert float(view_loss(twice, twice)) > float(view_loss(two, two)) + 0.5


@pytest.mark.parametrize(
    ("seed", "theirs"), [(0, 4.995420932), (1, 4.701124668), (2, 4.502899169), (3, 4.926815033)]
)
def test_it_is_the_loss_of_lightly(seed: int, theirs: float) -> None:
    """`lightly.loss.VICRegLoss()(first, second)` of version 1.6.0 on these vectors."""
    torch.manual_seed(seed)
    first = torch.randn(32, 16)
    second = first + 0.3 * torch.randn(32, 16)
    assert float(view_loss(first, second)) == pytest.approx(theirs, rel=1e-5)
