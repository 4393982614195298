"""The whole road on simulated shops: what it makes, that it goes on after a kill, that bytes are the same."""

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mep3m.alignment.review.decisions import read_review
from mep3m.engine import make_engine
from mep3m.errors import NotFoundError, SettingsError, UsageError
from mep3m.recipes.build import Built, build
from mep3m.recipes.steps import STEPS, step_folders
from mep3m.settings.project import load_project
from mep3m.settings.simulator import SimulatorSettings
from mep3m.simulator.simulation import simulate
from mep3m.store.json_files import read_json, write_json
from mep3m.store.layout import Layout
from tests.processes import kill_group


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shops; OCR is off, because its own tests read images."""
    folder = tmp_path_factory.mktemp("shops")
    simulate(folder / "shops", SimulatorSettings(products=140, seed=3))
    path = folder / "shops" / "mep3m.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("[[sources]]", "[ocr]\nbackend = 'none'\n\n[[sources]]", 1), encoding="utf-8"
    )
    return path


@pytest.fixture(scope="module")
def built(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return run(project, tmp_path_factory.mktemp("built"), workers=1)


def run(project: Path, out: Path, workers: int = 1) -> Built:
    return build(load_project(project), project.parent, out, make_engine("local", workers))


def content(folder: Path) -> dict[str, bytes]:
    """Every file of the five steps, and the review; the model and the cache of readings are no shards."""
    found = [path for step in sorted(folder.glob("[1-5]-*")) for path in sorted(step.rglob("*"))]
    files = [path for path in found if path.is_file() and path.name != "readings.sqlite"]
    assert files
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in [*files, folder / "review.sssom.tsv"]
    }


def test_every_row_is_labelled_in_one_tree_and_scored(built: Built) -> None:
    kept = [product for product in built.dataset.products() if product.dropped is None]
    tree = built.dataset.taxonomy
    assert {product.source for product in kept} == {"pinshang", "haohuo"}
    for product in kept:
        assert product.labels
        path = tuple(node.id for node in tree.path(product.labels[-1].category or ""))
        assert path == tuple(label.category for label in product.labels)
        assert {label.origin for label in product.labels} <= {"mapped", "reviewed", "given"}
    assert built.scores is not None
    assert [level["level"] for level in built.scores["levels"]][:2] == [1, 2]
    assert built.scores["levels"][0]["top1"] > 0.5


def test_the_build_is_scored_against_the_truth_of_the_simulator(built: Built) -> None:
    assert built.truth is not None
    assert built.truth["quality"]["recall"] == 1.0
    assert built.truth["alignment"]["precision"] > 0.8
    assert built.truth["duplicates"]["pairwise"]["precision"] > 0.9


def test_lineage_runs_from_the_dataset_to_the_sources(built: Built) -> None:
    stores = [built.stores[step.name] for step in STEPS]
    assert [store.manifest["parent"] for store in stores[1:]] == [store.fingerprint for store in stores[:-1]]
    assert len({store.rows for store in stores}) == 1


def test_the_report_has_every_section(built: Built) -> None:
    text = built.report.read_text(encoding="utf-8")
    for title in ("Overview", "Classes", "Steps", "Alignment", "Classifier", "Against the truth", "Mosaic"):
        assert f"<h2>{title}</h2>" in text


def test_two_workers_give_the_same_bytes(project: Path, built: Built, tmp_path: Path) -> None:
    run(project, tmp_path / "again", workers=2)
    assert content(tmp_path / "again") == content(built.folder)


def test_nothing_runs_twice(project: Path, built: Built) -> None:
    files = [path for path in built.folder.rglob("*") if path.is_file() and "report" not in path.parts]
    before = {path: path.stat().st_mtime_ns for path in files}
    run(project, built.folder)
    assert {path: path.stat().st_mtime_ns for path in files} == before


@pytest.mark.parametrize("seconds", [2.0, 4.0])
def test_a_killed_build_goes_on_to_the_same_bytes(
    project: Path, built: Built, tmp_path: Path, seconds: float
) -> None:
    command = [sys.executable, "-m", "mep3m", "build", str(project), "--out", str(tmp_path / "out")]
    process = subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(seconds)
    kill_group(process)
    run(project, tmp_path / "out")
    assert content(tmp_path / "out") == content(built.folder)


def test_a_decision_of_a_person_changes_the_dataset(project: Path, built: Built, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(built.folder, out)
    pairs = {frozenset(member["path"] for member in group["members"]) for group in joined(out)}
    sheet, decisions = read_review(out / "review.sssom.tsv")
    refused = next(
        d
        for d in decisions
        if d.relation == "exact" and d.by_method and frozenset((d.left.id, d.right.id)) in pairs
    )
    sheet.rows[decisions.index(refused)]["mep3m_decision"] = "reject"
    sheet.write(out / "review.sssom.tsv")
    run(project, out)
    after = {frozenset(member["path"] for member in group["members"]) for group in joined(out)}
    assert after < pairs
    assert frozenset((refused.left.id, refused.right.id)) not in after
    assert read_review(out / "review.sssom.tsv")[1][decisions.index(refused)].verdict == "reject"


def test_outputs_of_the_version_before_are_quietly_made_again(
    project: Path, built: Built, tmp_path: Path
) -> None:
    """Its notes had other forms: a bare string, another key, file times."""
    out = tmp_path / "out"
    shutil.copytree(built.folder, out)
    old = read_json(out / "model" / "scores.json")
    write_json(out / "model" / "scores.json", {**old, "key": "0123456789abcdef"})
    write_json(out / "review.made-from.json", "0123456789abcdef")
    again = run(project, out)
    assert content(out) == content(built.folder)
    assert again.scores == built.scores
    assert read_json(out / "model" / "scores.json") == old


@pytest.mark.parametrize("name", ["review.made-from.json", "model/scores.json"])
def test_a_damaged_stamp_stops_nothing(project: Path, built: Built, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    shutil.copytree(built.folder, out)
    (out / name).write_bytes(b"{")
    assert run(project, out).scores == built.scores
    assert (out / name).read_bytes() == (built.folder / name).read_bytes()


def joined(out: Path) -> list[dict[str, Any]]:
    aligned = out / step_folders()["align"]
    groups: list[dict[str, Any]] = read_json(Layout(aligned).decision / "impact.json")["joined"]
    return groups


def test_one_shop_alone_keeps_its_own_tree(tmp_path: Path) -> None:
    rows = [f"{fruit} {n}斤\t生鲜\t{fruit}" for n in range(10) for fruit in ("苹果", "香蕉")]
    (tmp_path / "shop.tsv").write_text("title\tl1\tl2\n" + "\n".join(rows) + "\n", encoding="utf-8")
    path = tmp_path / "mep3m.toml"
    path.write_text(
        "name = 'x'\n[[sources]]\nname = 'a'\npath = 'shop.tsv'\n"
        "[sources.columns]\ntitle = 'title'\nlabels = ['l1', 'l2']\n"
    )
    alone = run(path, tmp_path / "out")
    assert {node.name for node in alone.dataset.taxonomy} == {"生鲜", "苹果", "香蕉"}
    assert {product.source_path[1] for product in alone.dataset.products()} == {"苹果", "香蕉"}
    assert alone.scores is not None
    assert alone.scores["levels"][1]["top1"] == 1.0


def test_one_shop_beside_a_truth_is_scored_for_what_ran(tmp_path: Path) -> None:
    """Found by a project with one source of a simulated world: KeyError 'align', and no report."""
    world = simulate(tmp_path / "world", SimulatorSettings(products=60, seed=3, images=False))
    table = next(name for name in world.platforms if world.catalogue(name).suffix == ".json")
    path = tmp_path / "world" / "alone.toml"
    path.write_text(
        f"name = 'alone'\n[[sources]]\nname = '{table}'\nformat = 'mep3m'\n"
        f"path = '{world.catalogue(table).relative_to(world.folder)}'\n",
        encoding="utf-8",
    )
    alone = run(path, tmp_path / "out")
    assert "align" not in alone.stores
    assert alone.dataset.folder.name == step_folders()["ocr"]
    assert alone.report.exists()
    assert alone.truth is not None
    assert alone.truth["alignment"] is None
    assert alone.truth["quality"]["recall"] == 1.0  # rows of the other shop are no part of it
    assert "links accepted" not in alone.report.read_text(encoding="utf-8")


def test_a_wrong_project_file_says_what_to_write(tmp_path: Path) -> None:
    path = tmp_path / "mep3m.toml"
    with pytest.raises(NotFoundError, match="mep3m simulate"):
        load_project(path)
    path.write_text("name = 'x'\n[[sources]]\nname = 'a'\npath = 'a.csv'\n[qualty]\nmin_side = 3\n")
    with pytest.raises(SettingsError, match="unknown setting 'qualty' \\(did you mean 'quality'"):
        load_project(path)
    path.write_text(
        "name = 'x'\n[[sources]]\nname = 'a'\npath = 'a.csv'\n[[sources]]\nname = 'a'\npath = 'b.csv'\n"
    )
    with pytest.raises(SettingsError, match="two sources are called 'a'"):
        load_project(path)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("model = 'lineal'", "no model 'lineal' (did you mean 'linear'?"),
        ("model = 'linear'\nmodality = 'image'", "'linear' does not take image"),
        ("options = { epohcs = 2 }", "[train] options: unknown setting 'epohcs' (did you mean 'epochs'?"),
        ("options = { epochs = 0 }", "[train] options: epochs = 0 is not allowed"),
        ("model = 'lstm'\noptions = { epochs = 0 }", "epochs = 0 is not allowed"),
        ("modality = 'image'\noptions = { pixls = 3 }", "pixls"),
    ],
)
def test_a_classifier_that_cannot_be_is_refused_before_any_work(
    project: Path, tmp_path: Path, section: str, message: str
) -> None:
    path = project.with_name("wrong.toml")
    path.write_text(f"{project.read_text(encoding='utf-8')}\n[train]\n{section}\n", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        run(path, tmp_path / "out")
    assert message in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            "[[first_level]]\nname_zh = '茶'\nfrom = { haohou = ['茶'] }",
            "first_level '茶' names the platform 'haohou'",
        ),
        ("[split]\nkind = 'platform'\nplatforms = ['haohou']", "split.platforms names the platform 'haohou'"),
    ],
)
def test_a_shop_that_no_source_is_is_offered_the_nearest(project: Path, section: str, message: str) -> None:
    path = project.with_name("wrong.toml")
    path.write_text(f"{project.read_text(encoding='utf-8')}\n{section}\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_project(path)
    assert message in str(caught.value)
    assert "the platform 'haohou' (did you mean 'haohuo'? allowed: haohuo, pinshang)" in str(caught.value)


def test_shops_that_stand_in_the_rows_may_be_named(tmp_path: Path) -> None:
    path = tmp_path / "mep3m.toml"
    path.write_text(
        "name = 'x'\n[[sources]]\nname = 'all'\npath = 'a.csv'\ncolumns = { platform = 'shop' }\n"
        "[split]\nkind = 'platform'\nplatforms = ['jd']\n"
    )
    assert load_project(path).split.platforms == ("jd",)
