"""Duplicates by their pictures: the perceptual hash beside the encoder's vectors, on real photos.

    python -m bench.dedupe_pictures --work FOLDER [--each 60]

Photos of four real sets, each a product of its own, and altered copies of some (`bench.altered`). A pair of a
photo and its copy is to be found, a pair of two photos is not, but where their bytes or hashes are equal (the
sets hold real duplicates). What has been encoded stays in FOLDER.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from bench.altered import ALTERED
from bench.image_sets import DATA
from mep3m.dataset.reading import open_pictures
from mep3m.imaging.decode import decode
from mep3m.models.features import CHUNK
from mep3m.representations.encode import encode
from mep3m.representations.weights import open_encoders
from mep3m.stages.dedupe.pictures import perceptual_hash


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--each", type=int, default=60)
    parser.add_argument("--most", type=int, default=700)
    options = parser.parse_args()
    rng = Random(7)
    kept = photos(rng, options.most)
    made = write(options.work, kept, options.each, rng)
    folder = options.work / "pictures"
    began = time.process_time()
    hashes = np.array([perceptual_hash((folder / name).read_bytes()) or 0 for name, _, _ in made], np.uint64)
    took_hash = time.process_time() - began
    encoders = open_encoders("image", ["packaged"], cache=options.work / "cache")
    opened = open_pictures(folder)
    order = {name: i for i, name in enumerate(opened.products["image_ref"].to_pylist())}
    began = time.process_time()
    vectors = np.concatenate(
        [encode(opened.products.slice(i, CHUNK), opened.images, "image", encoders).vectors
         for i in range(0, opened.products.num_rows, CHUNK)]
    )  # fmt: skip
    took = time.process_time() - began
    vectors = vectors[[order[name] for name, _, _ in made]]
    np.savez(
        options.work / "made.npz", hashes=hashes, vectors=vectors,
        kind=[kind for _, kind, _ in made], number=[number for _, _, number in made],
        names=[name for name, _, _ in made],
        titles=[photo.title for photo in kept], labels=[photo.label for photo in kept],
        sets=[photo.set for photo in kept], ids=[photo.id for photo in kept],
    )  # fmt: skip
    print(f"{len(made):,} pictures: hashes {took_hash:.1f} s, vectors {took:.1f} s of the processor")


if __name__ == "__main__":
    main()
