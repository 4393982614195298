from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from mep3m.errors import ModelError, SettingsError, UsageError
from mep3m.label_tree.probabilities import TOLERANCE, incoherence
from mep3m.label_tree.tree import LabelTree
from mep3m.models.classifier import load
from mep3m.models.features import frozen_features, open_backbone
from mep3m.models.inputs import pixels
from mep3m.models.networks.build import build_network
from mep3m.settings.network import ImageSettings, NetworkSettings
from mep3m.training import late_fusion, network
from mep3m.training.loop.fit import FitState
from mep3m.training.network_presets import RECIPES, resolve
from mep3m.training.registry import MODELS
from mep3m.training.task import clear_checkpoints
from tests.models.catalogue import TREE, products
from tests.training.tasks import task_of

TINY = {
    "epochs": 12,
    "batch": 8,
    "pixels": 32,
    "backbone": "test_resnet",
    "learning_rate": 0.01,
    "average": "none",
}
#: the same for a late fusion
FUSED = TINY | {"image_model": "small-cnn"}


def accuracy(proba: np.ndarray, codes: np.ndarray) -> float:
    nodes = TREE.nodes(2)
    known = codes[:, 1] >= 0
    return float((proba[known, nodes].argmax(1) + nodes.start == codes[known, 1]).mean())


def test_every_recipe_is_a_model_and_every_network_a_recipe() -> None:
    assert set(RECIPES) == {name for name, entry in MODELS.items() if entry.module == network.__name__}


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_can_be_changed_on_the_command_line(name: str) -> None:
    changed, training = resolve(name, {"epochs": "3", "hidden": "4096,4096", "network.dropout": "0.5"})
    assert training.epochs == 3
    assert changed.hidden == (4096, 4096)
    assert changed.dropout == 0.5


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("lstm", {"epoch": 3}, "did you mean 'epochs'"),
        ("lstm", {"epochs": "many"}, "epochs = 'many' is not allowed"),
        ("lstm", {"pixels": 3}, "unknown option 'pixels'"),
        ("lstm", {"preset": "papre"}, "did you mean 'paper'"),
        ("joint", {"weights": "x"}, "image.weights or text.weights"),
        ("timm", {"arguments": "{"}, "has to be a JSON object"),
        ("timm", {"ocr": "true"}, "needs a model that reads text"),
    ],
)
def test_wrong_options_say_what_to_write(name: str, options: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        resolve(name, options)


def test_options_reach_their_part() -> None:
    changed, training = resolve(
        "lmf",
        {
            "ocr": "true",
            "text.hidden": "9",
            "image.arguments": '{"a": 1}',
            "preset": "modern",
            "clip": "none",
        },
    )
    assert changed.ocr == changed.title
    assert changed.title is not None
    assert changed.title.hidden == 9
    assert changed.image is not None
    assert changed.image.arguments == {"a": 1}
    assert training.clip is None
    assert training.optimiser == "adamw"


def test_a_network_by_its_name_trains_saves_and_reports(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 36)
    images.file(table["image"][3].as_py()).write_bytes(b"broken")
    task = task_of(table, images, "small-cnn", TINY, valid=9)
    trained = network.train(task, tmp_path / "run")
    assert trained.valid_proba.shape == (9, len(TREE))
    assert accuracy(trained.valid_proba, task.codes[task.valid]) > 0.8
    assert [reject["product"] for reject in trained.log["unreadable_images"]] == ["p3"]
    again = load(tmp_path / "run").predict_proba(table.take(task.valid), images)
    np.testing.assert_array_equal(again, trained.valid_proba)


@pytest.mark.parametrize("order", [("bf16", "float32", "bf16"), ("float32", "bf16"), ("auto", "float32")])
def test_trainings_of_different_precision_in_one_process(order: tuple[str, ...], tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 16)
    for run, precision in enumerate(order):
        task = task_of(table, images, "small-cnn", TINY | {"epochs": 1, "precision": precision}, valid=4)
        trained = network.train(task, tmp_path / str(run))
        assert trained.log["training"]["precision"] == precision
        assert np.isfinite(trained.valid_proba).all()


def test_late_fusion_uses_both_and_either(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 60)
    task = task_of(table, images, "late-fusion", FUSED | {"text.min_ngram": 2}, valid=15)
    trained = late_fusion.train(task, tmp_path / "run")
    trained.classifier.save(tmp_path / "run")
    assert accuracy(trained.valid_proba, task.codes[task.valid]) > 0.8
    assert np.array(trained.log["weights"]).shape == (2, 2)
    model = load(tmp_path / "run")
    for column in ("title", "image"):
        one = table.set_column(table.schema.get_field_index(column), column, [[None] * 60])
        assert accuracy(model.predict_proba(one, images), task.codes) > 0.8


def test_late_fusion_along_the_tree_is_coherent(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 60)
    task = task_of(table, images, "late-fusion", FUSED | {"text.min_ngram": 2, "epochs": 4}, valid=15)
    settings = task.settings.model_copy(update={"hierarchy": "coarse-to-fine"})
    trained = late_fusion.train(replace(task, settings=settings), tmp_path / "run")
    trained.classifier.save(tmp_path / "run")
    model = load(tmp_path / "run")
    titles = table.set_column(table.schema.get_field_index("image"), "image", [[None] * 60])
    for rows in (table, titles):
        assert incoherence(TREE, model.predict_proba(rows, images)) <= TOLERANCE
    np.testing.assert_array_equal(model.predict_proba(table), trained.classifier.predict_proba(table))
    assert incoherence(TREE, trained.valid_proba) <= TOLERANCE


@pytest.mark.parametrize(("model", "order"), [("linear", "coarse-to-fine"), ("bilstm", "flat")])
def test_the_order_without_a_wish_is_the_one_recommended(model: str, order: str, tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 6)
    task = task_of(table, images, model)
    assert task.hierarchy == order
    top = LabelTree.from_paths([("food",), ("home",)])
    assert replace(task, tree=top).hierarchy == "flat"
    wish = task.settings.model_copy(update={"hierarchy": "fine-to-coarse"})
    assert replace(task, settings=wish).hierarchy == "fine-to-coarse"


class StopError(Exception):
    """A kill after the two parts of a late fusion."""


def test_a_late_fusion_takes_up_its_finished_image_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, images = products(tmp_path / "images", 30)
    task = task_of(table, images, "late-fusion", FUSED | {"epochs": 2}, valid=8)
    whole = late_fusion.train(task, tmp_path / "whole")
    with monkeypatch.context() as killed:
        killed.setattr(late_fusion, "learn_weights", lambda *_: (_ for _ in ()).throw(StopError))
        with pytest.raises(StopError):
            late_fusion.train(task, tmp_path / "run")
    monkeypatch.setattr(FitState, "_epoch", lambda _: pytest.fail("an epoch of the image part was repeated"))
    resumed = late_fusion.train(task, tmp_path / "run")
    np.testing.assert_array_equal(resumed.valid_proba, whole.valid_proba)
    assert len(resumed.log["image"]["epochs"]) == 2
    clear_checkpoints(tmp_path / "run")
    assert not list((tmp_path / "run").rglob("checkpoint.pt"))


def test_a_broken_image_leaves_the_decision_to_the_text(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 40)
    task = task_of(table, images, "late-fusion", FUSED | {"epochs": 2}, valid=8)
    model = late_fusion.train(task, tmp_path / "run").classifier
    blind = table.set_column(table.schema.get_field_index("image"), "image", [[None] * 40])
    expected = model.predict_proba(blind, images)
    for row, content in ((5, b"broken"), (6, b"")):
        images.file(table["image"][row].as_py()).write_bytes(content)
    found = model.predict(table, images)
    np.testing.assert_array_equal(found.proba[5:7], expected[5:7])
    assert not np.allclose(found.proba[4], expected[4])
    assert [reject.product for reject in found.rejects] == ["p5", "p6"]
    assert found.seen.all()


def test_held_out_rows_with_broken_images_do_not_weigh_the_parts(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 30)
    for row in range(22, 30):
        images.file(table["image"][row].as_py()).write_bytes(b"broken")
    trained = late_fusion.train(
        task_of(table, images, "late-fusion", FUSED | {"epochs": 1}, valid=8), tmp_path / "run"
    )
    assert trained.log["weights"] == [[1.0, 1.0]] * 2
    assert trained.valid_seen.all()


@pytest.mark.parametrize("workers", [0, 2])
def test_images_decoded_each_time_train_as_well(workers: int, tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 30)
    images.file(table["image"][3].as_py()).write_bytes(b"broken")
    options = TINY | {"cache_images": "false", "epochs": 2, "workers": workers}
    trained = network.train(task_of(table, images, "small-cnn", options, valid=6), tmp_path / "run")
    assert [reject["product"] for reject in trained.log["unreadable_images"]] == ["p3"]
    assert not list((tmp_path / "run/work").glob("pixels-*"))


def test_the_small_network_trains_in_bfloat16(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 16)
    options = {"epochs": 1, "batch": 8, "pixels": 32, "arguments": '{"width": 8}', "precision": "bf16"}
    trained = network.train(task_of(table, images, "small-cnn", options, valid=4), tmp_path / "run")
    assert np.isfinite(trained.valid_proba).all()


@pytest.mark.parametrize(("augment", "side"), [("true", 40), ("false", 32)])
def test_prediction_decodes_images_as_training_did(
    augment: str, side: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, images = products(tmp_path / "images", 12)
    options = TINY | {"epochs": 1, "augment": augment}
    trained = network.train(task_of(table, images, "small-cnn", options, valid=3), tmp_path / "run")
    assert (tmp_path / f"run/work/pixels-{side}/values.bin").exists()
    sides: list[int] = []
    squared = pixels.squared

    def noted(content: bytes | Path, size: int, most: int, crops: tuple[float, ...]) -> pixels.Pixels:
        sides.append(size)
        return squared(content, size, most, crops)

    monkeypatch.setattr(pixels, "squared", noted)
    again = load(tmp_path / "run").predict_proba(table.take(np.arange(9, 12)), images)
    assert set(sides) == {side}
    np.testing.assert_array_equal(again, trained.valid_proba)


def test_a_network_that_learns_with_backgrounds_is_another_one(tmp_path: Path) -> None:
    rows, images = products(tmp_path / "images", 12)  # the rice of the catalogue is white
    options = TINY | {"epochs": 1, "batch": 8}
    losses = []
    for chance in (0.0, 1.0, 1.0):
        task = task_of(rows, images, "small-cnn", options | {"background": chance})
        trained = network.train(task, tmp_path / f"run{len(losses)}")
        losses.append(trained.log["epochs"][0]["loss"])
    assert losses[0] != losses[1] == losses[2]


def test_images_that_grow_train_and_a_network_of_one_size_refuses_them(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 16)
    options = TINY | {"epochs": 2, "grow": 0.5, "precision": "bf16"}
    trained = network.train(task_of(table, images, "small-cnn", options, valid=4), tmp_path / "run")
    assert np.isfinite(trained.valid_proba).all()
    fixed = options | {"backbone": "test_vit", "pixels": 160}
    with pytest.raises(UsageError, match="test_vit does not take images of 88 pixels, which grow"):
        network.train(task_of(table, images, "small-cnn", fixed), tmp_path / "fixed")


@pytest.mark.parametrize("form", ["model.safetensors", "weights.pth", "pytorch_model.bin"])
def test_pretrained_image_weights_from_a_local_folder(form: str, tmp_path: Path) -> None:
    source = timm.create_model("test_resnet", num_classes=10)
    state = source.state_dict()
    path = tmp_path / form
    if form.endswith("safetensors"):
        save_file(state, path)
    else:
        torch.save(state, path)
    given = str(tmp_path if form != "weights.pth" else path)
    settings = NetworkSettings(image=ImageSettings(backbone="test_resnet", pixels=32, weights=given))
    encoder = build_network(settings, TREE, {}).encoders["image"].eval()
    pixels = torch.randn(2, 3, 32, 32)
    source.reset_classifier(0)
    torch.testing.assert_close(encoder(pixels), source.eval()(pixels))


@pytest.mark.parametrize(
    ("content", "says"), [(None, "no weights at"), (b"x", "not a readable"), ({}, "does not fit the network")]
)
def test_image_weights_that_cannot_be_used(content: Any, says: str, tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(ModelError, match=says):
        find_and_load(path)


def find_and_load(path: Path) -> None:
    image = ImageSettings(backbone="test_resnet", pixels=32, weights=str(path))
    build_network(NetworkSettings(image=image), TREE, {})


def tiny_bert(folder: Path) -> Path:
    """Write a BERT of two thousand weights with its tokeniser, as transformers saves them."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "tea", "rice", "lamp", "no", *"0123456789"]
    BertTokenizerFast(vocab={word: i for i, word in enumerate(words)}).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def test_bert_from_a_local_folder_trains_and_loads_without_it(tmp_path: Path) -> None:
    table, _ = products(tmp_path / "images", 36)
    source = tiny_bert(tmp_path / "bert")
    options = {"weights": str(source), "epochs": 25, "learning_rate": 0.01, "batch": 8, "max_tokens": 8}
    task = task_of(table, None, "bert", options, valid=9)
    trained = network.train(task, tmp_path / "run")
    assert accuracy(trained.valid_proba, task.codes[task.valid]) > 0.8
    source.rename(tmp_path / "gone")
    again = load(tmp_path / "run").predict_proba(table.take(task.valid))
    np.testing.assert_allclose(again, trained.valid_proba, atol=1e-6)


def test_a_tokeniser_of_another_model_is_refused(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    table, _ = products(tmp_path / "images", 6)
    source = tiny_bert(tmp_path / "bert")
    larger = AutoTokenizer.from_pretrained(source)
    larger.add_tokens(["pu-erh", "basmati"])
    larger.save_pretrained(source)
    task = task_of(table, None, "bert", {"weights": str(source)})
    with pytest.raises(ModelError, match="the tokeniser has 22 tokens and the model knows 20"):
        network.train(task, tmp_path / "run")


def test_bert_that_is_not_there_says_so(tmp_path: Path) -> None:
    table, _ = products(tmp_path / "images", 6)
    task = task_of(table, None, "bert", {"weights": str(tmp_path / "nowhere")})
    with pytest.raises(ModelError, match="give a local folder"):
        network.train(task, tmp_path / "run")


def test_frozen_features_are_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, images = products(tmp_path / "images", 12, without="image")
    torch.manual_seed(0)
    weights = tmp_path / "w.pth"
    torch.save(timm.create_model("test_resnet").state_dict(), weights)
    settings = NetworkSettings(image=ImageSettings(backbone="test_resnet", pixels=32, weights=str(weights)))
    backbone = open_backbone(settings)
    first = frozen_features(backbone, table, images, tmp_path / "cache")
    assert first.present().tolist() == [False] + [True] * 11
    monkeypatch.setattr(type(backbone), "encode", lambda *_: pytest.fail("encoded again"))
    second = frozen_features(open_backbone(settings), table.take([5, 2]), images, tmp_path / "cache")
    np.testing.assert_array_equal(second.take(np.array([1]))[0], first.take(np.array([2]))[0])
    monkeypatch.undo()
    torch.manual_seed(1)
    torch.save(timm.create_model("test_resnet").state_dict(), weights)
    other = frozen_features(open_backbone(settings), table, images, tmp_path / "cache")
    assert not np.allclose(other.take(np.array([2]))[0], first.take(np.array([2]))[0])
