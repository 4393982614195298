"""A learned class is never filed without a promise made after it: by `assign`, the service, and the desk."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mep3m.assignment.answer import Beside, assign
from mep3m.assignment.policy import FilingPolicy
from mep3m.assignment.run import Run
from mep3m.product import Product, to_table
from mep3m.recipes.audit import read_audit
from mep3m.recipes.guarantee import Target, make_promise
from mep3m.recipes.learning import LearnSettings, learn_run
from tests.cli.runner import ran
from tests.desk.opened import csrf_of, desk_on
from tests.recipes.learning.titles import MORE, NEW, OLD, write
from tests.service.clients import serving

ROWS = (*OLD, *NEW, *MORE)
WORDS = sorted({word for title, _, _ in ROWS for word in title.split()})
#: titles made of words of all classes, so that many lie between a trained and a learned one
titles = st.lists(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join), min_size=1, max_size=8
)


@pytest.fixture(scope="module")
def taught(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """A run with two increments, and the promise of an audit that has products of the first alone."""
    folder = tmp_path_factory.mktemp("unfiled")
    start = Run.open(run_folder)
    for name, rows, method in (("one", NEW, "prototypes"), ("two", MORE, "ridge")):
        data = start.read(write(folder / f"{name}.tsv", rows, range(5)))
        learn_run(start, data, folder / name, LearnSettings.parse({"method": method}, "test"))
        start = Run.open(folder / name)
    audited = read_audit(start, start.read(write(folder / "audit.tsv", (*OLD, *NEW), range(100, 130))))
    promise, _ = make_promise(audited, Target(0.9))
    assert promise is not None
    promise.save(folder / "promise.json")
    return start, folder / "promise.json"


@pytest.fixture(scope="module")
def service(taught: tuple[Run, Path]) -> Iterator[TestClient]:
    with serving(taught[0]) as client:
        yield client


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(titles, st.sampled_from([0.0, 0.3, 0.9]))
def test_service_and_library_say_the_same_and_leave_it_to_people(
    taught: tuple[Run, Path], service: TestClient, asked: list[str], confidence: float
) -> None:
    run, _ = taught
    table = to_table(Product(str(n), "t", str(n), title=title) for n, title in enumerate(asked))
    answers = assign(run.classifier, table, min_confidence=confidence, beside=Beside.of(run))
    question = {"products": [{"title": title} for title in asked], "min_confidence": confidence}
    replies = service.post("/assign", json=question).json()
    for one, reply in zip(answers, replies, strict=True):
        assert (reply["decision"], tuple(reply["path"])) == (one.decision, one.path)
        assert not (one.decision == "filed" and one.path in run.learned)
        if one.path in run.learned:
            assert (one.decision, reply["review"]) == ("review", True)
            assert "was learned after training" in reply["reason"]


@settings(max_examples=25)
@given(titles)
def test_a_promise_opens_what_its_audit_had_and_nothing_learned_later(
    taught: tuple[Run, Path], asked: list[str]
) -> None:
    run, file = taught
    policy = FilingPolicy.open(file, run)
    table = to_table(Product(str(n), "t", str(n), title=title) for n, title in enumerate(asked))
    for one in assign(run.classifier, table, policy=policy, beside=Beside.of(run)):
        if one.decision == "filed":
            assert one.path not in run.learned or one.path in {("服装", "裙子"), ("食品", "葡萄")}


def test_sure_answers_by_command_and_at_the_desk_are_for_people(
    taught: tuple[Run, Path], tmp_path: Path
) -> None:
    run, _ = taught
    data = write(tmp_path / "asked.tsv", (*NEW, *MORE), range(60, 61))
    done = ran("assign", run.folder, data, "--min-confidence", "0", "--out", tmp_path / "a.jsonl", "--json")
    assert done.code == 0, done.err
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()]
    found = [one for one in lines if tuple(one["path"]) in run.learned]
    assert len(found) >= 5
    assert {one["decision"] for one in found} == {"review"}
    with desk_on(run.folder) as desk:
        csrf = csrf_of(desk, "/try")
        for title, held in (("连衣裙 夏 款式60", True), ("小米手机 全网通 款式60", False)):
            page = desk.post("/try", data={"csrf": csrf, "title": title, "min_confidence": "0"})
            assert page.status_code == 200
            assert ("was learned after training" in page.text) is held
