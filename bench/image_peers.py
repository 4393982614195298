"""What a user would write without mep3m, for `bench.image_quality`: names for every level of test rows."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import timm
import torch
from PIL import Image

from mep3m.models.pretrained.packaged import packaged_weights

PIXELS, BATCH = 64, 64


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def pixels_of(rows: list[dict[str, str]], root: Path, side: int = PIXELS) -> torch.Tensor:
    """Return (N, 3, side, side) float32 pixels between -1 and 1."""
    images = [Image.open(root / row["image"]).convert("RGB").resize((side, side)) for row in rows]
    stack = np.stack([np.asarray(image, dtype=np.float32).transpose(2, 0, 1) for image in images])
    return torch.from_numpy(stack / 127.5 - 1)


def plain_timm(
    train: Path,
    test: Path,
    root: Path,
    labels: tuple[str, ...],
    seed: int,
    minutes: float,
    packaged: str | None = None,
) -> list[list[str]]:
    """A timm ResNet-18 at 64 pixels: the finest label only, Adam at 1e-3, flips, float32, no tricks.

    With the name of a network that has packaged weights that one is fine-tuned at 160 pixels, at 3e-4.
    It trains until its processor minutes are over, decoding included. A coarser level is the one that
    its answer most often lies in.
    """
    rows, side = read(train), 160 if packaged else PIXELS
    classes = sorted({row[labels[-1]] for row in rows})
    *_, (_, network) = fine_tune(rows, root, labels[-1], seed, minutes, packaged)
    with torch.no_grad():
        logits = torch.cat([network(part) for part in pixels_of(read(test), root, side).split(256)])
    answers = [classes[i] for i in logits.argmax(1)]
    coarser = [most_frequent(rows, labels[-1], level) for level in labels]
    return [[above[name] for name in answers] for above in coarser]


def fine_tune(
    rows: list[dict[str, str]],
    root: Path,
    label: str,
    seed: int,
    minutes: float,
    packaged: str | None = None,
) -> Iterator[tuple[float, torch.nn.Module]]:
    """Train as `plain_timm` says; yield processor minutes and the network after every pass and at the end."""
    began = time.process_time()
    torch.manual_seed(seed)
    x = pixels_of(rows, root, 160 if packaged else PIXELS)
    classes = sorted({row[label] for row in rows})
    y = torch.tensor([classes.index(row[label]) for row in rows])
    network = timm.create_model(packaged or "resnet18", pretrained=False)
    if packaged:
        network.load_state_dict(packaged_weights(packaged)[0])
    network.reset_classifier(len(classes))
    network.eval()
    views = [x, x.flip(3)]
    optimiser = torch.optim.Adam(network.parameters(), 3e-4 if packaged else 1e-3)
    spent = 0.0
    while spent < minutes:
        network.train()
        for part in torch.randperm(len(x)).split(BATCH):
            batch = views[int(torch.rand(1) < 0.5)][part]
            loss = torch.nn.functional.cross_entropy(network(batch), y[part])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if (spent := (time.process_time() - began) / 60) > minutes:
                break
        network.eval()
        yield spent, network


def most_frequent(rows: list[dict[str, str]], fine: str, coarse: str) -> dict[str, str]:
    """Return the coarse label that each fine label most often comes with."""
    pairs = Counter((row[fine], row[coarse]) for row in rows)
    return {name: above for (name, above), _ in reversed(pairs.most_common())}


def autogluon(
    train: Path,
    test: Path,
    root: Path,
    labels: tuple[str, ...],
    seed: int,
    minutes: float,
    packaged: str | None = None,
    titles: bool = True,
) -> list[list[str]]:
    """AutoGluon multimodal (`bench.image_autogluon`); a coarser level as in `plain_timm`.

    It starts from scratch or from the packaged weights of a network, on titles and images or images alone.
    """
    if "MEP3M_AUTOGLUON" not in os.environ:
        raise SystemExit("set MEP3M_AUTOGLUON to the Python of an environment that has autogluon.multimodal")
    rows = read(train)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bert = tiny_bert(folder / "bert", [row["title"] for row in rows]) if titles else "-"
        network = [saved_network(packaged, folder / "network")] if packaged else []
        out, script = folder / "out.json", Path(__file__).with_name("image_autogluon.py")
        python = os.environ["MEP3M_AUTOGLUON"]
        command = [python, script, train, test, root, bert, labels[-1], seed, minutes, out, *network]
        subprocess.run([str(part) for part in command], check=True)
        answers = json.loads(out.read_text())
    coarser = [most_frequent(rows, labels[-1], level) for level in labels]
    return [[above[answer] for answer in answers] for above in coarser]


def saved_network(packaged: str, folder: Path) -> Path:
    """Write the packaged weights of a network in the form in which AutoGluon saves one."""
    folder.mkdir()
    network = timm.create_model(packaged, pretrained=False)
    network.load_state_dict(packaged_weights(packaged)[0])
    network.reset_classifier(0)
    torch.save(network.state_dict(), folder / "pytorch_model.bin")
    shape = {key: network.pretrained_cfg[key] for key in ("input_size", "mean", "std")}
    config = {"architecture": packaged, "num_features": network.num_features, "pretrained_cfg": shape}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def linear_svc(
    train: Path, test: Path, root: Path, labels: tuple[str, ...], seed: int, minutes: float
) -> list[list[str]]:
    """Scikit-learn: TF-IDF of characters 1-3 and a LinearSVC for each level."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    rows, asked = read(train), read(test)
    words = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=2)
    x = words.fit_transform([row["title"] for row in rows])
    queries = words.transform([row["title"] for row in asked])
    answers = []
    for level in labels:
        known = [place for place, row in enumerate(rows) if row[level]]
        model = LinearSVC(random_state=seed).fit(x[known], [rows[place][level] for place in known])
        answers.append([str(name) for name in model.predict(queries)])
    return answers


def tiny_bert(folder: Path, titles: list[str | None]) -> Path:
    """Write an untrained BERT of two layers of 128 whose pieces are the words of the training titles."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    if (folder / "config.json").exists():
        return folder
    counts = Counter(word for title in titles for word in (title or "").lower().split())
    letters = sorted({letter for word in counts for letter in word})
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = list(
        dict.fromkeys(
            special
            + letters
            + [f"##{letter}" for letter in letters]
            + [word for word, count in counts.most_common(4000) if count > 1]
        )
    )
    BertTokenizerFast(vocab={piece: i for i, piece in enumerate(pieces)}).save_pretrained(folder)
    torch.manual_seed(0)
    shape = BertConfig(
        vocab_size=len(pieces),
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=512,
    )
    BertModel(shape).save_pretrained(folder)
    return folder
