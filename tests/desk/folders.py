"""Folders for a desk: a run that looks at pictures, and filings under a promise with a branch that lost."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from mep3m.assignment.run import Run
from mep3m.dataset.reading import open_products
from mep3m.models.late_fusion import LateFusion
from mep3m.recipes.classify import train_run
from mep3m.recipes.filing.watch import Watch
from mep3m.recipes.guarantee import Target, make_promise
from mep3m.settings.run import RunSettings
from mep3m.settings.sources import Columns
from tests.assignment.audited import audit_of, rows, train, write
from tests.cli.runner import ran

#: a colour for each category of `rows`
COLOURS = {"苹果": "red", "香蕉": "yellow", "手机壳": "blue", "耳机": "black"}


def picture(
    colour: str = "red", kind: str = "PNG", size: tuple[int, int] = (40, 40), mode: str = "RGB"
) -> bytes:
    """Return the bytes of a picture of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).convert(mode).save(buffer, kind)
    return buffer.getvalue()


def seeing(folder: Path) -> Path:
    """Make a folder whose `model` reads titles and looks at pictures, a little."""
    for name in ("text", "shots"):
        (folder / name).mkdir()
    text = train(folder / "text", 400)
    table = []
    for number, (title, dept, kind) in enumerate(rows(80, 1)):
        (folder / "shots" / f"{number}.png").write_bytes(picture(COLOURS[kind]))
        table.append((title, dept, kind, f"{number}.png"))
    columns = Columns(image="image", labels=("dept", "kind"))
    file = write(folder / "seen.tsv", table, "title\tdept\tkind\timage")
    settings = RunSettings(
        model="small-cnn", modality="image", hierarchy="coarse-and-fine", options={"epochs": 1}
    )
    opened = open_products(file, columns, folder / "shots")
    train_run(opened, columns, folder / "shots", settings, folder / "image")
    sight = Run.open(folder / "image").classifier
    shutil.copytree(text.folder, folder / "model")
    parts = {"text": text.classifier, "image": sight}
    LateFusion(text.classifier.tree, parts, np.ones((2, 2))).save(folder / "model")
    return folder


def filed(folder: Path) -> Path:
    """Make a folder with a run, a promise, 1,000 filings under it, and an audit that 耳机 has lost."""
    run = train(folder)
    (folder / "model").symlink_to(run.folder)
    promise, _ = make_promise(audit_of(run, write(folder / "audit.tsv", rows(1500, 2))), Target(0.95))
    assert promise is not None
    promise.save(folder / "promise.json")
    new = [(f"n{number}", row[0]) for number, row in enumerate(rows(1000, 8))]
    write(folder / "new.tsv", new, "sku\ttitle")
    words = ("assign", run.folder, folder / "new.tsv", "--id", "sku", "--promise", folder / "promise.json")
    assert ran(*words, "--out", folder / "filed.jsonl").code == 0
    return folder


def lose(folder: Path, word: str = "耳机") -> Watch:
    """Draw filings, say that a few of one category are wrong and the others right, and return the watch."""
    watch = Watch.open(folder / "promise.json")
    watch.draw([folder / "filed.jsonl"], folder / "todo.csv", 0.4)
    with (folder / "todo.csv").open(encoding="utf-8", newline="") as file:
        drawn = list(csv.DictReader(file))
    mine = [row["id"] for row in drawn if word in row["category"]]
    bad = set(mine[:: len(mine) // 7])
    for row in drawn:
        row["right"] = "no" if row["id"] in bad else "" if row["id"] in mine else "yes"
    with (folder / "todo.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(drawn[0]))
        writer.writeheader()
        writer.writerows(drawn)
    watch.record(folder / "todo.csv")
    assert [path[-1] for path in watch.log.fallen()] == [word]
    return watch
