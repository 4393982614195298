"""One trained run, and audits of it, for all tests of this folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mep3m.assignment.run import Run
from mep3m.recipes.audit import AuditRows
from tests.assignment.audited import audit_of, train, write

Table = list[tuple[str, ...]]


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(tmp_path_factory.mktemp("guarantee"))


@pytest.fixture
def audit(run: Run, tmp_path: Path) -> Callable[[Table], AuditRows]:
    return lambda table: audit_of(run, write(tmp_path / "audit.tsv", table))
