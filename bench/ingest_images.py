"""Images: decode, hash and checks a second and core beside a Pillow loop; downloads beside img2dataset.

    python -m bench.ingest_images --runs 3 --img2dataset ENV/bin/img2dataset --out images.json

Both downloads fetch the same generated files from a server on this machine; img2dataset is told to
neither resize nor re-encode.
"""

import argparse
import hashlib
import io
import json
import shutil
import socketserver
import statistics
import subprocess
import tempfile
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mep3m.product import Product, to_table
from mep3m.settings.sources import FetchSettings
from mep3m.sources.base import Batch
from mep3m.sources.images.intake import Intake


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder over connections that stay open."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


def generate(folder: Path, count: int) -> None:
    """Write JPEGs of 220 x 220 pixels, the size of MEP-3M's, each different."""
    chance = np.random.default_rng(0)
    for number in range(count):
        coarse = chance.integers(0, 255, (12, 12, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((220, 220)).save(folder / f"{number}.jpg", quality=90)


def batches(references: list[str]) -> list[Batch]:
    products = [
        Product(f"s:{i}", "s", str(i), image_ref=r, file="f", line=i) for i, r in enumerate(references)
    ]
    return [Batch(to_table(products))]


def pillow_loop(folder: Path, count: int, with_hash: bool) -> None:
    for number in range(count):
        content = (folder / f"{number}.jpg").read_bytes()
        if with_hash:
            hashlib.sha256(content).hexdigest()
        Image.open(io.BytesIO(content)).load()


def timed(runs: int, count: int, work: Any) -> list[float]:
    rates = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        rates.append(count / (time.perf_counter() - started))
    return rates


def take_in(root: Path, count: int, store: Path, known: bool) -> None:
    if not known:
        shutil.rmtree(store, ignore_errors=True)
    for batch in batches([f"{i}.jpg" for i in range(count)]):
        taken = Intake(store, root).take(batch)
        assert not taken.rejects


def download(urls: list[str], store: Path) -> None:
    shutil.rmtree(store, ignore_errors=True)
    fetch = FetchSettings(enabled=True, allow_private=True, per_host=32, robots=False)
    for batch in batches(urls):
        taken = Intake(store, fetch=fetch).take(batch)
        assert not taken.rejects, taken.rejects[0]


def img2dataset(program: str, urls: list[str], out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    listing = out.with_suffix(".txt")
    listing.write_text("\n".join(urls))
    options = "processes_count=1 thread_count=32 resize_mode=no skip_reencode=True"
    flags = [f"--{option}" for option in options.split()]
    places = [f"--url_list={listing}", f"--output_folder={out}"]
    subprocess.run([program, *places, *flags], check=True, capture_output=True)
    written = len(list(out.rglob("*.jpg")))
    assert written == len(urls), f"img2dataset wrote {written} of {len(urls)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--img2dataset")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    count, rates = options.images, {}
    with tempfile.TemporaryDirectory() as name:
        root, store = Path(name) / "images", Path(name) / "store"
        root.mkdir()
        generate(root, count)
        rates["Pillow loop: read, decode"] = timed(
            options.runs, count, lambda: pillow_loop(root, count, False)
        )
        rates["Pillow loop: read, hash, decode"] = timed(
            options.runs, count, lambda: pillow_loop(root, count, True)
        )
        rates["mep3m: checks, decode, hash; images already in the store"] = timed(
            options.runs + 1, count, lambda: take_in(root, count, store, True)
        )[1:]
        rates["mep3m: checks, decode, hash, written"] = timed(
            options.runs, count, lambda: take_in(root, count, store, False)
        )

        def handler(*args: Any) -> Quiet:
            return Quiet(*args, directory=str(root))

        socketserver.TCPServer.request_queue_size = 128
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        urls = [f"http://127.0.0.1:{server.server_port}/{i}.jpg" for i in range(count)]
        rates["mep3m: download, checks, decode, hash, written"] = timed(
            options.runs, count, lambda: download(urls, store)
        )
        if options.img2dataset:
            out = Path(name) / "i2d"
            rates["img2dataset, 1 process, 32 threads, no re-encoding"] = timed(
                options.runs, count, lambda: img2dataset(options.img2dataset, urls, out)
            )
        server.shutdown()
    print(f"{count:,} JPEGs of 220 x 220; medians of {options.runs} runs, one process\n")
    print("| work | images/s |\n|---|---|")
    for label, found in rates.items():
        print(f"| {label} | {statistics.median(found):,.0f} |")
    if options.out:
        options.out.write_text(json.dumps(rates, indent=2))


if __name__ == "__main__":
    main()
