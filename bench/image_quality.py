"""Image, text and both, by model: train on one part of real sets and score on the rest.

    python -m bench.image_quality --out quality.json [--only small-cnn,linear] [--sets fashion] [--seeds 0]

Every model but the defaults gets the same processor minutes (`--minutes`): its epochs are what one
measured step says they may be. All levels of a set are trained in one run. Runs that are in the
result file are not repeated, an interrupted one goes on. `bench.image_tables` prints the tables.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.image_peers import autogluon, linear_svc, plain_timm, tiny_bert
from bench.image_sets import DATA, SETS, rows_of, write_table
from mep3m.assignment.run import Run
from mep3m.dataset.dataset import Dataset
from mep3m.dataset.reading import open_products
from mep3m.evaluation.card import Answers, intervals
from mep3m.evaluation.evaluate import level_truth, score
from mep3m.label_tree.tree import LabelTree
from mep3m.models.networks.build import build_network
from mep3m.recipes.classify import train_run
from mep3m.settings.run import Modality, RunSettings
from mep3m.settings.sources import Columns
from mep3m.training.late_fusion import IMAGE_MODEL
from mep3m.training.loop.fit import mixed_precision
from mep3m.training.network_presets import resolve

#: model -> modality, model of mep3m, options; the paper's networks at a size a processor can train
MODELS: dict[str, tuple[Modality, str, dict[str, Any]]] = {
    "linear": ("text", "linear", {}),
    "late-fusion": ("image+text", "late-fusion", {}),
    "late-fusion, same minutes": ("image+text", "late-fusion", {"image_model": "small-cnn"}),
    "lstm": ("text", "lstm", {"tokeniser": "whitespace"}),
    "bilstm": ("text", "bilstm", {"tokeniser": "whitespace"}),
    "bert": ("text", "bert", {"learning_rate": 1e-3, "batch": 64, "max_tokens": 24}),
    "resnet50": ("image", "resnet50", {"pixels": 48}),
    "vgg19": ("image", "vgg19", {"pixels": 32}),
    "inception-v3": ("image", "inception-v3", {"pixels": 75}),
    "pretrained": ("image", "pretrained", {}),
    "small-cnn": ("image", "small-cnn", {}),
    "small-cnn, same minutes": ("image", "small-cnn", {}),
    "vgg+bilstm": ("image+text", "vgg+bilstm", {"pixels": 32, "tokeniser": "whitespace"}),
    "tfn": ("image+text", "tfn", {"pixels": 32, "tokeniser": "whitespace"}),
    "lmf": ("image+text", "lmf", {"pixels": 32, "tokeniser": "whitespace"}),
    "joint": ("image+text", "joint", {"tokeniser": "whitespace"}),
}
#: trained as they come out of the box; all others get `--minutes`
DEFAULTS = ("linear", "late-fusion", "pretrained", "small-cnn")
PEERS: dict[str, Callable[..., list[list[str]]]] = {
    "plain timm": plain_timm,
    "timm fine-tuned": partial(plain_timm, packaged="tf_efficientnet_lite0"),
    "TF-IDF + SVC": linear_svc,
    "AutoGluon": autogluon,
    "AutoGluon, images": partial(autogluon, titles=False),
    "AutoGluon, packaged weights": partial(autogluon, packaged="tf_efficientnet_lite0", titles=False),
}
PEER_MODALITY = {
    "plain timm": "image",
    "timm fine-tuned": "image",
    "TF-IDF + SVC": "text",
    "AutoGluon": "image+text",
    "AutoGluon, images": "image",
    "AutoGluon, packaged weights": "image",
}


def seconds_per_row(model: str, options: dict[str, Any], depth: int = 3) -> float:
    """Return the processor seconds that one training row costs: the better of three steps of 64 rows."""
    network, training = resolve(model, options)
    tree = LabelTree.from_paths([tuple(f"{level}.{i}" for level in range(depth)) for i in range(75)])
    texts = [name for name in network.modalities if name != "image"]
    # a pre-trained encoder knows fewer ids than others have by default
    known = 50 if network.title and network.title.weights else 5000
    part = build_network(network, tree, dict.fromkeys(texts, known)).train()
    low = mixed_precision(training) == "bf16"
    part = part.to(memory_format=torch.channels_last) if low else part
    inputs: dict[str, torch.Tensor] = {name: torch.randint(1, known, (64, 12)) for name in texts}
    if network.image is not None:
        inputs["image"] = torch.randn(64, 3, network.image.pixels, network.image.pixels)
    inputs["present"] = torch.ones(64, len(network.modalities), dtype=torch.bool)
    optimiser = torch.optim.Adam(part.parameters())
    times = []
    for _ in range(3):
        began = time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            loss = part(inputs).float().square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        times.append(time.process_time() - began)
    return min(times) / 64


def seconds() -> float:
    """Return the processor seconds of this process and of those it has waited for."""
    return sum(os.times()[:4])


def tables(name: str, work: Path) -> tuple[Path, Path]:
    """Write the two tables of a set once."""
    train, test = work / f"{name}-train.tsv", work / f"{name}-test.tsv"
    if not test.exists():
        parts = rows_of(name)
        write_table(train, parts[0])
        write_table(test, parts[1])
    return train, test


def columns_of(name: str) -> Columns:
    title = "title" if SETS[name].title else None
    return Columns(id="id", title=title, image="image", labels=SETS[name].labels)


def train_one(name: str, model: str, seed: int, run: Path, minutes: float) -> dict[str, Any]:
    """Train one model of mep3m into `run`; return its processor seconds and what it was given."""
    train, _ = tables(name, run.parent)
    root = DATA / SETS[name].folder
    opened = open_products(train, columns_of(name), root)
    modality, kind, options = MODELS[model]
    if model == "bert":
        options = options | {"weights": str(tiny_bert(run / "start", opened.products["title"].to_pylist()))}
    if model not in DEFAULTS:
        step = seconds_per_row("small-cnn" if kind == "late-fusion" else kind, options)
        rows = 0.9 * opened.products.num_rows
        # text networks have learned what they can long before the minutes are over
        most = 15 if modality == "text" else 80
        options = options | {"epochs": min(max(1, round(minutes * 60 / step / rows)), most)}
    settings = RunSettings(modality=modality, model=kind, seed=seed, options=options)
    began = time.process_time()
    train_run(opened, columns_of(name), root.resolve(), settings, run)
    shown = {key: value for key, value in options.items() if key != "weights"}
    return {"cpu_seconds": round(time.process_time() - began), "options": shown}


def scores_of(run: Path, test: Path, root: Path) -> dict[str, Any]:
    """Return the scores of a run on a test table with intervals, and its answers a level."""
    opened_run = Run.open(run)
    opened = opened_run.read(test, image_root=root)
    dataset = Dataset.of(opened.products).labelled()
    proba = opened_run.classifier.predict_proba(dataset.products, opened.images)
    tree = opened_run.classifier.tree
    levels = []
    answers: dict[str, list[str]] = {}
    for scored in score(tree, proba, dataset).levels:
        answered = Answers(*level_truth(tree, proba, dataset, scored.level))
        levels.append(scored.to_json() | {"intervals": asdict(intervals(answered))})
        answers[str(scored.level)] = [answered.names[column] for column in answered.predicted]
    return {"levels": levels, "answers": answers}


def one(name: str, model: str, seed: int, work: Path, minutes: float) -> dict[str, dict[str, Any]]:
    """Train and score one model; return the results by model (a late fusion gives its parts' as well)."""
    train, test = tables(name, work)
    root = DATA / SETS[name].folder
    if model in PEERS:
        began = seconds()
        answers = PEERS[model](train, test, root, SETS[name].labels, seed, minutes)
        spent = round(seconds() - began)
        return {model: peer_scores(test, SETS[name].labels, answers) | {"cpu_seconds": spent}}
    run = work / f"{name}-{model.replace(' ', '-').replace(',', '')}-{seed}"
    trained = train_one(name, model, seed, run, minutes)
    results = {model: scores_of(run, test, root) | trained}
    if MODELS[model][1] == "late-fusion":
        tag = model.removeprefix("late-fusion")
        image = str(MODELS[model][2].get("image_model", IMAGE_MODEL))
        for part, kind in (("image", image), ("text", "linear")):
            shutil.copy(run / "run.json", run / part / "run.json")
            results[kind + (tag if part == "image" else "")] = scores_of(run / part, test, root) | trained
    return results


def peer_scores(test: Path, labels: tuple[str, ...], answers: list[list[str]]) -> dict[str, Any]:
    """Return top-1 and macro F1 with intervals of the names (levels, N) that a peer answered."""
    products = open_products(test, Columns(id="id", labels=labels), None).products
    dataset = Dataset.of(products).labelled()
    levels = []
    kept: dict[str, list[str]] = {}
    for level, given in enumerate(answers, start=1):
        pairs = [(a, b) for a, b in zip(given, dataset.names(level), strict=True) if b is not None]
        names = sorted({name for pair in pairs for name in pair})
        guess, truth = (
            np.array([names.index(name) for name in column]) for column in zip(*pairs, strict=True)
        )
        proba = np.eye(len(names), dtype=np.float32)[guess]
        measured = asdict(intervals(Answers(np.arange(len(truth)), proba, truth, names)))
        values = {key: interval["value"] for key, interval in measured.items()}
        levels.append({"level": level, "n": len(truth), **values, "intervals": measured})
        kept[str(level)] = [a for a, _ in pairs]
    return {"levels": levels, "answers": kept}


def able(name: str, model: str) -> bool:
    """Tell whether a set has what a model reads."""
    modality = PEER_MODALITY.get(model) or MODELS[model][0]
    return modality == "image" or bool(SETS[name].title)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", default="late-fusion")
    parser.add_argument("--sets", default="fashion")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--minutes", type=float, default=4.0)
    options = parser.parse_args()
    work = options.out.with_suffix(".work")
    work.mkdir(parents=True, exist_ok=True)
    for model in options.only.split(";"):
        for name in options.sets.split(","):
            for seed in options.seeds.split(","):
                results = json.loads(options.out.read_text()) if options.out.exists() else {}
                if f"{name}|{model}|{seed}" in results or not able(name, model):
                    continue
                for kind, result in one(name, model, int(seed), work, options.minutes).items():
                    results.setdefault(f"{name}|{kind}|{seed}", result)
                options.out.write_text(json.dumps(results))
                for entry in results[f"{name}|{model}|{seed}"]["levels"]:
                    print(name, model, seed, entry["level"], f"{entry['top1']:.4f} {entry['macro_f1']:.4f}")


if __name__ == "__main__":
    main()
