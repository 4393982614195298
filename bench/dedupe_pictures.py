"""Duplicates by their pictures: the perceptual hash beside the encoder's vectors, on real photos.

    python -m bench.dedupe_pictures --work FOLDER [--each 60]

Photos of three real sets as one shop, altered copies of some (`bench.altered`) under other titles as
another. A copy is to be in the group of its photo; two products in one group are wrong, though the sets hold
some real duplicates: each pair is printed, to be looked at. What has been made stays in FOLDER.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from bench.altered import ALTERED
from bench.image_sets import DATA
from mep3m.engine import make_engine
from mep3m.imaging.decode import decode
from mep3m.ingest.run import ingest
from mep3m.representations.eyes import Eyes
from mep3m.settings.dedupe import DedupeSettings
from mep3m.settings.sources import Columns, SourceEntry
from mep3m.stages.base import run_stage
from mep3m.stages.dedupe.stage import DedupeStage
from mep3m.store import Store

#: only what the pictures say is compared: with near titles the copies would be found by those
PICTURES_ONLY = {"same_title": False, "near_title": None}
VARIANTS: dict[str, dict[str, Any]] = {
    "hash and titles (default), pictures only": PICTURES_ONLY,
    "and photos, .85": PICTURES_ONLY | {"same_photo": 0.85},
    "and photos, .90": PICTURES_ONLY | {"same_photo": 0.9},
    "default": {},
    "default and photos, .90": {"same_photo": 0.9},
}


@dataclass(frozen=True)
class Photo:
    """A photo of a real set, with its title and the name of its finest class."""

    set: str
    id: str
    title: str
    label: str
    file: Path


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def photos(rng: Random, most: int) -> list[Photo]:
    """Return up to `most` photos of each set, no two with equal bytes."""
    fashion, flipkart, tmall = DATA / "img_fashion_9583", DATA / "img_flipkart_1050", DATA / "img_tmall_2016"
    titles = {row["product_id"]: row["title"] for row in _rows(tmall / "products.tsv")}
    found = [
        [Photo("fashion", r["id"], r["title"], r["articleType"], fashion / f"images/{r['id']}.jpg")
         for r in _rows(fashion / "labels.tsv")],
        [Photo("flipkart", r["uniq_id"], r["product_name"], r["l3"], flipkart / r["image"])
         for r in _rows(flipkart / "labels.tsv")],
        [Photo("tmall", r["product_id"], titles.get(r["product_id"], ""), r["category"], tmall / r["file"])
         for r in _rows(tmall / "images.tsv")],
    ]  # fmt: skip
    chosen: dict[str, Photo] = {}
    for group in found:
        there = [photo for photo in group if photo.file.is_file()]
        rng.shuffle(there)
        for photo in there[:most]:
            chosen.setdefault(hashlib.sha256(photo.file.read_bytes()).hexdigest(), photo)
    return list(chosen.values())


def write(work: Path, kept: list[Photo], each: int, rng: Random) -> list[tuple[str, str, int]]:
    """Write photos and copies as JPEG; return (file name, kind, number of the photo)."""
    folder = work / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    made: list[tuple[str, str, int]] = []
    for number, photo in enumerate(kept):
        made.append((f"{number:05d}.jpg", "photo", number))
        if not (folder / made[-1][0]).exists():
            (folder / made[-1][0]).write_bytes(photo.file.read_bytes())
    for kind, alter in ALTERED.items():
        for number in sorted(rng.sample(range(len(kept)), each)):
            name = f"{number:05d}-{kind}.jpg"
            made.append((name, kind, number))
            image = alter(decode(kept[number].file).image, Random(f"{kind}/{number}"))
            if not (folder / name).exists():
                image.save(folder / name, "JPEG", quality=88)
    return made


def as_sold(title: str, rng: Random) -> str:
    """Return the title as another shop would write it: some words left out, others before and after."""
    words = title.split() if " " in title else list(title)
    kept = [word for word in words if rng.random() < 0.75] or words
    joined = (" " if " " in title else "").join(kept)
    before, after = (
        rng.choice(("NEW", "Hot sale", "2026", "包邮")),
        rng.choice(("best price", "正品", "gift")),
    )
    return f"{before} {joined} {after}"


def store_of(work: Path, kept: list[Photo], made: list[tuple[str, str, int]], rng: Random) -> Store:
    """Take photos and copies in as products of two shops."""
    table = work / "items.tsv"
    with table.open("w", encoding="utf-8") as file:
        file.write("id\tshop\ttitle\timage\n")
        for name, kind, number in made:
            title = " ".join(kept[number].title.split())
            shown = title if kind == "photo" else as_sold(title, rng)
            file.write(f"{name}\t{'a' if kind == 'photo' else 'b'}\t{shown}\t{name}\n")
    columns = Columns(id="id", platform="shop", title="title", image="image")
    entry = SourceEntry(
        name="s", path=str(table), format="tsv", columns=columns, image_root=str(work / "pictures")
    )
    return ingest((entry,), work, work / "1-ingest", make_engine())


def grouped(store: Store, kept: list[Photo], work: Path, changed: dict[str, Any]) -> dict[str, Any]:
    """Group the store; count copies that are with their photo, and pairs of products in one group."""
    settings = DedupeSettings(**changed)
    began = time.process_time()
    stage = DedupeStage(settings, Eyes(store).see)
    done = run_stage(stage, store, work / f"d-{abs(hash(str(changed)))}", make_engine())
    took = time.process_time() - began
    rows = [(product.source_id, product.group) for product in done.products()]
    of: dict[str | None, list[str]] = {}
    for name, group in rows:
        of.setdefault(group, []).append(name)
    first = dict(rows)
    copies = [(name, group) for name, group in rows if "-" in name]
    hits: dict[str, list[bool]] = {}
    for name, group in copies:
        hits.setdefault(name[6:-4], []).append(first[f"{name[:5]}.jpg"] == group)
    mixed = [sorted({int(name[:5]) for name in names}) for names in of.values()]
    wrong = [
        (a, b) for numbers in mixed for i, a in enumerate(numbers) for b in numbers[i + 1 :]
        if kept[a].id != kept[b].id
    ]  # fmt: skip
    return {"took": took, "wrong": wrong, "found": {kind: float(np.mean(of)) for kind, of in hits.items()}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--each", type=int, default=60)
    parser.add_argument("--most", type=int, default=250)
    options = parser.parse_args()
    rng = Random(7)
    kept = photos(rng, options.most)
    made = write(options.work, kept, options.each, rng)
    store = store_of(options.work, kept, made, rng)
    began = time.process_time()
    Eyes(store).see([key for table in store.tables(["image"]) for key in table["image"].to_pylist()])
    print(f"{store.rows:,} products; vectors {time.process_time() - began:.1f} s of the processor")
    print("| settings | processor, s | wrong pairs | " + " | ".join(ALTERED) + " |")
    print("|---" * (3 + len(ALTERED)) + "|")
    for name, changed in VARIANTS.items():
        told = grouped(store, kept, options.work, changed)
        cells = [f"{told['found'][kind]:.2f}" for kind in ALTERED]
        print(f"| {name} | {told['took']:.1f} | {len(told['wrong'])} | {' | '.join(cells)} |", flush=True)
        for a, b in told["wrong"]:
            print(
                f"<!-- {name}: {kept[a].set} {kept[a].id} {kept[a].title} / {kept[b].id} {kept[b].title} -->"
            )


if __name__ == "__main__":
    main()
