"""The desk is killed while people decide: what was acknowledged is there, and nothing is there twice."""

import json
import threading
import time
import uuid
from pathlib import Path

import httpx

from mep3m.desk.intake.take import Draw
from mep3m.desk.reviewing.reviewing import opened_reviewing
from tests.cli.runner import ran
from tests.desk.endpoints.test_review import read
from tests.desk.filled import UNSURE, Filled
from tests.desk.opened import opened

PEOPLE = 4


def test_acknowledged_decisions_outlive_kills(filled: Filled, tmp_path: Path) -> None:
    with opened_reviewing(filled.folder) as reviewing:
        titles = [f"{title} {word}" for title in UNSURE for word in "甲乙丙丁戊己庚辛"]
        filled.take(reviewing, titles, Draw(share=0, two=1))
    keys = tmp_path / "keys.json"
    secrets = [
        json.loads(ran("keys", "add", keys, "--name", f"p{n}", "--scope", "review", "--json").out)["key"]
        for n in range(PEOPLE)
    ]
    acknowledged: dict[str, list[int]] = {}

    def work(url: str, secret: str) -> None:
        client = httpx.Client(base_url=url, headers={"X-API-Key": secret})
        try:
            while items := read(client.get("/review/group?queue=review").text)[0]:
                batch = uuid.uuid4().hex
                wish = {"batch": batch, "queue": "review", "items": items[:1], "verdict": "none"}
                if client.post("/review/decide", json=wish).status_code == 200:
                    acknowledged[batch] = items[:1]
        except httpx.HTTPError:
            return

    for _ in range(2):
        with opened(filled.folder, "--keys", str(keys)) as desk:
            threads = [threading.Thread(target=work, args=(desk.url, secret)) for secret in secrets]
            for thread in threads:
                thread.start()
            time.sleep(0.7)
            desk.process.kill()
            for thread in threads:
                thread.join()
    assert acknowledged
    with opened_reviewing(filled.folder) as reviewing:
        rows = reviewing.database.read.execute("SELECT batch, item, person FROM decisions").fetchall()
    recorded = {row["batch"]: [row["item"]] for row in rows}
    assert acknowledged.items() <= recorded.items()
    assert len({(row["item"], row["person"]) for row in rows}) == len(rows)
