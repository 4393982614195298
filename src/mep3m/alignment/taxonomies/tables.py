"""Taxonomies published as tables: a parent column (JD, Taobao), levels in columns (UNSPSC), ETIM's two files.

UNSPSC: `Segment, Segment Title, Family, Family Title, Class, Class Title, Commodity, Commodity Title`, lines
about the file before it (unspsc.org). ETIM: ETIMARTCLASS.csv with `ARTCLASSID, ARTGROUPID, ARTCLASSDESC`,
and the groups beside it in ETIMARTGROUP.csv with `ARTGROUPID, GROUPDESC` (etim-international.com).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mep3m.alignment.sheet import SEPARATORS, read_text
from mep3m.alignment.taxonomies.nodes import TaxonomyNode

UNSPSC_LEVELS = ("segment", "family", "class", "commodity")
#: names of the columns of a table with parents, in the order of preference
IDS = ("id", "cid", "cat_id", "category_id", "code", "类目id", "分类id", "编号")
PARENTS = (
    "parent_id",
    "parent_cid",
    "pid",
    "parentid",
    "parent",
    "parent_code",
    "父类目id",
    "父id",
    "上级id",
)
NAMES = ("name", "cat_name", "category_name", "name_zh", "name_cn", "title", "类目名称", "分类名称", "名称")
ENGLISH = ("name_en", "english_name", "英文名称")
#: how tables write that a category has no parent
NO_PARENT = frozenset({"", "0", "-1", "null", "none", "root"})
#: lines in which the header is looked for
HEADER_LINES = 30


@dataclass(frozen=True)
class TableText:
    """A text table: its header in small letters, its rows with their lines, and the text before it."""

    path: Path
    header: list[str]
    rows: list[tuple[int, list[str]]]
    before: str

    def column(self, names: Sequence[str]) -> int | None:
        """Return the first column of these names."""
        return next((self.header.index(name) for name in names if name in self.header), None)


def read_table(path: Path, text: str) -> TableText:
    """Return the table in a text; lines before the header (fewer cells) are kept apart."""
    lines = text.replace("\r\n", "\n").split("\n")
    head = lines[:HEADER_LINES]
    widths = [max(sum(map(bool, map(str.strip, line.split(mark)))) for mark in SEPARATORS) for line in head]
    start = next((i for i, width in enumerate(widths) if width > 1 and width >= 0.8 * max(widths)), 0)
    separator = max(SEPARATORS, key=head[start].count)
    quoted = separator != "\t"
    rows = csv.reader(
        lines[start:], delimiter=separator, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    )
    table: list[tuple[int, list[str]]] = []
    begin = start + 1
    for cells in rows:
        if any(map(str.strip, cells)):
            table.append((begin, [cell.strip() for cell in cells]))
        begin = start + rows.line_num + 1
    header = [cell.strip('"').lower() for cell in table[0][1]] if table else []
    return TableText(path, header, table[1:], "\n".join(lines[:start]))


def table_kind(table: TableText) -> str | None:
    """Return 'unspsc', 'etim' or 'parents' where the header is one of theirs."""
    if {"artclassid", "artgroupid", "artclassdesc"} <= set(table.header):
        return "etim"
    if all(table.column((f"{level} title", f"{level} name")) is not None for level in UNSPSC_LEVELS[:2]):
        return "unspsc"
    if all(table.column(names) is not None for names in (IDS, PARENTS, NAMES)):
        return "parents"
    return None


def lists_categories(path: Path, header: Sequence[str]) -> bool:
    """Whether a text table under this header is one of categories, as such a taxonomy is published.

    One with a parent column is where most of the parents that it names are ids of its own rows: products
    name a variant's parent, too, but by another number.
    """
    head = TableText(path, [name.lower() for name in header], [], "")
    if table_kind(head) != "parents":
        return table_kind(head) is not None
    table = read_table(path, read_text(path))
    nodes = list(parent_nodes(table)) if table_kind(table) == "parents" else []
    ids, parents = {node.id for node in nodes}, [node.parent for node in nodes if node.parent]
    return 2 * sum(parent in ids for parent in parents) > len(parents)


def version_of(table: TableText) -> str | None:
    """Return the version that the lines before the header, or a column of that name, say."""
    if match := re.search(r"version[^\w]*([\w.]*\d[\w.]*)", table.before, re.IGNORECASE):
        return match[1]
    column = table.column(("version",))
    values = {cells[column] for _, cells in table.rows[:1000] if column is not None and column < len(cells)}
    return values.pop() if len(values) == 1 else None


def parent_nodes(table: TableText) -> Iterator[TaxonomyNode]:
    """Yield the rows of a table with ids, parents and names."""
    own, above, name = (table.column(names) or 0 for names in (IDS, PARENTS, NAMES))
    english = table.column(ENGLISH)
    for line, cells in table.rows:
        cells = cells + [""] * (len(table.header) - len(cells))
        parent = None if cells[above].lower() in NO_PARENT or cells[above] == cells[own] else cells[above]
        yield TaxonomyNode(
            cells[own], cells[name], parent, cells[english] if english is not None else None, line=line
        )


def unspsc_nodes(table: TableText) -> Iterator[TaxonomyNode]:
    """Yield every level of UNSPSC once, in the order of the rows."""
    places = [
        (table.column((level,)), table.column((f"{level} title", f"{level} name"))) for level in UNSPSC_LEVELS
    ]
    seen: set[str] = set()
    for line, cells in table.rows:
        parent: str | None = None
        for code_place, name_place in places:
            if code_place is None or name_place is None or max(code_place, name_place) >= len(cells):
                break
            code, name = cells[code_place], cells[name_place]
            if not code:
                break
            if code not in seen:
                seen.add(code)
                yield TaxonomyNode(code, name, parent, line=line)
            parent = code


def etim_nodes(table: TableText) -> Iterator[TaxonomyNode]:
    """Yield ETIM's groups, where their file lies beside this one, and its classes below them."""
    beside = next((p for p in table.path.parent.iterdir() if p.name.lower() == "etimartgroup.csv"), None)
    groups: set[str] = set()
    if beside is not None:
        above = read_table(beside, read_text(beside))
        code, name = above.column(("artgroupid",)) or 0, above.column(("groupdesc", "artgroupdesc")) or 1
        for line, cells in above.rows:
            groups.add(cells[code])
            yield TaxonomyNode(cells[code], cells[name], line=line)
    code, group, name = (table.column((key,)) or 0 for key in ("artclassid", "artgroupid", "artclassdesc"))
    for line, cells in table.rows:
        cells = cells + [""] * (len(table.header) - len(cells))
        yield TaxonomyNode(
            cells[code], cells[name], cells[group] if cells[group] in groups else None, line=line
        )
