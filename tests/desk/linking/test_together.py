"""Many people at one desk, and a desk that dies: what was acknowledged is in the file, and nothing else."""

import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from mep3m.alignment.keeping.database_log import DatabaseReviewLog, database_of, open_review
from mep3m.alignment.records import Proposal
from mep3m.alignment.review.decisions import read_review
from mep3m.alignment.review.file_log import FileReviewLog
from mep3m.alignment.review.sssom import write_sssom
from mep3m.desk.folder import DeskFolder
from mep3m.desk.linking.desk_links import DeskLinks
from mep3m.errors import FormatError, NotFoundError
from tests.alignment.shops import NOW, decide, proposals
from tests.desk.endpoints.test_align import form
from tests.desk.linking.test_answers import asked
from tests.desk.opened import csrf_of, desk_on, opened

LINKS = 60


@pytest.fixture
def folder(small_run: Path, tmp_path: Path) -> Path:
    """A run with more links than anybody decides before it is killed."""
    made = Path(shutil.copytree(small_run, tmp_path / "folder"))
    names = [f"类 {n}" for n in range(LINKS)]
    rows = [Proposal(name, name, "exact", 0.5, False, {}, "", name, name, "a", "b") for name in names]
    write_sssom(made / "review.sssom.tsv", rows)
    return made


def test_what_was_acknowledged_before_a_kill_is_in_the_next_file(folder: Path) -> None:
    acknowledged: set[int] = set()
    path = folder / "review.sssom.tsv"

    def work(url: str, first: int) -> None:
        with httpx.Client(base_url=url, headers={"accept": "text/html"}) as client:
            try:
                for at in range(first, LINKS, 3):
                    page = form(client.get(f"/align?at={at}").text)
                    answer = client.post("/align/decide", data={**page, "decision": "reject"})
                    if answer.status_code == 303:
                        acknowledged.add(at)
            except httpx.HTTPError:
                return

    with opened(folder) as desk:
        threads = [threading.Thread(target=work, args=(desk.url, first)) for first in range(3)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + 30
        while len(acknowledged) < 6 and time.monotonic() < until:
            time.sleep(0.01)
        desk.process.kill()
        for thread in threads:
            thread.join()
    assert len(acknowledged) >= 6
    assert {row.verdict for row in read_review(path)[1]} == {"open"}  # a desk writes it when it closes
    with open_review(path) as log:  # any command that asks for the review
        assert log.read(NOW).taken_in == 0
    decided = {place for place, row in enumerate(read_review(path)[1]) if row.verdict == "reject"}
    assert acknowledged <= decided
    assert len(decided - acknowledged) <= len(threads)  # recorded, but the answer was cut off
    assert len(FileReviewLog(path).history()) == len(decided)


def test_of_many_who_decide_one_link_at_once_one_wins_and_all_others_are_told(folder: Path) -> None:
    with desk_on(folder) as desk:
        page = form(desk.get("/align?at=3").text)
        words = ["accept", "reject", "unsure", "narrower", "broader"] * 3
        with ThreadPoolExecutor(len(words)) as people:
            answers = list(
                people.map(lambda word: desk.post("/align/decide", data={**page, "decision": word}), words)
            )
        assert {answer.status_code for answer in answers} == {303, 409}
        # one person: the same decision once more is acknowledged once more, and recorded once
        (won,) = {word for word, answer in zip(words, answers, strict=True) if answer.status_code == 303}
        assert len(desk.get("/align/history").text.split("→")) == 2
    said = read_review(folder / "review.sssom.tsv")[1][3]
    assert said.verdict == (won if won in ("accept", "reject", "unsure") else "accept")
    assert said.relation == (won if won in ("narrower", "broader") else "exact")


def test_one_decides_link_by_link_while_another_decides_all(folder: Path) -> None:
    """Either the batch finds them as they were shown, or nothing of it is done."""
    with desk_on(folder) as desk:
        csrf = csrf_of(desk, "/align/all")
        known = {"csrf": csrf, "count": LINKS, "revision": 0, "decision": "accept"}
        one = form(desk.get("/align?at=0").text)
        with ThreadPoolExecutor(2) as people:
            both = people.submit(desk.post, "/align/all", data=known)
            single = people.submit(desk.post, "/align/decide", data={**one, "decision": "reject"})
            codes = both.result().status_code, single.result().status_code
    assert sorted(codes) == [303, 409]
    verdicts = [row.verdict for row in read_review(folder / "review.sssom.tsv")[1]]
    assert verdicts == (["accept"] * LINKS if codes[0] == 303 else ["reject"] + ["open"] * (LINKS - 1))


def test_two_desks_on_one_folder_see_each_other(folder: Path) -> None:
    with desk_on(folder) as one, desk_on(folder) as other:
        old = form(other.get("/align?at=0").text)
        one.post("/align/decide", data={**form(one.get("/align?at=0").text), "decision": "accept"})
        assert other.post("/align/decide", data={**old, "decision": "reject"}).status_code == 409
        other.post("/align/decide", data={**form(other.get("/align?at=1").text), "decision": "reject"})
    assert [row.verdict for row in read_review(folder / "review.sssom.tsv")[1]][:3] == [
        "accept", "reject", "open",
    ]  # fmt: skip


def test_an_edit_of_the_file_while_the_desk_is_open_counts_from_the_next_decision_on(folder: Path) -> None:
    path = folder / "review.sssom.tsv"
    with desk_on(folder) as desk:
        assert form(desk.get("/align?at=5").text)["revision"] == "0"  # the review is open
        sheet = read_review(path)[0]
        sheet.rows[5]["mep3m_decision"] = "unsure"
        sheet.write(path)
        old = form(desk.get("/align?at=5").text)
        desk.post("/align/decide", data={**form(desk.get("/align?at=0").text), "decision": "accept"})
        assert desk.post("/align/decide", data={**old, "decision": "reject"}).status_code == 409
    assert [row.verdict for row in read_review(path)[1]][:6] == ["accept", *["open"] * 4, "unsure"]


def test_links_are_opened_once_whoever_asks_first(folder: Path) -> None:
    links = DeskLinks(DeskFolder.open(folder), None)
    with ThreadPoolExecutor(8) as threads:
        logs = set(threads.map(lambda _: id(links.log), range(16)))
    assert len(logs) == 1
    around = links.around(asked("shown=all"))
    assert (around["left"], around["progress"]["open"]) == (LINKS, LINKS)
    links.close()
    assert links.log.read(NOW).revision == 0  # who asks after the end opens it again
    links.close()


def test_links_that_cannot_be_opened_say_so_each_time_and_are_tried_again(folder: Path) -> None:
    (folder / "desk").mkdir(exist_ok=True)
    database_of(folder / "review.sssom.tsv").write_bytes(b"no database at all")
    links = DeskLinks(DeskFolder.open(folder), None)
    links.begin()
    for _ in range(2):
        with pytest.raises(FormatError, match="move it away, or restore it"):
            _ = links.log
    database_of(folder / "review.sssom.tsv").unlink()
    assert len(links.log.read(NOW).keys) == LINKS
    links.close()


def test_a_folder_without_a_review_has_no_links(small_run: Path) -> None:
    links = DeskLinks(DeskFolder.open(small_run), None)
    links.begin()
    assert links.categories.wait(30)
    with pytest.raises(NotFoundError, match="holds no review of links"):
        _ = links.log
    links.close()


def test_a_database_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = proposals(tmp_path / "review.sssom.tsv")
    log = DatabaseReviewLog(path)
    decide(log, {0: {"mep3m_decision": "accept"}})
    with log.database.change() as change:
        change.execute("PRAGMA user_version = 99")
    log.database.close()
    with pytest.raises(FormatError, match="later version of mep3m; update mep3m"), open_review(path):
        pass
    assert read_review(path)[1][0].verdict == "open"  # nothing was written by who cannot read it
