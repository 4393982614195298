"""The service under a promise: the decisions of `assign`, one threshold, and a stop that needs no restart."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from mep3m.assignment.answer import assign
from mep3m.assignment.policy import FilingPolicy
from mep3m.assignment.run import Run
from mep3m.product import Product, to_table
from mep3m.recipes.guarantee import Target, make_promise
from tests.assignment.audited import audit_of, rows, train, write
from tests.service.clients import serving

TITLES = ["红富士苹果", "透明手机壳", "好物", "zzz"]


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> FilingPolicy:
    folder = tmp_path_factory.mktemp("service")
    run = train(folder)
    promise, _ = make_promise(audit_of(run, write(folder / "audit.tsv", rows(1000, 2))), Target(0.95))
    assert promise is not None
    promise.save(folder / "p.json")
    return FilingPolicy.open(folder / "p.json", run)


@pytest.fixture
def client(policy: FilingPolicy) -> Iterator[TestClient]:
    with serving(Run.open(Path(policy.promise.run)), policy) as client:
        yield client


def asked(client: TestClient, **more: object) -> list[dict[str, object]]:
    reply = client.post("/assign", json={"products": [{"title": title} for title in TITLES], **more})
    assert reply.status_code == 200, reply.text
    found: list[dict[str, object]] = reply.json()
    return found


def test_it_decides_as_assign_does(client: TestClient, policy: FilingPolicy) -> None:
    run = Run.open(Path(policy.promise.run))
    products = to_table(Product(str(n), "t", str(n), title=title) for n, title in enumerate(TITLES))
    expected = [one.decision for one in assign(run.classifier, products, policy=policy)]
    assert [one["decision"] for one in asked(client)] == expected == ["filed", "filed", "review", "review"]
    assert client.get("/health").json()["promise"] == policy.promise.id


def test_another_threshold_is_refused(client: TestClient) -> None:
    reply = client.post("/assign", json={"products": [{"title": "苹果"}], "min_confidence": 0.5})
    assert reply.status_code == 422
    assert "its own threshold" in reply.json()["detail"][0]["msg"]
    image = {"image": ("a.png", b"x", "image/png")}
    assert client.post("/assign-image?min_confidence=0.5", files=image).status_code == 422


def test_a_stop_file_needs_no_restart(client: TestClient, policy: FilingPolicy) -> None:
    policy.stop_file.touch()
    try:
        assert {one["decision"] for one in asked(client)} == {"review"}
    finally:
        policy.stop_file.unlink()
    assert asked(client)[0]["decision"] == "filed"


def test_the_page_offers_no_threshold(client: TestClient) -> None:
    page = client.get("/").text
    assert 'id="confidence"' not in page
    assert "at least 95 of 100 products" in page


def test_a_promise_of_another_run_stops_the_command(policy: FilingPolicy, run_folder: Path) -> None:
    command = [sys.executable, "-m", "mep3m", "serve", str(run_folder), "--promise", str(policy.file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "another model" in done.stderr


def test_products_in_review_come_with_a_few_categories(client: TestClient, policy: FilingPolicy) -> None:
    found = asked(client)
    assert found[0]["prediction_set"] is None
    assert policy.promise.sets is not None
    assert found[2]["prediction_set"]


def test_in_shadow_nothing_is_filed_and_what_would_be_is_said(policy: FilingPolicy) -> None:
    run = Run.open(Path(policy.promise.run))
    shadowed = FilingPolicy.open(policy.file, run, shadow=True)
    with serving(run, policy) as real, serving(run, shadowed) as shadow:
        decided, held = asked(real), asked(shadow)
    assert {one["decision"] for one in held} == {"review"}
    assert [one["shadow"] for one in held] == [one["decision"] for one in decided]


def test_every_answer_names_what_decided(client: TestClient, policy: FilingPolicy) -> None:
    reply = client.post("/assign", json={"products": [{"title": "红富士苹果"}]})
    model, tree, promise = reply.headers["x-mep3m-version"].split(".")
    (answer,) = reply.json()
    assert (answer["model"], answer["taxonomy"], answer["promise"]) == (model, tree, promise)
    assert promise == policy.promise.id
    assert client.get("/ready").json()["version"] == f"{model}.{tree}.{promise}"
