"""The page for links at size, and what is left of decisions when its server is killed again and again.

    python -m bench.desk_align speed BUILD [--links 100000]
    python -m bench.desk_align kill BUILD [--rounds 20] [--people 20]

BUILD is a folder that `mep3m build` or `mep3m demo` made; it is copied, its review is
replaced by a drawn one.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from tests.desk.opened import opened

from bench.desk_links import write_links
from mep3m.alignment.keeping.database_log import DatabaseReviewLog
from mep3m.alignment.review.contract import Signature
from mep3m.alignment.review.copies import take
from mep3m.alignment.review.decisions import parse_mapping, read_review
from mep3m.alignment.review.export import Terms, export_sssom
from mep3m.alignment.sheet import Sheet
from mep3m.desk.accounts.registry import opened as people_of
from mep3m.store.append_log import now

PASSWORD = "correct horse"
FILTERS = {
    "first": "",
    "name": "?name=耳机 9",
    "pair and range": "?platforms=haohuo | yunji&relation=narrower&least=0.4&most=0.6",
    "nothing": "?name=nobody has this",
}


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["speed", "kill"])
    parser.add_argument("build", type=Path)
    parser.add_argument("--links", type=int, default=None)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--people", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.build.parent) as folder:
        build = Path(folder) / "build"
        shutil.copytree(given.build, build, ignore=shutil.ignore_patterns("desk"))
        write_links(build / "review.sssom.tsv", given.links or (100_000 if given.what == "speed" else 2_000))
        found = speed(build) if given.what == "speed" else kill(build, given.rounds, given.people)
    print(json.dumps(found, indent=1, ensure_ascii=False))


def speed(build: Path) -> dict[str, object]:
    """Return seconds of the log at this size, and milliseconds of the pages of a real server."""
    path, seconds = build / "review.sssom.tsv", dict[str, float]()

    def timed(name: str, work: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        done = work()
        seconds[name] = round(time.perf_counter() - began, 3)
        print(f"{name}: {seconds[name]} s", file=sys.stderr, flush=True)
        return done

    log = timed("open for the first time", lambda: DatabaseReviewLog(path))
    half = _copy(log, 2, build / "half.tsv")
    everything = _copy(log, 1, build / "all.tsv")
    one_by_one = _decisions(log, 200)
    print(one_by_one, file=sys.stderr, flush=True)
    timed("import half of the links", lambda: take(log, read_review(half)[0], now()))
    review = timed("read all", lambda: log.read(now()))
    rows = [
        parse_mapping(cells, line)
        for (line, cells), row in zip(review.sheet, review.decisions, strict=True)
        if row.verdict in ("accept", "reject")
    ]

    def export() -> int:
        review = log.read(now())
        chosen = [
            parse_mapping(cells, line)
            for (line, cells), row in zip(review.sheet, review.decisions, strict=True)
            if row.verdict in ("accept", "reject")
        ]
        return export_sssom(build / "decided.tsv", chosen, Terms())

    timed(f"export of {len(rows):,} decided, from the database", export)
    timed("the set alone", lambda: export_sssom(build / "decided.tsv", rows, Terms()))
    timed("undo of the import", lambda: log.undo(Signature("bench", now(), "undo")))
    timed("write the review file", log.write)
    taken = timed("import a decision of every link", lambda: take(log, read_review(everything)[0], now()))
    timed("undo of all", lambda: log.undo(Signature("bench", now(), "undo")))
    timed("close", log.close)
    return {
        "links": len(review.keys),
        "taken": taken,
        "decision ms": one_by_one,
        "seconds": seconds,
        "pages ms": _pages(build),
    }


def _copy(log: DatabaseReviewLog, every: int, path: Path) -> Path:
    sheet = log.read(now()).sheet
    rows = [
        {**row, "mep3m_decision": ("accept", "reject")[place % 3 == 0], "reviewer_label": "li"}
        if place % every == 0
        else row
        for place, row in enumerate(sheet.rows)
    ]
    Sheet(sheet.comments, sheet.columns, rows).write(path)
    return path


def _decisions(log: DatabaseReviewLog, count: int) -> dict[str, float]:
    keys, times = log.read(now()).keys, []
    for place in range(count):
        began = time.perf_counter()
        log.decide(
            {keys[place * 7]: {"mep3m_decision": "unsure"}}, Signature("li", now(), "bench"), log.revision
        )
        times.append(time.perf_counter() - began)
    return _summary(times)


def _summary(times: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles([1000 * one for one in times], n=100)
    return {"p50": round(cuts[49], 1), "p95": round(cuts[94], 1), "most": round(1000 * max(times), 1)}


def _pages(build: Path, times: int = 40) -> dict[str, dict[str, float]]:
    found = {}
    with opened(build) as server, httpx.Client(base_url=server.url, timeout=120) as client:
        client.headers["accept"] = "text/html"
        client.get("/align", follow_redirects=True)
        for name, query in FILTERS.items():
            found[f"next, {name}"] = _summary([_get(client, f"/align{query}") for _ in range(times)])
            found[f"all that match, {name}"] = _summary(
                [_get(client, f"/align/all{query}") for _ in range(times)]
            )
        for page in ("/align?at=5", "/align/history", "/align/apply"):
            found[page] = _summary([_get(client, page) for _ in range(times)])
        decided, following = [], []
        for _ in range(times):
            form = _form(client.get("/align", follow_redirects=True).text)
            began = time.perf_counter()
            answer = client.post("/align/decide", data={**form, "decision": "accept"})
            decided.append(time.perf_counter() - began)
            assert answer.status_code == 303, answer.text
            began = time.perf_counter()
            client.get(answer.headers["location"], follow_redirects=True)
            following.append(time.perf_counter() - began)
        found |= {"decide": _summary(decided), "next item after it, shown": _summary(following)}
    return found


def _get(client: httpx.Client, address: str) -> float:
    began = time.perf_counter()
    answer = client.get(address, follow_redirects=True)
    assert answer.status_code == 200, answer.text
    return time.perf_counter() - began


def _form(page: str) -> dict[str, str]:
    """Return the hidden fields of the form for decisions."""
    form = page.split('id="decide"')[1].split("</form>")[0]
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', form.split('<div class="row">')[0]))


def kill(build: Path, rounds: int, people: int) -> dict[str, object]:
    """Kill the server while people decide; count decisions that were lost or recorded twice."""
    names = [f"person {n}" for n in range(people)]
    with people_of(build) as known:
        for name in names:
            known.add(name, "reviewer", PASSWORD, now()[:10])
    acknowledged: list[str] = []
    answers: Counter[str] = Counter()
    cookies: dict[str, httpx.Cookies] = {}
    draw = random.Random(0)
    for turn in range(rounds):
        with opened(build) as server:
            stop = threading.Event()
            threads = [
                threading.Thread(
                    target=_decide, args=(server.url, name, turn, cookies, stop, acknowledged, answers)
                )
                for name in names
            ]
            for thread in threads:
                thread.start()
            before, began = len(acknowledged), time.monotonic()
            while len(acknowledged) < before + 2 * people and time.monotonic() < began + 60:
                time.sleep(0.05)
            time.sleep(draw.uniform(0, 1.5))
            server.process.kill()
            stop.set()
            for thread in threads:
                thread.join()
    with opened(build) as server:
        httpx.get(f"{server.url}/health")
    log = DatabaseReviewLog(build / "review.sssom.tsv")
    recorded = Counter(
        change.after["mep3m_new_name_en"]
        for batch in log.history()
        for change in batch.changes
        if change.after.get("mep3m_new_name_en")
        and change.after["mep3m_new_name_en"] != change.before.get("mep3m_new_name_en")
    )
    log.close()
    return {
        "rounds": rounds,
        "people": people,
        "acknowledged": len(acknowledged),
        "recorded": sum(recorded.values()),
        "lost": sum(word not in recorded for word in acknowledged),
        "twice": sum(count > 1 for count in recorded.values()),
        "answers": dict(answers),
    }


def _decide(
    url: str, name: str, turn: int, cookies: dict[str, httpx.Cookies], stop: threading.Event,
    acknowledged: list[str], answers: Counter[str],
) -> None:  # fmt: skip
    """Decide links as a browser does, some of them at the same time as others, until the server is gone."""
    draw, number = random.Random(f"{name}{turn}"), 0
    with httpx.Client(base_url=url, cookies=cookies.get(name), timeout=30) as client:
        client.headers["accept"] = "text/html"
        while not stop.is_set():
            word = f"{name} {turn} {number}"
            try:
                if not client.cookies:
                    client.post("/login", data={"name": name, "password": PASSWORD})
                    cookies[name] = client.cookies
                page = client.get(f"/align?at={draw.randrange(2_000)}")
                form = {**_form(page.text), "decision": "accept", "name_en": word}
                answer = client.post("/align/decide", data=form)
            except httpx.HTTPError:
                answers["no answer"] += 1
                continue
            answers[str(answer.status_code)] += 1
            if answer.status_code == 303:
                acknowledged.append(word)
            number += 1


if __name__ == "__main__":
    main()
