"""Another model in place of the one that answers: under load, never in part, never one that does not work."""

import os
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from mep3m.assignment.run import Run
from mep3m.dataset.reading import open_products
from mep3m.errors import Mep3mError
from mep3m.models.fingerprint import deciding_files
from mep3m.models.late_fusion import LateFusion
from mep3m.recipes.classify import train_run
from mep3m.recipes.guarantee import Target, make_promise
from mep3m.service.app import create_app
from mep3m.service.settings import ServiceSettings
from mep3m.service.versions import Served, Version
from mep3m.settings.run import RunSettings
from mep3m.settings.sources import Columns
from mep3m.taxonomy import Category, Taxonomy
from tests.assignment.audited import audit_of, rows, train, write

QUESTION = {"products": [{"title": "红富士苹果"}], "min_confidence": 0}


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with other classes for the same titles."""
    folder = tmp_path_factory.mktemp("other")
    lines = [f"红富士苹果 {n}\tfruit" for n in range(30)] + [f"手机壳 {n}\tphone" for n in range(30)]
    (folder / "items.tsv").write_text("title\tlabel\n" + "\n".join(lines) + "\n", encoding="utf-8")
    columns = Columns(title="title", labels=("label",))
    train_run(open_products(folder / "items.tsv", columns), columns, None, RunSettings(), folder / "run")
    return folder / "run"


@pytest.fixture
def link(run_folder: Path, tmp_path: Path) -> Path:
    place = tmp_path / "current"
    place.symlink_to(run_folder)
    return place


def point(link: Path, target: Path) -> None:
    """Point a link elsewhere in one step, as `ln -sfn` and `mv -T` do."""
    new = link.with_name("new")
    new.symlink_to(target)
    new.replace(link)


def test_a_link_that_is_turned_swaps_the_model_without_a_failed_request(link: Path, other: Path) -> None:
    settings = ServiceSettings(run=link, refresh=0.05)
    known = {Version.load(ServiceSettings(run=folder)).id: path for folder, path in
             ((link.resolve(), ["食品", "苹果"]), (other, ["fruit"]))}  # fmt: skip
    with TestClient(create_app(settings)) as client:
        found: list[tuple[str, Any]] = []
        stop = threading.Event()

        def ask() -> None:
            while not stop.is_set():
                reply = client.post("/assign", json=QUESTION)
                assert reply.status_code == 200, reply.text
                found.append((reply.headers["x-mep3m-version"], reply.json()[0]["path"]))

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        point(link, other)
        limit = time.monotonic() + 30
        while client.get("/ready").json()["version"] != list(known)[1] and time.monotonic() < limit:
            time.sleep(0.05)
        time.sleep(0.3)
        stop.set()
        for thread in threads:
            thread.join()
    assert {version for version, _ in found} == set(known)
    assert all(path == known[version] for version, path in found)


@pytest.mark.parametrize("damage", ["gone", "no run", "half written"])
def test_what_cannot_be_read_never_takes_the_place_of_what_works(
    link: Path, tmp_path: Path, other: Path, damage: str
) -> None:
    broken = tmp_path / "broken"
    if damage != "gone":
        shutil.copytree(other, broken)
        target = broken / ("classifier.json" if damage == "no run" else "weights.safetensors")
        target.write_bytes(b"" if damage == "no run" else target.read_bytes()[:100])
    served = Served(ServiceSettings(run=link))
    before = served.version
    point(link, broken)
    served.refresh()
    assert served.version is before
    assert served.trouble is not None
    point(link, other)
    served.refresh()
    assert served.version.id != before.id
    assert served.trouble is None


def test_a_promise_and_its_model_change_together(tmp_path: Path, other: Path) -> None:
    run = train(tmp_path)
    promise, _ = make_promise(audit_of(run, write(tmp_path / "audit.tsv", rows(1000, 2))), Target(0.95))
    assert promise is not None
    promise.save(tmp_path / "p.json")
    link, paper = tmp_path / "current", tmp_path / "promise.json"
    link.symlink_to(run.folder)
    paper.symlink_to(tmp_path / "p.json")
    served = Served(ServiceSettings(run=link, promise=paper))
    before = served.version
    assert before.id.endswith(promise.id)
    point(link, other)  # its promise has not followed yet
    served.refresh()
    assert served.version is before
    assert "another model" in str(served.trouble)
    point(link, run.folder)
    served.refresh()
    assert served.version.id == before.id
    assert served.trouble is None
    with pytest.raises(Mep3mError, match="another model"):
        Version.load(ServiceSettings(run=other, promise=paper))


def test_nothing_is_read_while_nothing_changes(link: Path) -> None:
    served = Served(ServiceSettings(run=link))
    before = served.version
    served.refresh()
    assert served.version is before


def test_a_version_is_that_of_its_files(run_folder: Path, other: Path, tmp_path: Path) -> None:
    first = Version.load(ServiceSettings(run=run_folder))
    shutil.copytree(run_folder, tmp_path / "copy")
    assert Version.load(ServiceSettings(run=tmp_path / "copy")).id == first.id
    assert Version.load(ServiceSettings(run=other)).id != first.id
    assert Run.open(run_folder).classifier.tree.version in first.id


def test_names_that_are_put_into_a_run_are_served(run_folder: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(run_folder, tmp_path / "run"))
    served = Served(ServiceSettings(run=run))
    assert served.version.run.taxonomy is None
    Taxonomy((Category("食品", "生鲜"), Category("苹果", "红苹果", parent="食品"))).save(
        run / "taxonomy.json"
    )
    served.refresh()
    assert served.version.run.taxonomy is not None


def late_fusion(run_folder: Path, folder: Path) -> Path:
    """Write a late fusion of one part, which is a run of titles."""
    run = Path(shutil.copytree(run_folder, folder / "run"))
    part = Run.open(run_folder).classifier
    LateFusion(part.tree, {"text": part}, np.ones((part.tree.depth, 1))).save(run)
    return run


@pytest.mark.parametrize("name", ["weights.safetensors", "classifier.json"])
def test_a_part_of_a_late_fusion_that_is_replaced_in_place_is_served(
    run_folder: Path, tmp_path: Path, name: str
) -> None:
    run = late_fusion(run_folder, tmp_path)
    served = Served(ServiceSettings(run=run))
    before = served.version.id
    columns = Columns(title="title", labels=("l1", "l2"))
    rows = (run_folder.parent / "items.tsv").read_text().splitlines()
    (tmp_path / "items.tsv").write_text("\n".join(rows[:1] + rows[1::2]) + "\n")
    train_run(open_products(tmp_path / "items.tsv", columns), columns, None, RunSettings(), tmp_path / "new")
    Run.open(tmp_path / "new").classifier.save(run / "text")
    served.refresh()
    assert served.version.id != before
    (run / "text" / name).write_bytes(b"damaged")
    kept = served.version.id
    served.refresh()
    assert served.version.id == kept
    assert served.trouble is not None


def test_what_decides_an_answer_is_what_is_watched(run_folder: Path, tmp_path: Path) -> None:
    """Whatever changes the fingerprint of a run makes the service look at it again."""
    run = Path(shutil.copytree(run_folder, tmp_path / "run"))
    served = Served(ServiceSettings(run=run))
    for file in deciding_files(run):
        seen = served._look()
        os.utime(file, (1, 1))
        assert served._look() != seen, file


def test_a_promise_that_is_awaited_is_served_when_it_comes_and_missed_when_it_goes(tmp_path: Path) -> None:
    run = train(tmp_path)
    promise, _ = make_promise(audit_of(run, write(tmp_path / "audit.tsv", rows(1000, 2))), Target(0.95))
    assert promise is not None
    awaited = (tmp_path / "first.json", tmp_path / "second.json")
    served = Served(ServiceSettings(run=run.folder, awaited=awaited))
    assert served.version.policy is None
    awaited[1].write_text("{", encoding="utf-8")  # half written
    served.refresh()
    assert served.version.policy is None
    assert "second.json" in str(served.trouble)
    promise.save(awaited[1])
    served.refresh()
    assert served.version.policy is not None
    assert served.version.policy.file == awaited[1]
    awaited[1].unlink()
    served.refresh()
    assert served.version.policy is not None  # nothing is filed without one that was there
    assert served.trouble is not None


def test_a_run_that_goes_while_it_is_looked_at_stops_no_watch(run_folder: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(run_folder, tmp_path / "run"))
    served = Served(ServiceSettings(run=run))
    shutil.rmtree(run)
    for _ in range(3):
        served.refresh()
    assert served.trouble is not None
    shutil.copytree(run_folder, run)
    served.refresh()
    assert served.trouble is None
