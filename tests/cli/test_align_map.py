"""`mep3m align map` in its two calls, and published taxonomies in the other commands."""

from pathlib import Path

from tests.cli.runner import ran
from tests.recipes.test_map_shop import categories, products, taxonomy
from tests.sources.spreadsheets.workbooks import write_xlsx


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


def test_a_catalogue_of_any_format_is_a_shop(tmp_path: Path) -> None:
    rows = "".join(f"h{i},Tea cup {i},Home > Cups,\nh{i},,,\n" for i in range(3))
    (tmp_path / "export.csv").write_text("Handle,Title,Product Category,Variant SKU\n" + rows)
    words = ("align", "map", tmp_path / "export.csv", "--format", "shopify", "--to", taxonomy(tmp_path))
    found = ran(
        *words, "--out", tmp_path / "up.tsv", "--unreviewed", "accept", "--accept-above", "0", "--json"
    )
    assert found.json["rows"] == 3
    assert found.json["categories"] == 1


def test_a_workbook_is_a_shop_and_its_columns_are_found(tmp_path: Path) -> None:
    goods = [(f"{n:04d}", f"oak shelf number {n}", f"Room {n % 2}") for n in range(8)]
    path = write_xlsx(tmp_path / "shop.xlsx", [("Export",), ("sku", "name", "category"), *goods])
    words = ("align", "map", path, "--to", taxonomy(tmp_path), "--out", tmp_path / "up.tsv")
    found = ran(*words, "--unreviewed", "accept", "--accept-above", "0")
    assert "columns: id sku; title name; labels category" in found.err
    assert (tmp_path / "up.tsv").read_text().splitlines()[1].split("\t")[0] == "0000"


def test_columns_can_be_named_and_unnamed_ones_are_not_used(tmp_path: Path) -> None:
    words = ("align", "map", products(tmp_path), "--to", taxonomy(tmp_path), "--out", tmp_path / "up.tsv")
    found = ran(*words, "--id", "sku", "--title", "title", "--labels", "category_1")
    assert "columns: id sku; title title; labels category_1\n" in found.err
    assert ran(*words, "--id", "skuu", "--labels", "category_1").code == 2


def test_a_review_of_another_taxonomy_is_told(tmp_path: Path) -> None:
    words = ["align", "map", categories(tmp_path), "--to", taxonomy(tmp_path), "--out", tmp_path / "up.tsv"]
    ran(*words)
    review = tmp_path / "up.review.sssom.tsv"
    lines = [str(i) for i, line in enumerate(review.read_text().splitlines(), 1) if "\tHome > Rugs\t" in line]
    assert ran("align", "review", review, "--accept", lines[0], "--reviewer", "Ann").code == 0
    (tmp_path / "google.txt").write_text("# Google_Product_Taxonomy_Version: 2022-01-01\n7 - Other\n")
    found = ran(*words)
    assert found.code == 2
    assert "the taxonomy has no category '2'" in found.err


def test_refused_lines_of_a_taxonomy_are_listed(tmp_path: Path) -> None:
    (tmp_path / "google.txt").write_text("# Google_Product_Taxonomy_Version: 1\n1 - Home\n1 - Rugs\n")
    words = (
        "align",
        "map",
        categories(tmp_path),
        "--to",
        tmp_path / "google.txt",
        "--out",
        tmp_path / "up.tsv",
    )
    assert "line 3: the id '1' stands in line 2 too" in ran(*words).err


def test_score_reads_a_published_taxonomy(tmp_path: Path) -> None:
    out, gold = tmp_path / "p.sssom.tsv", tmp_path / "gold.tsv"
    ran("align", "propose", "--left", categories(tmp_path), "--right", taxonomy(tmp_path), "--out", out)
    gold.write_text("left_id\tright_id\nb\t2\nc\t99\n")
    found = ran("align", "score", out, "--gold", gold, "--json")
    assert found.code == 1
    assert "'99'" in found.err
