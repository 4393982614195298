"""Category trees as lists, frames and files; proposals as a frame, scored and written for a review."""

from pathlib import Path
from typing import Any

import pytest

import mep3m
from mep3m.alignment.review.decisions import read_review
from mep3m.errors import FormatError, NotFoundError, SettingsError, UsageError

LEFT = ["家电 > 电视 > 曲面电视", "家电 > 空调", "食品 > 茶叶"]
RIGHT = ["电器 > 大家电 > 空调", "食品 > 茶叶", "电器 > 电视 > 曲面电视"]
GOLD = [(LEFT[0], RIGHT[2]), (LEFT[1], RIGHT[0]), (LEFT[2], RIGHT[1])]


def frame(paths: list[str]) -> list[dict[str, Any]]:
    return [
        {"id": n, "path": path.split(" > "), "titles": [f"{path[-2:]} 新款"], "count": 4.0}
        for n, path in enumerate(paths)
    ]


def file(folder: Path, name: str, paths: list[str]) -> Path:
    path = folder / name
    path.write_text("id\tpath\n" + "".join(f"{n}\t{one}\n" for n, one in enumerate(paths)), encoding="utf-8")
    return path


def pairs(links: mep3m.Frame[mep3m.Proposal]) -> set[tuple[str, str]]:
    return {(link.left_label, link.right_label) for link in links if link.accept}


def test_lists_frames_and_files_give_the_same_links(tmp_path: Path) -> None:
    links = mep3m.propose(LEFT, RIGHT)
    assert pairs(links) >= {GOLD[0], GOLD[2]}
    of_files = mep3m.propose(file(tmp_path, "l.tsv", LEFT), str(file(tmp_path, "r.tsv", RIGHT)))
    assert pairs(of_files) == pairs(links)
    of_frames = mep3m.propose(frame(LEFT), frame(RIGHT))
    assert {"0", "1", "2"} & {link.left_id for link in of_frames}
    assert pairs(of_frames) >= {GOLD[2]}
    link = next(iter(links))
    assert isinstance(link, mep3m.Proposal)
    assert link.evidence
    assert link.words == links["words"][0]


def test_the_papers_rule_and_its_settings() -> None:
    links = mep3m.propose(LEFT, RIGHT, method="paper", settings={"paper": {"content_threshold": 0.0}})
    assert (LEFT[2], RIGHT[1]) in pairs(links)
    with pytest.raises(SettingsError, match="did you mean 'paper'"):
        mep3m.propose(LEFT, RIGHT, settings={"papr": {}})


def test_scores_of_a_frame_and_of_a_file(tmp_path: Path) -> None:
    out = tmp_path / "links.sssom.tsv"
    links = mep3m.propose(LEFT, RIGHT, out=str(out))
    scores = mep3m.score_proposals(links, GOLD)
    assert isinstance(scores, mep3m.AlignmentScores)
    assert scores.recall >= 2 / 3
    golds = [{"left_id": left, "right_id": right, "relation": "exact"} for left, right in GOLD]
    assert mep3m.score_proposals(out, golds).f1 == scores.f1
    assert len(read_review(out)[1]) == len(links)
    with pytest.raises(FormatError, match=r"the gold frame cannot be used:\n  line 1: relation 'same'"):
        mep3m.score_proposals(links, [(*GOLD[0], "same")])
    with pytest.raises(NotFoundError, match=r"the gold frame has no column 'left_id'"):
        mep3m.score_proposals(links, [{"left": "a", "right_id": "b"}])


def test_the_platforms_of_one_dataset(tmp_path: Path) -> None:
    rows = [
        {"shop": shop, "path": path, "title": f"{path[-2:]} {n}"}
        for shop, paths in (("a", LEFT), ("b", RIGHT))
        for path in paths
        for n in range(3)
    ]
    products = mep3m.load(rows, title="title", path="path", platform="shop")
    links = mep3m.propose(products)
    assert set(links["left_source"]) == {"a"}
    assert (LEFT[2], RIGHT[1]) in pairs(links)
    with pytest.raises(UsageError, match="are one dataset"):
        mep3m.propose(products, products)


def test_what_cannot_be_used_is_said(tmp_path: Path) -> None:
    links = mep3m.propose([*LEFT, "家电 > "], RIGHT)
    assert [(reject.line, reject.reason) for reject in links.refused] == [
        (4, "the path '家电 > ' has an empty name")
    ]
    with pytest.raises(FormatError, match="the left frame holds no category that can be used"):
        mep3m.propose([""], RIGHT)
    with pytest.raises(NotFoundError, match=r"the right frame has no column 'path' \(did you mean 'paths'"):
        mep3m.propose(LEFT, [{"id": 1, "paths": "a"}])
    with pytest.raises(NotFoundError, match="is no file or folder"):
        mep3m.propose("nowhere.tsv", RIGHT)
    review = tmp_path / "links.tsv"
    mep3m.propose(LEFT, RIGHT, out=review)
    text = review.read_text(encoding="utf-8").splitlines()
    head = next(n for n, line in enumerate(text) if line.startswith("subject_id"))
    cells = text[head + 1].split("\t")
    cells[text[head].split("\t").index("mep3m_decision")] = "accept"
    text[head + 1] = "\t".join(cells)
    review.write_text("\n".join(text) + "\n", encoding="utf-8")
    with pytest.raises(UsageError):
        mep3m.propose(LEFT, RIGHT, out=review)
