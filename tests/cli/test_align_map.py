"""`mep3m align map` in its two calls, and published taxonomies in the other commands."""

from pathlib import Path

from tests.cli.runner import ran
from tests.recipes.test_map_shop import categories, products, taxonomy


def test_the_first_call_proposes_and_the_second_writes(tmp_path: Path) -> None:
    words = ("align", "map", products(tmp_path), "--to", taxonomy(tmp_path), "--out", tmp_path / "up.tsv")
    first = ran(*words)
    assert first.code == 1
    assert "proposals" in first.out
    assert "columns: id sku; title title; labels category_1, category_2" in first.err
    assert "2 categories of shop.csv, 4 of google 2021-09-21" in first.err
    review = tmp_path / "up.review.sssom.tsv"
    assert "#object_source_version: google 2021-09-21" in review.read_text()
    assert not (tmp_path / "up.tsv").exists()
    second = ran(*words, "--json")
    assert second.code == 1
    assert second.json["filled"] == 0
    assert {one["category"] for one in second.json["without"]} == {"Floor > Rugs", "Games"}
    third = ran(*words, "--unreviewed", "accept", "--accept-above", "0", "--json")
    assert third.json["column"] == "google_product_category"
    assert third.json["filled"] > 0


def test_reviewed_decisions_are_written(tmp_path: Path) -> None:
    words = ("align", "map", categories(tmp_path), "--to", taxonomy(tmp_path), "--out", tmp_path / "up.tsv")
    ran(*words)
    review = tmp_path / "up.review.sssom.tsv"
    lines = [str(i) for i, line in enumerate(review.read_text().splitlines(), 1) if "\tHome > Rugs\t" in line]
    done = ran("align", "review", review, "--accept", lines[0], "--reviewer", "Ann")
    assert done.code == 0, done
    found = ran(*words, "--write", "path", "--column", "Category", "--json")
    assert found.json["review"]["accept"] == 1
    assert "Home > Rugs" in (tmp_path / "up.tsv").read_text()


def test_propose_reads_a_published_taxonomy_and_keeps_its_version(tmp_path: Path) -> None:
    out = tmp_path / "p.sssom.tsv"
    found = ran(
        "align", "propose", "--left", categories(tmp_path), "--right", taxonomy(tmp_path), "--out", out
    )
    assert found.code == 0, found
    assert "#object_source_version: google 2021-09-21" in out.read_text()
    assert "\tHome > Rugs\t" in out.read_text()


def test_apply_reads_it_too(tmp_path: Path) -> None:
    out = tmp_path / "p.sssom.tsv"
    shop, google = categories(tmp_path), taxonomy(tmp_path)
    ran("align", "propose", "--left", shop, "--right", google, "--out", out)
    found = ran(
        "align", "apply", out, "--left", shop, "--right", google, "--unreviewed", "accept", "--dry-run"
    )
    assert found.code in (0, 1), found
    assert "Traceback" not in found.err


def test_a_taxonomy_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_text("a\tb\n1\t2\n")
    found = ran(
        "align", "map", categories(tmp_path), "--to", tmp_path / "x.tsv", "--out", tmp_path / "up.tsv"
    )
    assert found.code == 2
    assert "no column 'id'" in found.err
