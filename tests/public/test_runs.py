"""Train, predict, assign, evaluate: the answers of the command line, from a notebook."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mep3m
from mep3m.errors import MissingExtraError, ModelError, NotFoundError, SettingsError, UsageError
from tests.cli.runner import ran
from tests.ingest.shop import picture


def test_titles_are_answered_in_order(run: mep3m.TrainedRun) -> None:
    answers = run.predict(["红富士苹果 3号", "硅胶手机壳 防摔", "智能手机 5G"])
    assert answers.columns == ["id", "level_1", "level_2", "probability", "path", "reason"]
    assert answers["id"] == ["0", "1", "2"]
    assert answers["level_2"] == ["苹果", "手机壳", "手机"]
    first = next(iter(answers))
    assert isinstance(first, mep3m.Answer)
    assert first.path == first.names == ("水果", "苹果")
    assert 0 < first.probability <= 1


def test_a_missing_title_and_a_repeated_id_are_answered_too(
    run: mep3m.TrainedRun, rows: list[dict[str, Any]]
) -> None:
    answers = run.predict([rows[0], rows[0], {"sku": None, "title": None}])
    assert answers["id"] == ["S00", "S00", "2"]
    assert len(answers) == 3
    assert len(run.predict([None, "苹果"])) == 2


def test_other_columns_are_named_and_a_wrong_one_names_the_nearest(run: mep3m.TrainedRun) -> None:
    frame = [{"name": "红富士苹果", "key": 7}]
    answers = run.predict(frame, title="name", id="key")
    assert (answers["id"], answers["level_2"]) == (["7"], ["苹果"])
    with pytest.raises(NotFoundError, match=r"the frame has no column 'title'"):
        run.predict(frame)
    with pytest.raises(NotFoundError, match=r"did you mean 'name'"):
        run.predict(frame, title="nam")
    with pytest.raises(UsageError, match=r"no option 'titles' \(did you mean 'title'"):
        run.predict(frame, titles="name")


def test_probabilities_are_those_of_the_classifier(run: mep3m.TrainedRun, rows: list[dict[str, Any]]) -> None:
    frame = run.predict_proba(rows[:5])
    assert frame.columns == ["id", *run.labels()]
    values = np.array([frame[name] for name in run.labels()]).T
    assert (values.sum(axis=1) <= 1 + 1e-5).all()
    assert (values.sum(axis=1) > 0.9).all()
    coarse = run.predict_proba(rows[:5], level=1)
    assert coarse.columns == ["id", "数码", "水果"]
    assert next(iter(coarse))["水果"] > 0.5
    with pytest.raises(UsageError, match="no level 3"):
        run.predict_proba(rows, level=3)


def test_assign_gives_what_the_command_gives(run: mep3m.TrainedRun, table_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    assert ran("assign", run.folder, table_file, "--out", out, "--min-confidence", "0.6").code == 0
    told = [json.loads(line) for line in out.read_text().splitlines()]
    filed = list(run.assign(table_file, min_confidence=0.6))
    assert [list(one.path) for one in filed] == [row["path"] for row in told]
    assert [one.review for one in filed] == [row["review"] for row in told]
    assert [list(one.confidence) for one in filed] == [pytest.approx(row["confidence"]) for row in told]
    assert len(filed[0].top) == 3
    assert filed[0].id == "S00"
    with pytest.raises(UsageError, match=r"min_confidence = 2 is not allowed"):
        run.assign(["苹果"], min_confidence=2)


def test_files_frames_and_product_sets_are_answered_alike(
    run: mep3m.TrainedRun, table_file: Path, rows: list[dict[str, Any]]
) -> None:
    products = mep3m.load(rows, title="title", labels=["kind", "sort"], id="sku")
    answers = [run.predict(data) for data in (rows, table_file, str(table_file), products)]
    assert all(found.to_arrow().equals(answers[0].to_arrow()) for found in answers)
    with pytest.raises(NotFoundError, match="a single title is given in a list"):
        run.predict("红富士苹果")


def test_scores_are_those_of_the_command(
    run: mep3m.TrainedRun, table_file: Path, rows: list[dict[str, Any]]
) -> None:
    told = ran("evaluate", run.folder, "--data", table_file, "--json").json
    for data in (table_file, rows):
        scores = mep3m.evaluate(run, data)
        assert scores.details["levels"] == told["levels"]
        assert scores.finest.macro_f1 == told["levels"][1]["macro_f1"]
        assert scores.hierarchy.f1 == told["hierarchical"]["f1"]
    assert mep3m.evaluate(str(run.folder), rows, labels=["kind", "sort"]).levels == scores.levels
    assert scores.frame["level"] == [1, 2]
    assert scores.to_arrow().num_rows == 2
    assert next(iter(scores.frame)) == scores.levels[0]


def test_the_card_is_that_of_the_held_out_rows(run: mep3m.TrainedRun) -> None:
    assert run.card.details["measured_on"].endswith(
        "validation rows (grouped split " + run.card.details["measured_on"][-17:]
    )
    assert run.card.levels[0].n < 60


def test_unseen_labels_count_as_wrong(run: mep3m.TrainedRun, rows: list[dict[str, Any]]) -> None:
    scores = run.evaluate([{**row, "sort": row["sort"] + "!"} for row in rows[:8]])
    assert (scores.finest.unseen, scores.finest.top1) == (8, 0.0)


def test_training_takes_settings_and_refuses_wrong_ones(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    flat = mep3m.train(
        rows,
        title="title",
        labels="sort",
        out=str(tmp_path / "flat"),
        hierarchy="flat",
        options={"epochs": 2},
    )
    assert (flat.depth, flat.run.settings.options) == (1, {"epochs": 2})
    given: dict[str, Any] = {"title": "title", "labels": ["sort"], "out": tmp_path / "x"}
    with pytest.raises(UsageError, match="did you mean 'linear'"):
        mep3m.train(rows, **given, model="linaer")
    with pytest.raises(SettingsError, match="did you mean 'epochs'"):
        mep3m.train(rows, **given, options={"epoch": 2})
    with pytest.raises(SettingsError, match="seed = -1 is not allowed"):
        mep3m.train(rows, **given, seed=-1)
    with pytest.raises(UsageError, match="none of the 60 rows has a label"):
        mep3m.train(rows, title="title", out=tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_the_columns_say_the_modality(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    pytest.importorskip("torch")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    shown = rows[:24]
    for n, row in enumerate(shown):
        (pictures / f"{n}.png").write_bytes(picture(n))
        row["photo"] = f"{n}.png"
    options = {"backbone": "tf_efficientnet_lite0", "pixels": 32, "crops": "0"}
    run = mep3m.train(
        shown, image="photo", image_root=pictures, labels=["kind"], out=tmp_path / "run", options=options
    )
    assert (run.run.settings.modality, run.run.settings.model) == ("image", "pretrained")
    assert len(run.predict(shown)) == 24
    broken = [{"photo": "0.png"}, {"photo": "gone.png"}]
    assert [one.unreadable is None for one in run.assign(broken)] == [True, False]
    with pytest.raises((NotFoundError, MissingExtraError), match="no column 'photo'"):
        run.predict(["苹果"], image="photo")


def test_a_run_trained_on_a_store_reads_titles(tmp_path: Path) -> None:
    world = mep3m.simulate(tmp_path / "world", products=80, images=False, seed=5)
    built = mep3m.build(world.project, tmp_path / "built", workers=1)
    run = built.load_run()
    answers = run.predict(["全价猫粮 成猫 1.5kg 三文鱼味", "55英寸 平板电视"])
    assert all(one.path != one.names for one in answers)
    assert run.predict([{"name": "全价猫粮"}], title="name").columns == answers.columns
    assert len(run.predict(tmp_path / "built")) == len(built.load())
    assert built.scores is not None
    assert built.refused == sum(len(store.rejects()) for store in [built.store]) or built.refused > 0
    assert run.evaluate(built.store.folder).levels[0].n > 50


def test_a_folder_that_is_no_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is not a classifier folder"):
        mep3m.load_run(str(tmp_path))
