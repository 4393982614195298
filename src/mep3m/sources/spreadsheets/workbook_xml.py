"""The parts of an .xlsx that hold its images: drawings over cells, and images in cells (WPS)."""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from mep3m.errors import FormatError
from mep3m.safe_xml import parse_xml

#: bytes of one XML part beside the sheets, and of one image
PART_LIMIT = 64 * 2**20
#: how WPS writes an image in a cell
DISPIMG = re.compile(r'^=?(?:_xlfn\.)?DISPIMG\("(?P<id>[^"]+)"')


def safe_xml(content: bytes) -> etree._Element:
    """Parse XML without entities and network.

    Raises:
        FormatError: it is not XML.
    """
    try:
        return parse_xml(content)
    except etree.XMLSyntaxError as error:
        raise FormatError(f"the workbook is damaged: {error}") from None


def relations(bundle: zipfile.ZipFile, member: str) -> dict[str, str]:
    """Return what a member of the archive refers to: relation id -> member."""
    folder, name = posixpath.split(member)
    rels = f"{folder}/_rels/{name}.rels"
    if rels not in bundle.namelist():
        return {}
    members = {}
    for one in safe_xml(_read(bundle, rels)):
        target = one.get("Target") or ""
        if one.get("TargetMode") != "External":
            path = (
                target[1:] if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            )
            members[one.get("Id") or ""] = path
    return members


def sheet_members(bundle: zipfile.ZipFile) -> dict[str, str]:
    """Return the member of each sheet by the sheet's name."""
    targets = relations(bundle, "xl/workbook.xml")
    root = safe_xml(_read(bundle, "xl/workbook.xml"))
    return {
        sheet.get("name") or "": targets[number]
        for sheet in root.iter("{*}sheet")
        if (number := _attribute(sheet, "id")) in targets
    }


class CellImages:
    """Where the images of one sheet stand: members of the archive by row, and by WPS's image id."""

    def __init__(self, path: Path, sheet: str) -> None:
        self.path = path
        #: row (from 0) -> [(column from 0, member)], in the order of the columns
        self.by_row: dict[int, list[tuple[int, str]]] = defaultdict(list)
        #: id of DISPIMG -> member
        self.by_id: dict[str, str] = {}
        try:
            with zipfile.ZipFile(path) as bundle:
                self._read(bundle, sheet)
        except (zipfile.BadZipFile, KeyError):
            return
        for images in self.by_row.values():
            images.sort()

    def __bool__(self) -> bool:
        return bool(self.by_row or self.by_id)

    def _read(self, bundle: zipfile.ZipFile, sheet: str) -> None:
        member = sheet_members(bundle).get(sheet)
        for target in relations(bundle, member).values() if member else ():
            if posixpath.basename(posixpath.dirname(target)) == "drawings" and target.endswith(".xml"):
                for row, column, image in _anchors(bundle, target):
                    self.by_row[row].append((column, image))
        if "xl/cellimages.xml" in bundle.namelist():
            self.by_id = dict(_wps_images(bundle))

    def open(self) -> zipfile.ZipFile:
        """Open the archive that the members are in."""
        return zipfile.ZipFile(self.path)


def read_image(bundle: zipfile.ZipFile, member: str, most: int) -> bytes:
    """Return the bytes of an image, at most one more than `most`; none where it is not there or damaged.

    What checks the image refuses both, so that neither is lost without a word.
    """
    try:
        with bundle.open(member) as file:
            return file.read(most + 1)
    except (KeyError, zipfile.BadZipFile, zlib.error, EOFError, OSError):
        return b""


def _anchors(bundle: zipfile.ZipFile, drawing: str) -> Iterator[tuple[int, int, str]]:
    """Yield (row, column, member) of each picture of a drawing, by the cell of its upper left corner."""
    targets = relations(bundle, drawing)
    for anchor in safe_xml(_read(bundle, drawing)):
        start = anchor.find("{*}from")
        blip = next(anchor.iter("{*}blip"), None)
        member = targets.get(_attribute(blip, "embed")) if blip is not None else None
        if start is not None and member:
            row, column = (start.findtext(f"{{*}}{name}") or "" for name in ("row", "col"))
            if row.isdecimal() and column.isdecimal():
                yield int(row), int(column), member


def _wps_images(bundle: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    targets = relations(bundle, "xl/cellimages.xml")
    for image in safe_xml(_read(bundle, "xl/cellimages.xml")):
        name = next((one.get("name") for one in image.iter("{*}cNvPr")), None)
        blip = next(image.iter("{*}blip"), None)
        member = targets.get(_attribute(blip, "embed")) if blip is not None else None
        if name and member:
            yield name, member


def _attribute(element: etree._Element, name: str) -> str:
    """Return an attribute of the relationships' namespace, in its strict or its usual form."""
    return next(
        (str(v) for k, v in element.attrib.items() if etree.QName(k).localname == name and "}" in str(k)), ""
    )


def _read(bundle: zipfile.ZipFile, member: str) -> bytes:
    if bundle.getinfo(member).file_size > PART_LIMIT:
        raise FormatError(f"the workbook's {member} is longer than {PART_LIMIT:,} bytes")
    return bundle.read(member)
