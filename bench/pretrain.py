"""Encoders that learned from product datasets: tables to learn from, and what the encoders are worth.

    python -m bench.pretrain tables --work W
    mep3m pretrain W/products.tsv --image image --image-root ../shared/data --labels l1,l2,l3 --out ENCODER
    mep3m represent W/train.tsv --image image --labels coarse,fine --test W/val.tsv ... --weights ENCODER
    python -m bench.pretrain iconic --work W --weights packaged ENCODER ...
    mep3m simulate S --products 1600 --platforms 4 --categories 24 --noise 0 --defects 0 --duplicates 0
    python -m bench.pretrain drawn --work W --data S  # simulated with --seed 5
    python -m bench.pretrain platforms --work W --data TABLE --modality text --seeds 3 -- --title title ...

`tables` writes products.tsv (fashion, flipkart and grocery's iconic pictures), scenes.tsv (the same, the
iconic pictures 40 times and with their own class as a fourth level), train.tsv and val.tsv of grocery,
iconic.tsv, and titles.tsv of four platforms, titles-few.tsv of 6,000; `drawn` writes drawn.tsv, a
simulation with its true categories. Grocery's official test part is not looked at.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import mean, stdev

import numpy as np
from numpy.typing import NDArray

DATA = Path(os.environ.get("MEP3M_DATA", "../shared/data"))
LABELS = ("l1", "l2", "l3")
GROCERY = DATA / "img_grocery_store"
#: how often scenes.tsv has each iconic picture: as often as a class of fashion has pictures
COPIES = 40
#: random views of an iconic picture whose mean vector stands for it
VIEWS = 4


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def write(path: Path, rows: list[dict[str, str]]) -> None:
    names = list(rows[0])
    lines = ["\t".join(names), *("\t".join(row.get(name, "") for name in names) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def row(platform: str, title: str, image: str, labels: tuple[str, ...]) -> dict[str, str]:
    return {"platform": platform, "title": title, "image": image, **dict(zip(LABELS, labels, strict=True))}


def iconic() -> list[dict[str, str]]:
    """Return the iconic picture of each of grocery's 81 classes."""
    with (GROCERY / "classes.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = []
    for one in rows:
        path = one["Iconic Image Path (str)"].lstrip("/")
        group, fine = path.split("/")[1], one["Class Name (str)"]
        coarse = one["Coarse Class Name (str)"]
        image = f"{GROCERY.name}/{path}"
        found.append({"image": image, "group": group, "coarse": coarse, "fine": fine})
    return found


def shelf(part: str) -> list[dict[str, str]]:
    """Return grocery's shelf photos of one part, by its own list."""
    numbers = {}
    with (GROCERY / "classes.csv").open(encoding="utf-8") as file:
        for one in csv.DictReader(file):
            numbers[int(one["Class ID (int)"])] = (one["Coarse Class Name (str)"], one["Class Name (str)"])
    rows = []
    for line in (GROCERY / f"{part}.txt").read_text().splitlines():
        path, fine, _ = (cell.strip() for cell in line.split(","))
        names = numbers[int(fine)]
        rows.append({"image": f"{GROCERY.name}/{path}", "coarse": names[0], "fine": names[1]})
    return rows


def tables(work: Path) -> None:
    work.mkdir(parents=True, exist_ok=True)
    products = []
    for one in read(DATA / "img_fashion_9583" / "labels.tsv"):
        labels = (one["masterCategory"], one["subCategory"], one["articleType"])
        products.append(row("fashion", one["title"], f"img_fashion_9583/images/{one['id']}.jpg", labels))
    for one in read(DATA / "img_flipkart_1050" / "labels.tsv"):
        labels = (one["l1"], one["l2"], one["l3"])
        image = f"img_flipkart_1050/{one['image']}"
        products.append(row("flipkart", one["product_name"], image, labels))
    for one in iconic():  # a class of one picture teaches nothing: the kind of product is its finest label
        labels = ("Grocery", one["group"], one["coarse"])
        products.append(row("grocery", one["fine"].replace("-", " "), one["image"], labels))
    write(work / "products.tsv", products)
    scenes = [one | {"l4": ""} for one in products if one["platform"] != "grocery"]
    for one in iconic():
        labels = ("Grocery", one["group"], one["coarse"])
        scenes += COPIES * [row("grocery", "", one["image"], labels) | {"l4": one["fine"]}]
    write(work / "scenes.tsv", scenes)
    write(work / "iconic.tsv", iconic())
    for part in ("train", "val"):
        write(work / f"{part}.tsv", shelf(part))
    titles = []
    sources = {"suning_jd_taobao_2018/items_dedup.tsv": "", "jd_taotao_2015/items.tsv": "taotao"}
    for name, platform in sources.items():
        for one in read(DATA / "zh_titles" / name):
            labels = (one["l1"], one["l2"], one["l3"])
            titles.append(row(platform or one["platform"], one["title"], "", labels))
    write(work / "titles.tsv", titles)
    few = np.sort(np.random.default_rng(0).choice(len(titles), 6000, replace=False))
    write(work / "titles-few.tsv", [titles[place] for place in few])
    print({name.name: len(read(name)) for name in sorted(work.glob("*.tsv"))})


def drawn(work: Path, folder: Path) -> None:
    import pyarrow.parquet as pq

    rows = []
    for one in pq.read_table(folder / "truth" / "products.parquet").to_pylist():
        labels = (*one["path"], "", "")[:3]
        rows.append(row(one["source"], one["title"], f"{one['source']}/{one['image']}", labels))
    write(work / "drawn.tsv", rows)


def vectors(rows: list[dict[str, str]], weights: str, views: int = 0) -> NDArray[np.float32]:
    """Return a unit vector a picture; with `views`, the mean of so many random crops and colours of it."""
    import torch

    from mep3m.dataset.reading import open_products
    from mep3m.models.networks.image import normalise
    from mep3m.models.pretrained.figures import Normalisation
    from mep3m.representations.weights import open_encoders
    from mep3m.settings.sources import Columns
    from mep3m.settings.training import TrainingSettings
    from mep3m.training.loop.augment import augment

    work = Path(os.environ.get("MEP3M_WORK", "/tmp"))
    table = work / "asked.tsv"
    write(table, rows)
    opened = open_products(table, Columns(image="image"), DATA)
    (encoder,) = open_encoders("image", [weights])
    if not views:
        made = encoder.read(opened.products, opened.images).vectors
    else:
        torch.manual_seed(0)
        network, image = encoder.backbone.network.eval(), encoder.backbone.settings.image  # type: ignore[attr-defined]
        pixels = encoder.backbone.inputs(opened.products, opened.images).take(np.arange(len(rows)))["image"]  # type: ignore[attr-defined]
        figures, settings = Normalisation.of(image), TrainingSettings()
        total = torch.zeros(len(rows), encoder.width)
        with torch.no_grad():
            for part in torch.arange(len(rows)).split(27):
                shown = normalise(pixels[part], image.pixels, figures)
                total[part] += torch.nn.functional.normalize(network.encoders["image"](shown), dim=1)
                for _ in range(views):
                    shown = augment(pixels[part], image.pixels, settings, figures)
                    total[part] += torch.nn.functional.normalize(network.encoders["image"](shown), dim=1)
        made = total.numpy()
    unit: NDArray[np.float32] = made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-12)
    return unit


def exemplars(weights: list[str], parts: list[str]) -> None:
    """Print how often the nearest of 81 iconic pictures is that of a shelf photo's own class."""
    known, asked = iconic(), [one for part in parts for one in shelf(part)]
    truth = np.array([one["fine"] for one in asked])
    kinds = np.array([one["coarse"] for one in asked])
    names = np.array([one["fine"] for one in known])
    coarse = np.array([one["coarse"] for one in known])
    print("weights | iconic picture as it is: fine, coarse | mean of augmented views: fine, coarse | photos")
    for one in weights:
        queries, cells = vectors(asked, one), []
        for views in (0, VIEWS):
            place = (queries @ vectors(known, one, views).T).argmax(1)
            cells.append(f"{np.mean(names[place] == truth):.4f} {np.mean(coarse[place] == kinds):.4f}")
        print(f"{one} | {' | '.join(cells)} | {len(asked)}", flush=True)


def platforms(work: Path, data: str, seeds: int, chosen: list[str], options: list[str]) -> None:
    """Leave out one platform after the other, with each signal, and print how its products are recognised."""
    if not chosen:
        with Path(data).open(encoding="utf-8") as file:
            chosen = sorted({one["platform"] for one in csv.DictReader(file, delimiter="\t")})
    print("left out | signal | level: mean top-1 of the seeds ± sd (n) | platform told, held-out products")
    for name in chosen:
        for signal in ("none", "auxiliary", "adversarial"):
            cards = [learn(work, data, name, signal, seed, options) for seed in range(seeds)]
            cells = []
            for level, first in enumerate(cards[0]["left_out"]["levels"]):
                tops = [card["left_out"]["levels"][level]["top1"] for card in cards]
                spread = stdev(tops) if len(tops) > 1 else 0.0
                unseen = f", {first['unseen']} unseen" if first["unseen"] else ""
                cells.append(f"{first['level']}: {mean(tops):.4f} ± {spread:.4f} ({first['n']}{unseen})")
            told = mean(card["held_out"]["platform"] or 0.0 for card in cards)
            print(f"{name} | {signal} | {'; '.join(cells)} | {told:.4f}", flush=True)


def learn(work: Path, data: str, name: str, signal: str, seed: int, options: list[str]) -> dict:
    out = work / "platforms" / Path(data).stem / f"{name}-{signal}-{seed}"
    words = ["pretrain", data, "--leave-out", name, "--platform-signal", signal]
    words += [] if Path(data).is_dir() else ["--platform", "platform"]
    words += ["--seed", str(seed), "--out", str(out), "--json", *options]
    done = subprocess.run([sys.executable, "-m", "mep3m", *words], capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(done.stderr)
    card: dict = json.loads(done.stdout)
    return card


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "part", nargs="?", choices=("tables", "drawn", "iconic", "platforms"), default="tables"
    )
    parser.add_argument("--work", type=Path, default=Path("/tmp/mep3m-pretrain"))
    parser.add_argument("--weights", nargs="*", default=["packaged"])
    parser.add_argument("--parts", nargs="*", default=["train", "val"], help="iconic: which shelf photos")
    parser.add_argument("--data", default="")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--left-out", nargs="*", default=[], help="these platforms; without it, each of a table"
    )
    own, _, options = " ".join(sys.argv[1:]).partition(" -- ")  # after --: options of mep3m pretrain
    given = parser.parse_args(own.split())
    os.environ["MEP3M_WORK"] = str(given.work)
    if given.part == "tables":
        tables(given.work)
    elif given.part == "drawn":
        drawn(given.work, Path(given.data))
    elif given.part == "iconic":
        exemplars(given.weights, given.parts)
    else:
        platforms(given.work, given.data, given.seeds, given.left_out, options.split())


if __name__ == "__main__":
    main()
