"""The dry run of a review says what the next build does: the project's first level, [merge] and store."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from mep3m.cli import cli
from mep3m.engine import make_engine
from mep3m.recipes.build import build
from mep3m.settings.project import load_project
from mep3m.settings.simulator import SimulatorSettings
from mep3m.simulator.simulation import simulate
from mep3m.store import Store
from mep3m.store.json_files import read_json


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["align", *map(str, arguments)])


def made(folder: Path, merge: str) -> Path:
    """Write two shops whose project says how to merge; nothing reads their images."""
    simulate(folder / "shops", SimulatorSettings(products=140, seed=3, images=False))
    project = folder / "shops" / "mep3m.toml"
    text = project.read_text(encoding="utf-8")
    project.write_text(
        text.replace("[[sources]]", f"[ocr]\nbackend = 'none'\n\n[merge]\n{merge}\n\n[[sources]]", 1),
        encoding="utf-8",
    )
    return project


def run(project: Path, out: Path) -> Path:
    build(load_project(project), project.parent, out, make_engine("local", 1))
    return out


def labels(store: Path) -> dict[str, list[tuple[str | None, str, str | None]]]:
    return {
        f"{row.source}: {row.source_id}": [(one.category, one.origin, one.by) for one in row.labels]
        for row in Store.open(store).products()
    }


@pytest.mark.parametrize(
    "merge",
    [
        "precision = 0.98",
        "precision = 0.5\nleast_exact = 0.3\nleast_inner = 0.95\ndepth = 2",
        'unreviewed = "skip"\nself_test = false',
    ],
)
def test_it_predicts_what_the_build_does(tmp_path: Path, merge: str) -> None:
    project = made(tmp_path, merge)
    out = run(project, tmp_path / "built")
    review = out / "review.sssom.tsv"
    assert call("review", review, "--accept", "10", "--reject", "11", "--reviewer", "li").exit_code == 0
    dry = call("apply", review, "--project", project, "--dry-run", "--json")
    assert dry.exit_code in (0, 1), dry.output
    told = orjson.loads(dry.stdout)
    assert call("apply", review, "--project", project, "--out", tmp_path / "applied").exit_code in (0, 1)
    run(project, out)
    done = read_json(out / "5-align" / "decision" / "impact.json")
    assert {key: value for key, value in told.items() if key != "out"} == done
    assert labels(tmp_path / "applied") == labels(out / "5-align")
    assert done["decisions"]["accept"] == 1


def test_an_option_comes_before_the_project(tmp_path: Path) -> None:
    project = made(tmp_path, "precision = 0.5\nleast_exact = 0.3")
    review = run(project, tmp_path / "built") / "review.sssom.tsv"
    own = orjson.loads(call("apply", review, "--project", project, "--dry-run", "--json").stdout)
    options = ("--unreviewed", "skip", "--dry-run", "--json")
    skipped = orjson.loads(call("apply", review, "--project", project, *options).stdout)
    assert len(skipped["joined"]) < len(own["joined"])


def test_a_store_that_is_gone_is_named(tmp_path: Path) -> None:
    project = made(tmp_path, "precision = 0.98")
    review = run(project, tmp_path / "built") / "review.sssom.tsv"
    moved = tmp_path / "elsewhere.tsv"
    moved.write_bytes(review.read_bytes())
    told = CliRunner().invoke(
        cli,
        ["align", "apply", str(moved), "--project", str(project), "--dry-run"],
        standalone_mode=False,
    )
    assert "name it with --store" in str(told.exception)
