"""The desk's review: at size, by keyboard, under kills, and walked through by two colleagues.

    python -m bench.desk_review size  --run RUN --titles TABLE.tsv --items 300000 --work /tmp/size
    python -m bench.desk_review keys  --desk FOLDER --seconds 120
    python -m bench.desk_review kills --desk FOLDER --kills 20 --people 20
    python -m bench.desk_review walk  --desk FOLDER --truth TRUTH.tsv --person NAME --errs 0.05

`size` makes a desk of so many products and measures the next item, an import and an export. The others
need a folder that `mep3m desk take` has filled. Every command prints one JSON object.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np

PORT = 8937
BASE = f"http://127.0.0.1:{PORT}"
MEP3M = [sys.executable, "-m", "mep3m"]


def start(folder: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [*MEP3M, "desk", str(folder), "--port", str(PORT), *options]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def wait() -> None:
    for _ in range(1200):
        try:
            httpx.get(f"{BASE}/health", timeout=1)
            return
        except httpx.HTTPError:
            time.sleep(0.05)
    raise SystemExit("the desk did not open")


@contextmanager
def served(folder: Path, *options: str) -> Iterator[None]:
    server = start(folder, *options)
    try:
        wait()
        yield
    finally:
        server.terminate()
        server.wait(60)


def keys_file(folder: Path, people: int) -> tuple[Path, list[str]]:
    """Give so many people a key."""
    from mep3m.service.keys import add_key

    path = folder / "desk" / "keys.json"
    path.unlink(missing_ok=True)
    secrets = [add_key(path, f"p{number}", ["review"]) for number in range(people)]
    return path, secrets


def read_group(html: str) -> tuple[list[int], list[int], int]:
    """Return the items, the choices and the cluster of a group."""
    items = [int(one) for one in re.findall(r'name="item" value="(\d+)"', html)]
    choices = [int(one) for one in re.findall(r'data-category="(\d+)"', html)]
    found = re.search(r'data-cluster="(\d+)"', html)
    return items, choices, int(found[1]) if found else 0


def made(folder: Path, titles: list[str], count: int, run_folder: Path) -> None:
    """Fill the desk of a copy of a run with unsure products."""
    from mep3m.assignment.run import Run
    from mep3m.desk.intake import take as incoming
    from mep3m.desk.intake.incoming import Incoming
    from mep3m.desk.intake.take import Arrival, Draw
    from mep3m.desk.reviewing.reviewing import opened_reviewing

    shutil.copytree(run_folder, folder, ignore=shutil.ignore_patterns("desk"))
    run, rng = Run.open(folder), np.random.default_rng(0)
    paths = run.classifier.tree.paths
    products = []
    for number in range(count):
        path = paths[int(rng.integers(len(paths)))]
        top = [{"path": list(path), "names": list(path), "probability": 0.5}]
        answer = {
            "path": [],
            "names": [],
            "confidence": [],
            "decision": "review",
            "reason": "unsure",
            "top": top,
        }
        title = f"{titles[number % len(titles)]} {number // len(titles)}"
        products.append(Incoming("", f"S{number}", title, None, None, None, answer, f"t:{title}"))
    with opened_reviewing(folder) as reviewing:
        batch = Arrival("made.jsonl", f"made {count}", products, None, run)
        # which products are alike is measured elsewhere: here groups of four, made at once
        incoming.groups_of = lambda titles, _: np.arange(len(titles)) // 4  # type: ignore[attr-defined, assignment]
        incoming.take(reviewing, batch, Draw(share=0.01), run.classifier.tree, run.taxonomy)


def size(args: argparse.Namespace) -> dict[str, Any]:
    folder = args.work
    shutil.rmtree(folder, ignore_errors=True)
    titles = [line.split("\t")[args.column] for line in args.titles.read_text("utf-8").splitlines()[1:]]
    told: dict[str, Any] = {
        "items": args.items,
        "take": timed(lambda: made(folder, titles, args.items, args.run)),
    }
    sheet = folder / "anna.csv"
    read = sqlite3.connect(folder / "desk" / "decisions.sqlite")
    names = [json.loads(one)[-1] for (one,) in read.execute("SELECT names FROM categories")]
    waiting = read.execute("SELECT own_id FROM items WHERE queue = 'review' AND people = 1 LIMIT 100000")
    rows = [(own, names[number % len(names)]) for number, (own,) in enumerate(waiting)]
    _write(sheet, rows)
    book = folder / "ben.xlsx"
    _write_book(book, rows[:50000])
    told["import 100,000 from .csv"] = timed(lambda: mep3m("review", "import", str(folder), str(sheet)))
    exported = ("desk", "export", str(folder), "--to", str(folder / "out.tsv"))
    told["export 100,000"] = timed(lambda: mep3m(*exported))
    told["import 50,000 of ben from .xlsx"] = timed(
        lambda: mep3m("review", "import", str(folder), str(book), codes=(0, 1))
    )
    told["export after"] = timed(lambda: mep3m(*exported))
    path, secrets = keys_file(folder, 4)
    with served(folder, "--keys", str(path)):
        told |= _next_items(secrets)
    return told


def _write(path: Path, rows: list[tuple[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "category"), *rows])


def _write_book(path: Path, rows: list[tuple[str, str]]) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("review")
    for row in [("id", "category"), *rows]:
        sheet.append(row)
    book.save(path)


def mep3m(*words: str, codes: tuple[int, ...] = (0,)) -> None:
    done = subprocess.run([*MEP3M, *words], capture_output=True, text=True)
    if done.returncode not in codes:
        raise SystemExit(f"{words}: {done.stderr}")


def timed(call: Callable[[], None]) -> float:
    begun = time.perf_counter()
    call()
    return round(time.perf_counter() - begun, 2)


def _next_items(secrets: list[str]) -> dict[str, Any]:
    """Measure, over HTTP: the next group, a decision with the group after it, and type-ahead."""
    seconds: dict[str, list[float]] = {"next": [], "decide and next": [], "type-ahead": []}
    clients = [httpx.Client(base_url=BASE, headers={"X-API-Key": one}, timeout=30) for one in secrets]

    def asked(name: str, call: Callable[[], httpx.Response]) -> str:
        begun = time.perf_counter()
        answer = call()
        seconds[name].append(time.perf_counter() - begun)
        answer.raise_for_status()
        return answer.text

    for turn in range(100):
        for client in clients:
            html = asked("next", lambda client=client: client.get("/review/group?queue=review"))  # type: ignore[misc]
            items, choices, _ = read_group(html)
            body = {"batch": uuid.uuid4().hex, "queue": "review", "items": items, "verdict": "category"}
            wish = body | {"category": choices[0]}
            asked("decide and next", lambda c=client, wish=wish: c.post("/review/decide", json=wish))  # type: ignore[misc]
            asked("type-ahead", lambda c=client, q="果蔬肉奶"[turn % 4]: c.get(f"/review/categories?q={q}"))  # type: ignore[misc]
    return {name: quantiles(found) for name, found in seconds.items()}


def quantiles(seconds: list[float]) -> dict[str, float]:
    """Return p50, p95 and the most, in ms."""
    found = np.percentile(seconds, [50, 95, 100]) * 1000
    return dict(zip(("p50 ms", "p95 ms", "most ms"), found.round(1).tolist(), strict=True))


def kills(args: argparse.Namespace) -> dict[str, Any]:
    path, secrets = keys_file(args.desk, args.people)
    acknowledged: dict[str, tuple[str, list[int]]] = {}
    stop, lock, refused = threading.Event(), threading.Lock(), [0]

    def person(number: int) -> None:
        client = httpx.Client(base_url=BASE, headers={"X-API-Key": secrets[number]}, timeout=10)
        wish: dict[str, Any] | None = None
        while not stop.is_set():
            try:
                if wish is None:
                    items, choices, _ = read_group(client.get("/review/group?queue=review").text)
                    if not items:
                        return
                    wish = {"batch": uuid.uuid4().hex, "queue": "review", "items": items, "verdict": "none"}
                    wish |= {"verdict": "category", "category": choices[0]} if choices else {}
                answer = client.post("/review/decide", json=wish)
                if answer.status_code == 200:
                    with lock:
                        acknowledged[wish["batch"]] = (f"p{number}", wish["items"])
                    wish = None
                else:
                    refused[0] += 1
            except httpx.HTTPError:
                time.sleep(0.05)  # the same wish again

    server = start(args.desk, "--keys", str(path))
    wait()
    threads = [threading.Thread(target=person, args=(number,)) for number in range(args.people)]
    for thread in threads:
        thread.start()
    for _ in range(args.kills):
        time.sleep(random.uniform(0.5, 2.0))
        server.kill()
        server.wait()
        server = start(args.desk, "--keys", str(path))
        wait()
    time.sleep(1)
    stop.set()
    for thread in threads:
        thread.join()
    server.terminate()
    server.wait(60)
    return {"kills": args.kills, "people": args.people, "not 200": refused[0]} | checked(
        args.desk, acknowledged
    )


def checked(folder: Path, acknowledged: dict[str, tuple[str, list[int]]]) -> dict[str, Any]:
    """Compare what was acknowledged with what is recorded."""
    read = sqlite3.connect(folder / "desk" / "decisions.sqlite")
    rows = read.execute(
        "SELECT batch, person, item FROM decisions WHERE batch LIKE '" + "_" * 32 + "'"
    ).fetchall()
    recorded: dict[str, list[tuple[str, int]]] = {}
    for batch, name, item in rows:
        recorded.setdefault(batch, []).append((name, item))
    lost = [
        batch
        for batch, (name, items) in acknowledged.items()
        if sorted(recorded.get(batch, [])) != sorted((name, item) for item in items)
    ]
    twice = read.execute(
        "SELECT count(*) FROM (SELECT 1 FROM decisions GROUP BY item, person HAVING count(*) > 1)"
    ).fetchone()[0]
    return {
        "acknowledged": len(acknowledged),
        "decisions": sum(len(items) for _, items in acknowledged.values()),
        "lost": len(lost),
        "twice": twice,
        "recorded, not acknowledged": len(recorded.keys() - acknowledged.keys()),
    }


@contextmanager
def page_of(url: str, name: str | None = None, password: str = "") -> Iterator[Any]:
    """Open a page of the desk in Chromium, signed in."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        executable = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(url)
        if name is not None:
            page.fill("#name", name)
            page.fill("#password", password)
            page.keyboard.press("Enter")
            page.wait_for_selector("#group")
        yield page
        browser.close()


def keys(args: argparse.Namespace) -> dict[str, Any]:
    """Decide with the key 1 for some time, as fast as the page goes."""
    with served(args.desk), page_of(f"{BASE}/review") as page:
        done = groups = 0
        begun = time.perf_counter()
        while time.perf_counter() - begun < args.seconds and page.query_selector("input[name=item]"):
            done += page.locator("input[name=item]").count()
            answered(page, "1" if page.query_selector("[data-key='1']") else "n")
            groups += 1
        seconds = time.perf_counter() - begun
    return {"groups": groups, "items": done, "items an hour": round(3600 * done / seconds)}


def answered(page: Any, key: str) -> None:
    """Press a key and wait for the next group."""
    with page.expect_response(lambda answer: "/review/decide" in answer.url):
        page.keyboard.press(key)
    page.wait_for_selector("#group:not([aria-busy])")


def walk(args: argparse.Namespace) -> dict[str, Any]:
    """Decide all that waits for one person, by keyboard, knowing the truth but for a share of errors."""
    with args.truth.open(encoding="utf-8") as file:
        truth = {row["sku"]: row["shelf"] for row in csv.DictReader(file, delimiter="\t")}
    rng, begun, done, presses = random.Random(args.person), time.perf_counter(), 0, 0
    with served(args.desk), page_of(f"{BASE}/{args.page}", args.person, args.password) as page:
        while page.query_selector("input[name=item]"):
            own = [
                re.findall(r"S\d+", text)[0]
                for text in page.locator("#group .items li > p:last-child").all_inner_texts()
            ]
            said = truth[own[0]]
            mine = [place for place, one in enumerate(own) if truth[one] == said]
            if len(mine) < len(own):
                page.keyboard.press("a")
                for place in mine:
                    page.locator("input[name=item]").nth(place).focus()
                    page.keyboard.press(" ")
                page.evaluate("document.activeElement.blur()")
                presses += 1 + 2 * len(mine)
            if rng.random() < args.errs:
                said = rng.choice(sorted(set(truth.values())))
            presses += _choose(page, said)
            done += len(mine)
    seconds = time.perf_counter() - begun
    return {"person": args.person, "items": done, "keys": presses, "seconds": round(seconds, 1)}


def _choose(page: Any, said: str) -> int:
    """Choose a category by its number, else by type-ahead; return how many keys that took."""
    for button in page.locator("#group .choice").all():
        if button.get_attribute("title") == said:
            answered(page, button.get_attribute("data-key"))
            return 1
    page.keyboard.press("/")
    page.keyboard.type(said)
    page.wait_for_selector("#found li, #nothing:not([hidden])")
    if not page.query_selector("#found li"):
        page.keyboard.press("Escape")
        answered(page, "n")
        return len(said) + 3
    answered(page, "Enter")
    return len(said) + 2


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("size", "keys", "kills", "walk"))
    for name in ("run", "titles", "work", "desk", "truth"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--column", type=int, default=0)
    parser.add_argument("--items", type=int, default=300_000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--person")
    parser.add_argument("--password", default="password-of-a-walk")
    parser.add_argument("--page", default="review")
    parser.add_argument("--errs", type=float, default=0)
    args = parser.parse_args()
    found = {"size": size, "keys": keys, "kills": kills, "walk": walk}[args.what](args)
    print(json.dumps(found, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
