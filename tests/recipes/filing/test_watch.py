"""A watch from filing to undo: what chance draws, what people say, and what falls back."""

import csv
import json
import random
from pathlib import Path

import pytest

from mep3m.assignment.promise import Promise
from mep3m.assignment.watching.fallen import fallen_file
from mep3m.assignment.watching.log import WatchLog
from mep3m.errors import FormatError, Mep3mError, NotFoundError, UsageError
from mep3m.recipes.filing.answered import read_answers
from mep3m.recipes.filing.watch import Watch
from mep3m.recipes.guarantee import Target, make_promise
from tests.assignment.audited import audit_of, rows, train, write
from tests.cli.runner import ran


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a promise and 3,000 products filed under it, as JSON lines and as Parquet."""
    folder = tmp_path_factory.mktemp("watch")
    run = train(folder)
    promise, _ = make_promise(audit_of(run, write(folder / "audit.tsv", rows(1500, 2))), Target(0.95))
    assert promise is not None
    promise.save(folder / "p.json")
    new = [(f"n{number}", row[0]) for number, row in enumerate(rows(3000, 8))]
    write(folder / "new.tsv", new, "sku\ttitle")
    for kind in ("jsonl", "parquet"):
        words = ("assign", run.folder, folder / "new.tsv", "--id", "sku", "--promise", folder / "p.json")
        assert ran(*words, "--out", folder / f"filed.{kind}").code == 0
    return folder


@pytest.fixture
def watch(filed: Path, tmp_path: Path) -> Watch:
    """A watch of its own for each test: the same promise, copied."""
    (tmp_path / "p.json").write_bytes((filed / "p.json").read_bytes())
    return Watch.open(tmp_path / "p.json")


def fill_in(table: Path, wrong: set[str] = frozenset(), share: float = 0.0, only: int | None = None) -> Path:  # type: ignore[assignment]
    """Answer a drawn table: filings whose category holds one of the words are wrong, and a share besides."""
    draw = random.Random(1)
    with table.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    for row in found[:only]:
        bad = any(word in row["category"] for word in wrong) or draw.random() < share
        row["right"] = "no" if bad else "yes"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(found[0]))
        writer.writeheader()
        writer.writerows(found)
    return table


def drawn(watch: Watch, filed: Path, name: str = "todo.csv", **more: float) -> Path:
    out = watch.file.with_name(name)
    watch.draw([filed / "filed.jsonl"], out, **more)  # type: ignore[arg-type]
    return out


def test_the_draw_is_by_chance_and_the_same_again(watch: Watch, filed: Path, tmp_path: Path) -> None:
    first = drawn(watch, filed, share=0.1)
    other = Watch.open(watch.file).log.drawn()
    number = sum(one.decision == "filed" for one in read_answers(filed / "filed.jsonl"))
    assert 0.07 * number < len(other) < 0.13 * number
    again = tmp_path / "again"
    again.mkdir()
    (again / "p.json").write_bytes(watch.file.read_bytes())
    Watch.open(again / "p.json").draw([filed / "filed.parquet"], again / "todo.csv", 0.1)
    assert (again / "todo.csv").read_bytes() == first.read_bytes()
    assert drawn(watch, filed, "second.csv", share=0.1).read_text().count("\n") == 1  # all are drawn before
    assert drawn(watch, filed, "more.csv", share=0.2).read_text().count("\n") > 50
    assert set(watch.log.drawn()) > set(other)
    drawn(watch, filed, "seed.csv", share=0.1, seed=1)


def test_a_kept_promise_goes_on(watch: Watch, filed: Path) -> None:
    told = watch.record(fill_in(drawn(watch, filed, share=0.2), share=0.02))
    assert told["fallen"] == []
    assert told["recorded"] == told["audited"] > 400
    whole = next(one for one in told["branches"] if one["branch"] == [])
    assert whole["at_least"] > 0.9
    assert whole["at_most"] > 0.95
    assert not fallen_file(watch.file).exists()


def test_a_bad_branch_falls_back_alone_and_its_filings_are_listed(watch: Watch, filed: Path) -> None:
    told = watch.record(fill_in(drawn(watch, filed, share=0.15), {"耳机"}))
    assert ["数码", "耳机"] in told["fallen"]
    assert ["食品"] not in told["fallen"]
    assert ["数码", "手机壳"] not in told["fallen"]
    assert json.loads(fallen_file(watch.file).read_text())["promise"] == watch.promise.id
    out = watch.file.with_name("undo.csv")
    count = watch.undo(out)
    with out.open(encoding="utf-8", newline="") as file:
        undone = {row["id"] for row in csv.DictReader(file)}
    fallen = [tuple(path) for path in told["fallen"]]
    expected = {
        one.key.id
        for one in read_answers(filed / "filed.jsonl")
        if one.decision == "filed" and any(one.path[: len(path)] == path for path in fallen)
    }
    assert undone == expected
    assert count == len(undone) > 500


def test_it_stays_fallen_whatever_is_recorded_later(watch: Watch, filed: Path) -> None:
    watch.record(fill_in(drawn(watch, filed, share=0.1), {"耳机"}))
    before = watch.status()["fallen"]
    watch.record(fill_in(drawn(watch, filed, "more.csv", share=0.6)))
    assert [path for path in before if path not in watch.status()["fallen"]] == []
    fallen_file(watch.file).unlink()
    assert watch.status()["fallen"]
    assert fallen_file(watch.file).exists()  # written again from the log


def test_half_a_table_now_and_the_rest_later(watch: Watch, filed: Path) -> None:
    table = fill_in(drawn(watch, filed, share=0.1), only=20)
    assert watch.record(table)["audited"] == 20
    assert watch.record(table)["recorded"] == 0
    told = watch.record(fill_in(table))
    assert told["open"] == 0
    assert told["audited"] == told["drawn"] > 200


def test_wrong_tables_are_refused(watch: Watch, filed: Path, tmp_path: Path) -> None:
    table = drawn(watch, filed, share=0.05)
    lines = table.read_text().splitlines()
    cases = {
        "id,right\nnobody-1,yes\n": "was not drawn for audit",
        "sku,right\nn1,yes\n": "has no columns 'id' and 'right'",
        "\n".join([lines[0], lines[1] + "maybe"]) + "\n": "write yes or no",
    }
    for content, said in cases.items():
        (tmp_path / "bad.csv").write_text(content)
        with pytest.raises(Mep3mError, match=said):
            watch.record(tmp_path / "bad.csv")
    with pytest.raises(NotFoundError):
        watch.record(tmp_path / "gone.csv")
    watch.record(fill_in(table))
    with pytest.raises(UsageError, match="was recorded as right before"):
        watch.record(fill_in(table, share=1.1))
    with pytest.raises(UsageError, match="people may be filling it in"):
        watch.draw([filed / "filed.jsonl"], table)


def test_answers_of_others_are_refused(watch: Watch, filed: Path, tmp_path: Path) -> None:
    (tmp_path / "no.jsonl").write_text('{"a": 1}\n')
    for file, kind in ((tmp_path / "no.jsonl", FormatError), (tmp_path / "o.csv", UsageError)):
        with pytest.raises(kind):
            watch.draw([file], tmp_path / "t.csv")
    ran("assign", filed / "run", filed / "new.tsv", "--id", "sku", "--out", tmp_path / "plain.jsonl")
    with pytest.raises(UsageError, match="no answer was filed under"):
        watch.draw([tmp_path / "plain.jsonl"], tmp_path / "t.csv")


def test_a_new_promise_begins_a_new_watch(watch: Watch, filed: Path) -> None:
    watch.record(fill_in(drawn(watch, filed, share=0.1), {"耳机"}))
    promise = Promise.load(watch.file)
    other = Watch(watch.file, promise, watch.tree)
    assert WatchLog(other.log.file, "another").drawn() == {}
    assert WatchLog(other.log.file, "another").fallen() == []


def test_the_command_line_from_end_to_end(watch: Watch, filed: Path, tmp_path: Path) -> None:
    todo, promise = tmp_path / "audit.csv", watch.file
    done = ran("watch", "draw", promise, filed / "filed.parquet", "--out", todo, "--share", "0.15")
    assert (done.code, "filings drawn" in done.out) == (0, True)
    assert ran("watch", "record", promise, todo, "--json").json["audited"] == 0
    done = ran("watch", "record", promise, fill_in(todo, {"耳机"}))
    assert done.code == 1
    assert "数码 > 耳机" in done.out
    assert "FALLEN BACK" in done.out
    assert ran("watch", "status", promise, "--json").code == 1
    assert ran("watch", "undo", promise, "--out", tmp_path / "undo.csv", "--json").json["filings"] > 500
    words = ("assign", filed / "run", filed / "new.tsv", "--id", "sku", "--promise", promise)
    ran(*words, "--out", tmp_path / "later.jsonl")
    later = list(read_answers(tmp_path / "later.jsonl"))
    assert all(one.path != ("数码", "耳机") for one in later if one.decision == "filed")
    assert ran("watch", "draw", promise, filed / "filed.jsonl", "--out", tmp_path / "x.txt").code == 2


def test_drift_warns_and_stops_nothing(watch: Watch, filed: Path, tmp_path: Path) -> None:
    alike = ran("watch", "drift", watch.file, filed / "filed.jsonl", filed / "filed.parquet")
    assert alike.code == 0
    assert "warning" not in alike.err
    write(
        tmp_path / "odd.tsv",
        [(f"o{n}", f"stainless teapot number {n} with lid") for n in range(300)],
        "sku\ttitle",
    )
    words = ("assign", filed / "run", tmp_path / "odd.tsv", "--id", "sku", "--promise", watch.file)
    ran(*words, "--out", tmp_path / "odd.jsonl")
    told = ran("watch", "drift", watch.file, tmp_path / "odd.jsonl")
    assert told.code == 0
    assert "warning: " in told.err
    found = ran("watch", "drift", watch.file, tmp_path / "odd.jsonl", "--json").json["drift"][0]
    assert found["words"] > 0.2
    assert not fallen_file(watch.file).exists()
