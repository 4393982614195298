"""From a plan to accuracies: a whole network trained twice, heads on a frozen one, and the counting."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mep3m.errors import ModelError, UsageError
from mep3m.recipes.novel.draw import NovelDraw
from mep3m.recipes.novel.plan import NovelProtocol, make_plan
from mep3m.recipes.novel.represent import Represented, represent, score
from mep3m.recipes.novel.start import EPOCHS, start_from
from mep3m.recipes.novel.transfer import Transfer
from tests.cli.runner import ran
from tests.recipes.novel.conftest import QUICK, opened

PROTOCOL = NovelProtocol(novel_per_group=2, shots=3, seeds=(0, 1))


@pytest.fixture(scope="session")
def encoder(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the smallest network, which has learned the colours."""
    run = tmp_path_factory.mktemp("encoder") / "run"
    sets = [
        word for name, value in (QUICK | {"epochs": "20"}).items() for word in ("--set", f"{name}={value}")
    ]
    columns = ("--image", "file", "--labels", "kind,product", "--modality", "image", "--model", "small-cnn")
    assert ran("train", shelf / "shelf.tsv", *columns, *sets, "--out", run).code == 0
    return run


def measured(shelf: Path, weights: str, model: str | None = None, **options: str) -> Represented:
    start = start_from(weights, model, options)
    return represent(opened(shelf / "shelf.tsv"), opened(shelf / "test.tsv"), start, PROTOCOL)


def test_a_network_from_random_weights_is_trained_whole(shelf: Path) -> None:
    found = measured(shelf, "none", **QUICK)
    assert (found.start.model, found.start.facts()["source"]) == ("small-cnn", None)
    assert [one.rows for one in found.scores] == [24, 24]
    again = measured(shelf, "none", **QUICK)
    assert again.scores == found.scores


def test_heads_on_an_encoder_that_knows_colours_find_novel_ones(shelf: Path, encoder: Path) -> None:
    found = measured(shelf, str(encoder), "pretrained")
    assert found.start.network.frozen
    mean = found.mean("novel")
    assert mean is not None
    assert mean.value > 0.8  # chance is an eighth
    random = measured(shelf, "none", **QUICK).mean("novel")
    assert random is not None
    assert random.value < mean.value


def test_the_whole_of_a_small_encoder_is_trained_from_where_it_was(
    shelf: Path, encoder: Path, tmp_path: Path
) -> None:
    """With steps of no length nothing moves, so what it ends with is what it began with."""
    start = start_from(str(encoder), options={"epochs": "1", "learning_rate": "1e-12", "weight_decay": "0"})
    assert not start.network.frozen
    assert start.weights is not None
    plan = make_plan(opened(shelf / "shelf.tsv"), None, PROTOCOL, tmp_path / "looked-at")
    work = Transfer(start, plan.table, plan.test, plan.tests[0], tmp_path)
    draw = plan.draws[0]
    base = work.train(draw.base, draw, start.weights, 0, "base")
    assert base.tree.leaves.size == len(draw.base)
    kept = base.network.encoders["image"].network.state_dict()
    for name, value in start.weights.tensors.items():
        if name.endswith("weight"):
            assert torch.allclose(kept[name], value, atol=1e-6), name


def test_seeds_have_a_mean_with_an_interval_and_one_seed_its_own(shelf: Path, encoder: Path) -> None:
    found = measured(shelf, str(encoder), "pretrained")
    said = found.to_json()
    assert said["all"] == pytest.approx(np.mean([one["all"]["value"] for one in said["seeds"]]))
    assert said["intervals"]["novel"]["low"] <= said["novel"] <= said["intervals"]["novel"]["high"]
    assert (said["base_classes"], said["novel_classes"]) == (4, 4)
    one = Represented(found.plan, found.start, found.scores[:1])
    assert one.mean("all") == found.scores[0].all


def test_accuracies_count_each_row_once() -> None:
    draw = NovelDraw((("g", "a"),), (("g", "b"),), {})
    truth = [("g", "a")] * 4 + [("g", "b")] * 2 + [("g", "new")]
    found = score(3, draw, truth, np.array([True, True, True, False, True, False, False]))
    assert found.novel is not None
    assert found.base is not None
    assert (found.all.value, found.novel.value, found.base.value) == (4 / 7, 1 / 2, 3 / 4)
    assert (found.rows, found.unseen) == (7, 1)


def test_a_test_without_novel_products_has_no_accuracy_of_them() -> None:
    draw = NovelDraw((("g", "a"),), (("g", "b"),), {})
    assert score(0, draw, [("g", "a")], np.array([True])).novel is None


@pytest.mark.parametrize(
    ("weights", "model", "options", "message"),
    [
        ("none", "pretrained", {}, "all of it has to be trained"),
        ("none", "bilstm", {}, "does not take image"),
        ("none", "small-cn", {}, "did you mean 'small-cnn'"),
        ("none", None, {"epoch": "1"}, "did you mean 'epochs'"),
        ("no/where", None, {}, "no weights at no/where"),
        ("packaged", "timm", {"backbone": "resnet18"}, "no package holds weights of resnet18"),
        ("packaged", None, {"optimiser": "adamw"}, "lbfgs"),
    ],
)
def test_a_start_that_cannot_be_is_refused(
    weights: str, model: str | None, options: dict[str, str], message: str
) -> None:
    with pytest.raises((UsageError, ModelError), match=message):
        start_from(weights, model, options)


def test_a_whole_network_is_trained_as_long_everywhere_unless_somebody_says_how_long() -> None:
    assert start_from("none").training.epochs == EPOCHS
    for said, epochs in (({"epochs": "3"}, 3), ({"minutes": "2"}, None), ({"samples": "900"}, None)):
        assert start_from("none", options=said).training.epochs == epochs


def test_an_encoder_of_titles_is_refused(run_folder: Path, shelf: Path, tmp_path: Path) -> None:
    vectors = tmp_path / "v.parquet"
    assert (
        ran("embed", shelf / "shelf.tsv", "--title", "product", "--modality", "text", "--out", vectors).code
        == 0
    )
    with pytest.raises(UsageError, match="encodes the title, and what is learned here are pictures"):
        start_from(str(tmp_path / "v.text"))
    with pytest.raises(ModelError, match="holds no encoder"):
        start_from(str(run_folder))
