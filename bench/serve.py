"""The service beside plain FastAPI and LitServe: requests a second and how long each waits.

    python -m bench.serve RUN TITLES.tsv --column title [--litserve PYTHON] [--clients 64] [--seconds 10]
    python -m bench.serve RUN FOLDER --images [--titles TITLES.tsv --column title]

Run it with OMP_NUM_THREADS=1 and NUMBA_NUM_THREADS=1: else numba gives plain FastAPI, which calls the model
in its main thread, two threads that spin while they wait. All serve the same run on one process, the sides
by turns, `--rounds` times; the figures are medians of the rounds. Each of `--clients` sends a request of one
product and waits for its answer, over one connection that stays open; one client alone shows what a request
costs that waits for nobody. "model" is the bare call `assign` with one product in this process. The clients
run on the same machine and take their share of it.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import numpy as np

from mep3m.assignment.answer import assign
from mep3m.assignment.run import Run
from mep3m.product import Product, to_table
from mep3m.settings.sources import Columns
from mep3m.sources.tables import read_products
from mep3m.store.images import GivenImages

SIDES = ("mep3m", "plain FastAPI", "LitServe")
HEAD = "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"


def requests_of(titles: Sequence[str]) -> list[bytes]:
    """Return a whole request for each title."""
    found = []
    for title in titles:
        body = json.dumps({"products": [{"title": title}]}).encode()
        head = HEAD.format(path="/assign", kind="application/json", length=len(body))
        found.append(head.encode() + body)
    return found


def uploads_of(pictures: Sequence[bytes], titles: Sequence[str]) -> list[bytes]:
    """Return a whole request for each picture, with a title where there are some.

    The title stands in the address, and in the form for LitServe, which sees nothing else.
    """
    found = []
    for content, title in zip(pictures, titles or [""] * len(pictures), strict=False):
        form = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
        more = f'\r\n--x\r\nContent-Disposition: form-data; name="title"\r\n\r\n{title}' if title else ""
        body = form + content + more.encode() + b"\r\n--x--\r\n"
        kind = "multipart/form-data; boundary=x"
        path = f"/assign-image?title={quote(title)}" if title else "/assign-image"
        found.append(HEAD.format(path=path, kind=kind, length=len(body)).encode() + body)
    return found


async def client(port: int, asked: Sequence[bytes], first: int, until: float, waits: list[float]) -> None:
    """Ask over one connection until a time; a status that is not 200 ends the measurement."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in itertools.count(first):
        began = time.perf_counter()
        if began > until:
            break
        writer.write(asked[number % len(asked)])
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise SystemExit(f"answered {head!r}")
        lines = [line.split(b":") for line in head.lower().split(b"\r\n")]
        (length,) = [int(line[1]) for line in lines if line[0] == b"content-length"]
        await reader.readexactly(length)
        waits.append(time.perf_counter() - began)
    writer.close()


def load(port: int, asked: Sequence[bytes], clients: int, seconds: float) -> np.ndarray:
    """Return how long each answer took (seconds), of some clients at once."""
    waits: list[float] = []

    async def all_clients() -> None:
        until = time.perf_counter() + seconds
        await asyncio.gather(*(client(port, asked, 37 * n, until, waits) for n in range(clients)))

    asyncio.run(all_clients())
    return np.array(waits)


def start(side: str, run: Path, images: bool, litserve: str | None) -> tuple[subprocess.Popen, int]:
    """Start a server and return it with its port, when it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = {
        "mep3m": [sys.executable, "-m", "mep3m", "serve", str(run), "--port", str(port)],
        "plain FastAPI": [sys.executable, "-m", "bench.serving.plain", str(run), str(port)],
        "LitServe": [str(litserve), "-m", "bench.serving.lit", str(run), str(port), *["image"] * images],
    }[side]
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(command, stderr=quiet, stdout=quiet, start_new_session=True)
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return server, port
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"{side} did not start")


def bare(run: Path, titles: Sequence[str], pictures: Sequence[bytes]) -> np.ndarray:
    """Return how long the model takes for one product (seconds), without any server."""
    classifier, waits = Run.open(run).classifier, []
    for place in range(200):
        began = time.perf_counter()
        if pictures:
            images = GivenImages({"0": pictures[place % len(pictures)]})
            title = titles[place % len(titles)] if titles else None
            assign(classifier, to_table([Product("0", "r", "0", title=title, image_ref="0")]), images)
        else:
            assign(classifier, to_table([Product("0", "r", "0", title=titles[place % len(titles)])]))
        waits.append(time.perf_counter() - began)
    return np.array(waits[20:])


def told(name: str, clients: int, seconds: float, waits: np.ndarray) -> str:
    p50, p95, p99 = 1000 * np.quantile(waits, (0.5, 0.95, 0.99))
    return f"| {name} | {clients} | {len(waits) / seconds:.0f} | {p50:.1f} | {p95:.1f} | {p99:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--column", default="title")
    parser.add_argument("--images", action="store_true")
    parser.add_argument("--titles", type=Path, help="with --images: a table of titles to go with them")
    parser.add_argument("--litserve", help="python of an environment with litserve and this package")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    titles: list[str] = []
    pictures: list[bytes] = []
    if args.images:
        files = sorted(path for path in args.data.rglob("*") if path.suffix.lower() in (".jpg", ".png"))
        pictures = [path.read_bytes() for path in files[:200]]
    table = args.titles if args.images else args.data
    if table is not None:
        given = read_products(table, Columns(title=args.column))[0]["title"].to_pylist()
        titles = [title for title in given if title][:5000]
    asked = uploads_of(pictures, titles) if args.images else requests_of(titles)
    found: dict[tuple[str, int], list[np.ndarray]] = {}
    for _ in range(args.rounds):
        found.setdefault(("model", 1), []).append(bare(args.run, titles, pictures))
        for side in SIDES if args.litserve else SIDES[:2]:
            server, port = start(side, args.run, args.images, args.litserve)
            try:
                load(port, asked, 4, 3)  # what is compiled or opened at the first requests
                for clients in (1, args.clients):
                    waits = load(port, asked, clients, args.seconds)
                    found.setdefault((side, clients), []).append(waits)
            finally:
                os.killpg(server.pid, signal.SIGTERM)  # LitServe has processes that it does not end
                server.wait(60)
    print("| side | clients | requests a second | p50, ms | p95, ms | p99, ms |\n|---|---|---|---|---|---|")
    for (name, clients), rounds in found.items():
        ranked = sorted(rounds, key=len)
        middle = ranked[len(ranked) // 2]
        print(told(name, clients, args.seconds if name != "model" else float(middle.sum()), middle))


if __name__ == "__main__":
    main()
