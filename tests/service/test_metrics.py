"""The numbers of a service: what is counted, under which name, and that nothing is left over."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from mep3m.assignment.run import Run
from mep3m.service.metrics import Throughput
from tests.service.clients import serving

QUESTION = {"products": [{"title": "红富士苹果"}], "min_confidence": 0}


@pytest.fixture
def client(run_folder: Path) -> Iterator[TestClient]:
    with serving(Run.open(run_folder)) as client:
        yield client


def number(client: TestClient, name: str) -> float:
    """Return one number of /metrics, 0 where it has not been counted yet."""
    text = client.get("/metrics").text
    found = re.search(rf"^{re.escape(name)} ([0-9.e+]+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


@pytest.mark.parametrize(
    ("body", "status"),
    [(QUESTION, 200), ({"products": []}, 422), ({"products": [{"titel": "x"}]}, 422)],
)
def test_requests_are_counted_by_path_and_status(client: TestClient, body: object, status: int) -> None:
    name = f'mep3m_requests_total{{path="/assign",status="{status}"}}'
    before = number(client, name)
    assert client.post("/assign", json=body).status_code == status
    assert number(client, name) == before + 1


def test_paths_that_clients_invent_are_one_name(client: TestClient) -> None:
    """Else who asks for many names would fill the memory."""
    before = number(client, 'mep3m_requests_total{path="other",status="404"}')
    for path in ("/nothing", "/assign/../x", "/wp-login.php", "/%00", "/assign2"):
        client.get(path)
    assert number(client, 'mep3m_requests_total{path="other",status="404"}') == before + 5
    assert "wp-login" not in client.get("/metrics").text


def test_products_are_counted_by_decision(client: TestClient) -> None:
    names = [f'mep3m_products_total{{decision="{one}"}}' for one in ("filed", "review")]
    before = [number(client, name) for name in names]
    client.post("/assign", json={"products": [{"title": "红富士苹果"}, {"title": ""}], "min_confidence": 0})
    assert [number(client, name) for name in names] == [before[0] + 1, before[1] + 1]


def test_what_was_refused_counts_no_product(client: TestClient) -> None:
    before = number(client, 'mep3m_products_total{decision="review"}')
    assert client.post("/assign", json={"products": [{"ocr": "苹果"}]}).status_code == 422
    assert number(client, 'mep3m_products_total{decision="review"}') == before


def test_the_time_of_each_request_is_measured(client: TestClient) -> None:
    name = 'mep3m_request_seconds_count{path="/assign"}'
    before = number(client, name)
    for _ in range(3):
        client.post("/assign", json=QUESTION)
    assert number(client, name) == before + 3
    assert number(client, 'mep3m_request_seconds_bucket{le="+Inf",path="/assign"}') == before + 3


def test_calls_of_the_model_are_fewer_than_requests_or_as_many(client: TestClient) -> None:
    calls, requests = (number(client, f"mep3m_batch_requests_{kind}") for kind in ("count", "sum"))
    for _ in range(4):
        client.post("/assign", json=QUESTION)
    assert number(client, "mep3m_batch_requests_sum") == requests + 4
    assert calls < number(client, "mep3m_batch_requests_count") <= calls + 4


def test_nothing_waits_when_all_is_answered(client: TestClient) -> None:
    for body in (QUESTION, {"products": []}, {"products": [{"title": "a" * 20_000}]}):
        client.post("/assign", json=body)
    client.post("/assign", content=b"{", headers={"content-type": "application/json"})
    assert number(client, "mep3m_waiting_bytes") == 0


def test_the_text_is_what_prometheus_reads(client: TestClient) -> None:
    reply = client.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=")
    samples = [line for line in reply.text.splitlines() if not line.startswith("#")]
    assert samples
    for line in samples:
        assert re.fullmatch(r"[a-z0-9_:]+(\{.*\})? [-+0-9.e]+", line), line
    assert "_created" not in reply.text


def test_the_pace_counts_minutes_and_all_together() -> None:
    pace, now = Throughput(), 0.0
    for minute in range(100):
        now = 6_000.0 + 60 * minute
        pace.count(Counter(filed=1, review=minute % 2), now)
    assert pace.last(1, now) == Counter(filed=1, review=1)
    assert pace.last(10, now) == Counter(filed=10, review=5)
    assert pace.last(60, now)["filed"] == 60
    assert pace.all == Counter(filed=100, review=50)
    assert pace.last(60, now + 3600) == Counter()
    pace.count(Counter(none=1))
    assert pace.last(1) == Counter(none=1)
