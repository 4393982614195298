"""One run with its promise, for all tests of this folder."""

from pathlib import Path

import pytest

from mep3m.assignment.promise import Promise
from mep3m.assignment.run import Run
from mep3m.recipes.guarantee import Target, make_promise
from tests.assignment.audited import audit_of, rows, train, write


@pytest.fixture(scope="session")
def audited_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(tmp_path_factory.mktemp("audited"))


@pytest.fixture
def promise(audited_run: Run, tmp_path: Path) -> Promise:
    table = write(tmp_path / "audit.tsv", rows(1500, 2))
    made, _ = make_promise(audit_of(audited_run, table), Target(0.95))
    assert made is not None
    return made
