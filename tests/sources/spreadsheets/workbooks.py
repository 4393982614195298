"""Small workbooks as shops save them."""

import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.drawing.image import Image

HEADER = ("id", "title", "category")


def write_xlsx(path: Path, rows: Iterable[Sequence[Any]], sheet: str = "Products", **more: Any) -> Path:
    """Write one sheet; `more` are further sheets by name."""
    book = Workbook()
    assert book.active is not None
    book.active.title = sheet
    for name, content in ((sheet, rows), *more.items()):
        target = book[name] if name in book.sheetnames else book.create_sheet(name)
        for row in content:
            target.append(list(row))
    book.save(path)
    return path


def add_images(path: Path, images: dict[str, Path]) -> None:
    """Put images over cells of the first sheet: cell -> image file."""
    from openpyxl import load_workbook

    book = load_workbook(path)
    for cell, image in images.items():
        book.worksheets[0].add_image(Image(image), cell)
    book.save(path)


def write_ods(path: Path, rows: Iterable[Sequence[str]]) -> Path:
    """Write an OpenDocument sheet of text cells by hand."""
    cells = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>'
            for cell in row
        )
        + "</table:table-row>"
        for row in rows
    )
    space = "urn:oasis:names:tc:opendocument:xmlns:"
    content = (
        f'<?xml version="1.0"?><office:document-content xmlns:office="{space}office:1.0" '
        f'xmlns:table="{space}table:1.0" xmlns:text="{space}text:1.0"><office:body><office:spreadsheet>'
        f'<table:table table:name="Sheet1">{cells}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        bundle.writestr("content.xml", content)
        bundle.writestr("META-INF/manifest.xml", f'<manifest:manifest xmlns:manifest="{space}manifest:1.0"/>')
    return path


def add_wps_images(path: Path, images: dict[str, Path]) -> None:
    """Add images in cells as WPS keeps them: id of DISPIMG -> image file."""
    drawing = "http://schemas.openxmlformats.org/drawingml/2006/"
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    pictures = "".join(
        f'<etc:cellImage><xdr:pic><xdr:nvPicPr><xdr:cNvPr id="{i}" name="{name}"/></xdr:nvPicPr>'
        f'<xdr:blipFill><a:blip r:embed="rId{i}"/></xdr:blipFill></xdr:pic></etc:cellImage>'
        for i, name in enumerate(images)
    )
    with zipfile.ZipFile(path, "a") as bundle:
        bundle.writestr(
            "xl/cellimages.xml",
            f'<etc:cellImages xmlns:etc="http://www.wps.cn/officeDocument/2017/etCustomData" '
            f'xmlns:xdr="{drawing}spreadsheetDrawing" xmlns:a="{drawing}main" xmlns:r="{relation}">'
            f"{pictures}</etc:cellImages>",
        )
        rels = "".join(f'<Relationship Id="rId{i}" Target="media/w{i}.png"/>' for i in range(len(images)))
        bundle.writestr(
            "xl/_rels/cellimages.xml.rels",
            f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{rels}'
            "</Relationships>",
        )
        for i, image in enumerate(images.values()):
            bundle.writestr(f"xl/media/w{i}.png", image.read_bytes())
