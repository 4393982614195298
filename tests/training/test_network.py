from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mep3m.models.classifier import load
from mep3m.models.inputs.words import TokenVocabulary
from mep3m.settings.network import ImageSettings, NetworkSettings, TextSettings
from mep3m.settings.training import TrainingSettings
from mep3m.training import network
from mep3m.training.network import train_network
from tests.models.catalogue import TREE, products
from tests.training.tasks import task_of

TINY_TEXT = TextSettings(tokeniser="whitespace", embedding=8, hidden=8, dropout=0)
TINY_IMAGE = ImageSettings(backbone="test_resnet", pixels=32)
QUICK = TrainingSettings(epochs=15, batch=8, precision="float32", average=None, learning_rate=1e-2)

NETWORKS = {
    "lstm": NetworkSettings(title=TINY_TEXT.model_copy(update={"encoder": "lstm"})),
    "bilstm": NetworkSettings(title=TINY_TEXT),
    "image": NetworkSettings(image=TINY_IMAGE),
    "concatenation": NetworkSettings(title=TINY_TEXT, image=TINY_IMAGE, modality_dropout=0.2),
    "tensor": NetworkSettings(title=TINY_TEXT, image=TINY_IMAGE, fusion="tensor", rank=4),
    "low_rank": NetworkSettings(title=TINY_TEXT, image=TINY_IMAGE, fusion="low_rank", rank=2),
    "three modalities": NetworkSettings(
        title=TINY_TEXT, ocr=TINY_TEXT, image=TINY_IMAGE, fusion="tensor", rank=3
    ),
    "two dense layers": NetworkSettings(title=TINY_TEXT, hidden=(64, 64), dropout=0),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_learns_saves_and_predicts_the_same_again(name: str, tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", without="title")
    model, *_ = train_network(task_of(table, images), NETWORKS[name], QUICK, tmp_path / "run")
    model.save(tmp_path / "run")
    before = model.predict_proba(table, images)
    again = load(tmp_path / "run").predict_proba(table, images)
    np.testing.assert_array_equal(before, again)
    for level in (1, 2):
        np.testing.assert_allclose(before[:, TREE.nodes(level)].sum(1), 1, atol=1e-5)
    codes = TREE.encode([("food", "tea"), ("food", "rice"), ("home", "lamp")])
    right = before[1:, TREE.nodes(1)].argmax(1) == codes[np.arange(1, 30) % 3, 0]
    assert right.mean() > 0.8


def test_nothing_is_left_of_what_a_killed_run_had_written(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 12)
    left = tmp_path / "run" / "work" / "scratch-0" / "title.ids"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half a table of numbers")
    quick = QUICK.model_copy(update={"epochs": 1})
    train_network(task_of(table, images, valid=3), NETWORKS["bilstm"], quick, tmp_path / "run")
    assert sorted(path.name for path in (tmp_path / "run" / "work").iterdir()) == [
        "checkpoint.pt",
        "history.jsonl",
    ]


def test_words_and_their_vectors_are_learned_from_the_training_rows_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, _ = products(tmp_path / "images", 12)
    titles = [f"heldout {text}" if row >= 9 else text for row, text in enumerate(table["title"].to_pylist())]
    table = table.set_column(table.schema.get_field_index("title"), "title", [titles])
    given: list[str] = []
    vectors = network.word_vectors

    def read(vocabulary: TokenVocabulary, texts: Iterable[str], width: int, seed: int) -> NDArray[np.float32]:
        given.extend(texts)
        return vectors(vocabulary, texts, width, seed)

    monkeypatch.setattr(network, "word_vectors", read)
    settings = QUICK.model_copy(update={"epochs": 1})
    model, *_ = train_network(task_of(table, None, valid=3), NETWORKS["bilstm"], settings, tmp_path / "run")
    assert given == titles[:9]
    vocabulary = model.coders["title"]
    assert isinstance(vocabulary, TokenVocabulary)
    assert "heldout" not in vocabulary.tokens
