"""Scoring against the truth, on a world of six products that can be checked by hand."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mep3m.alignment.records import Proposal, Relation
from mep3m.alignment.review.sssom import write_sssom
from mep3m.evaluation.truth import score_against_truth
from mep3m.product import Product, to_table
from mep3m.simulator.files import write_tsv
from mep3m.simulator.truth import PRODUCT_TRUTH
from mep3m.store import Plan, Reject, Store, StoreWriter

COLUMNS = ("left_source", "right_source", "left_id", "right_id", "relation")
GOLD = [("a", "b", "x", "y", "exact"), ("a", "b", "x2", "y2", "narrower")]
#: source id -> (true group, planted defect, text on its image)
TRUE = {
    "1": ("g1", None, True),
    "2": ("g1", None, False),
    "3": ("g2", "blank_image", False),
    "4": ("g3", None, True),
    "5": ("g4", "missing_id", False),
    "6": ("g1", "repeated_id", False),
}


def product(key: str, group: str, **more: Any) -> Product:
    return Product(f"a:{key}", "a", key, group=group, image="k", file="shop/a.csv", line=int(key), **more)


PERFECT = [
    product("1", "one", ocr="text"),
    product("2", "one"),
    product("3", "two", dropped="quality: blank"),
    product("4", "three", ocr="text"),
    product("5", "four"),
]
#: lines 7 and 8 of an array hold texts between two records: they have the number of record 2
NO_RECORDS = [
    {"source": "a", "source_id": "2", "file": "a.csv", "line": 2, "group": "g9", "defect": "broken_row"}
] * 2
#: the other platform, of whose products the truth says nothing
OTHER = Product("b:1", "b", "1", group="five")
LINKS = [
    Proposal("x", "y", "exact", 0.9, True, left_source="a", right_source="b"),
    Proposal("x2", "y2", "narrower", 0.8, True, left_source="a", right_source="b"),
]


def scored(
    folder: Path,
    products: list[Product],
    links: list[Proposal] | None,
    rejects: tuple[Reject, ...] = (Reject("ingest", "a", "the id repeats", file="a.csv", line=6),),
    other: bool = True,
    more: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    rows = [
        {"source": "a", "source_id": key if defect != "repeated_id" else "1", "file": "a.csv",
         "line": int(key), "group": group, "defect": defect, "has_text": text}
        for key, (group, defect, text) in TRUE.items()
    ]  # fmt: skip
    truth = folder / "truth"
    truth.mkdir()
    pq.write_table(pa.Table.from_pylist([*rows, *more], PRODUCT_TRUTH), truth / "products.parquet")
    write_tsv(truth / "alignment.tsv", COLUMNS, GOLD)
    review = folder / "review.tsv" if links is not None else None
    if review is not None:
        write_sssom(review, links or [])
    writer = StoreWriter.begin(folder / "align", Plan("align", {}, ("x",)))
    writer.write(0, to_table([*products, OTHER] if other else products), rejects)
    stores: dict[str, Store] = {"align": writer.finish()}
    return score_against_truth(truth, review, stores)


def test_a_perfect_build_scores_one_everywhere(tmp_path: Path) -> None:
    found = scored(tmp_path, PERFECT, LINKS)
    assert found["alignment"]["f1"] == found["alignment"]["precision"] == 1
    assert found["duplicates"]["pairwise"] == {"precision": 1, "recall": 1, "f1": 1}
    assert found["duplicates"]["b_cubed"] == {"precision": 1, "recall": 1, "f1": 1}
    # a row without an id stays usable, so it is no defect that has to be taken out
    assert found["quality"] == {"true": 2, "found": 2, "precision": 1, "recall": 1}
    assert found["ocr"] == {"true": 2, "found": 2, "precision": 1, "recall": 1}


@pytest.mark.parametrize("relation", ["narrower", "broader"])
def test_a_link_written_from_the_other_side_is_the_same_link(tmp_path: Path, relation: Relation) -> None:
    turned = [Proposal("y", "x", "exact", 0.9, True, left_source="b", right_source="a"),
              Proposal("y2", "x2", relation, 0.9, True, left_source="b", right_source="a")]  # fmt: skip
    assert scored(tmp_path, PERFECT, turned)["alignment"]["correct"] == 2


def test_a_wrong_and_a_missed_link_count(tmp_path: Path) -> None:
    wrong = replace(LINKS[1], right_id="y3")
    found = scored(tmp_path, PERFECT, [LINKS[0], wrong])["alignment"]
    assert (found["gold_pairs"], found["proposed"], found["correct"]) == (2, 2, 1)
    assert found["decisions"] == 1


def test_links_of_inner_categories_are_not_counted_where_the_truth_names_none(tmp_path: Path) -> None:
    """The truth names the categories that have products; 'w' is inner, as 'w > x' lies below it."""
    leaf = replace(LINKS[0], left_id="w > x", right_id="y9")
    inner = replace(LINKS[1], left_id="w", right_id="y")
    found = scored(tmp_path, PERFECT, [*LINKS, leaf, inner])["alignment"]
    assert (found["proposed"], found["correct"]) == (3, 2)


def test_the_same_id_in_two_shops_is_not_the_same_category(tmp_path: Path) -> None:
    swapped = replace(LINKS[0], left_source="b", right_source="a")
    assert scored(tmp_path, PERFECT, [swapped])["alignment"]["correct"] == 0


def test_a_missed_duplicate_costs_recall_and_an_invented_one_precision(tmp_path: Path) -> None:
    (tmp_path / "apart").mkdir()
    (tmp_path / "joined").mkdir()
    apart = [product("1", "one"), product("2", "other"), *PERFECT[2:]]
    joined = [*PERFECT[:3], product("4", "one"), PERFECT[4]]
    assert scored(tmp_path / "apart", apart, LINKS)["duplicates"]["pairwise"]["recall"] == 0
    found = scored(tmp_path / "joined", joined, LINKS)["duplicates"]["pairwise"]
    assert (found["precision"], found["recall"]) == (pytest.approx(1 / 3), 1)


def test_a_sound_row_that_was_dropped_costs_precision(tmp_path: Path) -> None:
    rows = [replace(PERFECT[0], dropped="quality: short_title"), *PERFECT[1:]]
    found = scored(tmp_path, rows, LINKS)["quality"]
    assert (found["precision"], found["recall"]) == (pytest.approx(2 / 3), 1)


def test_what_is_no_record_is_found_where_it_was_refused(tmp_path: Path) -> None:
    refused = [Reject("ingest", "a", "not an object", file="a.csv", line=2)] * 2
    repeated = Reject("ingest", "a", "the id repeats", file="a.csv", line=6)
    (tmp_path / "both").mkdir()
    (tmp_path / "one").mkdir()
    both = scored(tmp_path / "both", PERFECT, LINKS, (*refused, repeated), more=NO_RECORDS)
    assert both["quality"] == {"true": 4, "found": 4, "precision": 1, "recall": 1}
    assert both["duplicates"]["pairwise"] == {"precision": 1, "recall": 1, "f1": 1}  # record 2 is still known
    one = scored(tmp_path / "one", PERFECT, LINKS, (refused[0], repeated), more=NO_RECORDS)
    assert one["quality"] == {"true": 4, "found": 3, "precision": 1, "recall": 0.75}


def test_a_defect_that_nobody_saw_costs_recall(tmp_path: Path) -> None:
    rows = [*PERFECT[:2], replace(PERFECT[2], dropped=None), *PERFECT[3:]]
    found = scored(tmp_path, rows, LINKS, rejects=())["quality"]
    assert found == {"true": 2, "found": 0, "precision": 1, "recall": 0}


def test_text_that_was_not_read_and_text_that_is_not_there(tmp_path: Path) -> None:
    rows = [replace(PERFECT[0], ocr=None), replace(PERFECT[1], ocr="ghost"), *PERFECT[2:]]
    found = scored(tmp_path, rows, LINKS)["ocr"]
    assert (found["precision"], found["recall"]) == (0.5, 0.5)


def test_an_image_that_was_refused_is_not_asked_for_its_text(tmp_path: Path) -> None:
    rows = [replace(PERFECT[0], ocr=None, image=None), *PERFECT[1:]]
    assert scored(tmp_path, rows, LINKS)["ocr"] == {"true": 1, "found": 1, "precision": 1, "recall": 1}


def test_a_row_with_a_harmless_flaw_is_neither_right_nor_wrong_to_take_out(tmp_path: Path) -> None:
    rows = [*PERFECT[:4], replace(PERFECT[4], dropped="quality: short_title")]
    assert scored(tmp_path, rows, LINKS)["quality"] == {"true": 2, "found": 2, "precision": 1, "recall": 1}


def test_a_platform_that_was_not_taken_in_is_no_part_of_the_truth(tmp_path: Path) -> None:
    """Only a's rows are there: its links to b cannot be found, and nobody is blamed for that."""
    assert scored(tmp_path, PERFECT, LINKS, other=False)["alignment"] is None


def test_without_a_review_and_without_groups_the_rest_is_scored(tmp_path: Path) -> None:
    alone = [replace(row, group=None) for row in PERFECT]
    found = scored(tmp_path, alone, None)
    assert found["alignment"] is None
    assert found["duplicates"]["pairwise"]["recall"] == 0.0
    assert found["duplicates"]["pairwise"]["precision"] == 1.0
    assert found["quality"]["recall"] == 1.0


def without_images(products: list[Product]) -> list[Product]:
    return [replace(row, image=None) for row in products]


def test_without_images_their_defects_are_left_out_and_counted(tmp_path: Path) -> None:
    """Nobody can find a blank image that is not there; the repeated id is still looked for."""
    alone = without_images([*PERFECT[:2], replace(PERFECT[2], dropped=None), *PERFECT[3:]])
    found = scored(tmp_path, alone, LINKS)
    assert found["quality"] == {"true": 1, "found": 1, "precision": 1, "recall": 1}
    assert found["ocr"] is None
    assert found["left_out"] == {"image_defects": 1, "duplicate_pairs": 0}


def test_without_images_duplicates_are_those_of_one_platform(tmp_path: Path) -> None:
    listed = [{"source": "b", "source_id": "1", "file": "b.csv", "line": 1, "group": "g1"}]
    found = scored(tmp_path, without_images(PERFECT), LINKS, more=listed)
    assert found["duplicates"]["pairwise"] == {"precision": 1, "recall": 1, "f1": 1}
    assert found["left_out"]["duplicate_pairs"] == 2  # both of a's listings with b's


def test_with_images_duplicates_on_two_platforms_are_asked_for(tmp_path: Path) -> None:
    listed = [{"source": "b", "source_id": "1", "file": "b.csv", "line": 1, "group": "g1"}]
    found = scored(tmp_path, PERFECT, LINKS, more=listed)
    assert found["duplicates"]["pairwise"]["recall"] == pytest.approx(1 / 3)
    assert found["left_out"] == {"image_defects": 0, "duplicate_pairs": 0}
