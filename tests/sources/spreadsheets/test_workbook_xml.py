"""Where the images of a workbook stand, and parts of it that lie or lack."""

import zipfile
from pathlib import Path

import pytest

from mep3m.errors import FormatError
from mep3m.sources.spreadsheets.workbook_xml import (
    DISPIMG,
    CellImages,
    read_image,
    relations,
    safe_xml,
    sheet_members,
)
from tests.ingest.shop import write_images
from tests.sources.spreadsheets.workbooks import HEADER, add_images, add_wps_images, write_xlsx

RELS = (
    "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'>{}</Relationships>"
)


def bundle(folder: Path, **members: str) -> zipfile.ZipFile:
    with zipfile.ZipFile(folder / "a.zip", "w") as made:
        for name, text in members.items():
            made.writestr(name.replace("__", "/"), text)
    return zipfile.ZipFile(folder / "a.zip")


def files(folder: Path, count: int) -> list[Path]:
    return sorted(write_images(folder / "images", range(count)).iterdir())


@pytest.mark.parametrize(
    ("target", "member"),
    [
        ("media/1.png", "xl/media/1.png"),
        ("../media/1.png", "media/1.png"),
        ("/xl/media/1.png", "xl/media/1.png"),
        ("./a/../1.png", "xl/1.png"),
    ],
)
def test_targets_are_paths_in_the_archive(tmp_path: Path, target: str, member: str) -> None:
    rels = RELS.format(f"<Relationship Id='r1' Target='{target}'/>")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr("xl/_rels/b.xml.rels", rels)
    assert relations(zipfile.ZipFile(tmp_path / "a.zip"), "xl/b.xml") == {"r1": member}


def test_targets_outside_the_archive_are_left_out(tmp_path: Path) -> None:
    rels = RELS.format("<Relationship Id='r1' Target='http://a.example/1.png' TargetMode='External'/>")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr("xl/_rels/b.xml.rels", rels)
    assert relations(zipfile.ZipFile(tmp_path / "a.zip"), "xl/b.xml") == {}
    assert relations(zipfile.ZipFile(tmp_path / "a.zip"), "xl/c.xml") == {}


def test_each_sheet_has_its_member(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [HEADER], "Products", Other=[HEADER])
    with zipfile.ZipFile(path) as made:
        assert sheet_members(made) == {
            "Products": "xl/worksheets/sheet1.xml",
            "Other": "xl/worksheets/sheet2.xml",
        }


def test_images_are_found_by_row_and_column(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [HEADER, ("S1",), ("S2",)])
    first, second, third = files(tmp_path, 3)
    add_images(path, {"C2": first, "B2": second, "B3": third})
    images = CellImages(path, "Products")
    assert {row: [column for column, _ in found] for row, found in images.by_row.items()} == {
        1: [1, 2],
        2: [1],
    }
    with images.open() as made:
        contents = [read_image(made, member, 2**20) for _, member in images.by_row[1]]
    assert all(content is not None and content.startswith(b"\x89PNG") for content in contents)
    assert contents[0] != contents[1]


def test_only_the_images_of_the_sheet_are_taken(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [HEADER], "Products", Other=[HEADER])
    add_images(path, {"B2": files(tmp_path, 1)[0]})
    assert CellImages(path, "Products")
    assert not CellImages(path, "Other")
    assert not CellImages(path, "None")


def test_images_in_cells_are_found_by_their_ids(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [HEADER])
    add_wps_images(path, dict(zip(("ID_A", "ID_B"), files(tmp_path, 2), strict=True)))
    assert CellImages(path, "Products").by_id == {"ID_A": "xl/media/w0.png", "ID_B": "xl/media/w1.png"}


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ('=DISPIMG("ID_1",1)', "ID_1"),
        ('=_xlfn.DISPIMG("ID_1",1)', "ID_1"),
        ('DISPIMG("ID_1",1)', "ID_1"),
        ("ID_1", None),
        ('="DISPIMG"', None),
    ],
)
def test_how_a_cell_names_its_image(cell: str, name: str | None) -> None:
    match = DISPIMG.match(cell)
    assert (match["id"] if match else None) == name


def test_no_more_of_an_image_is_read_than_shows_that_it_is_too_long(tmp_path: Path) -> None:
    made = bundle(tmp_path, a__png="x" * 100)
    assert read_image(made, "a/png", 100) == b"x" * 100
    assert read_image(made, "a/png", 50) == b"x" * 51
    assert read_image(made, "b/png", 99) == b""


def test_a_file_that_is_no_archive_has_no_images(tmp_path: Path) -> None:
    (tmp_path / "a.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    assert not CellImages(tmp_path / "a.xls", "Products")


def test_a_part_that_unfolds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [HEADER])
    monkeypatch.setattr("mep3m.sources.spreadsheets.workbook_xml.PART_LIMIT", 10)
    with pytest.raises(FormatError, match="is longer than 10 bytes"):
        CellImages(path, "Products")


def test_entities_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("kept")
    document = f'<!DOCTYPE a [<!ENTITY e SYSTEM "{secret.as_uri()}">]><a>&e;</a>'
    assert "kept" not in "".join(safe_xml(document.encode()).itertext())
    with pytest.raises(FormatError, match="the workbook is damaged"):
        safe_xml(b"<a><b></a>")
