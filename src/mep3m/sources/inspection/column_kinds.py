"""What a column looks like, by its name and by the values of a sample."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mep3m.sources.names import PLACEHOLDERS

#: separators of category paths, the likeliest first; without spaces around them they must be rarer in names
SEPARATORS = (" > ", ">", "＞", "»", "->", " / ", "|", "--", "/", "\\")
#: kinds that a column map takes; the others are named and left alone
HINTS: dict[str, re.Pattern[str]] = {
    "id": re.compile(
        r"(^|[ _-])(id|sku|asin|handle|code|no|num|number)$|^(id|sku|asin)([ _-]|$)|编号|编码|货号",
        re.I,
    ),
    "title": re.compile(r"title|(^|[ _-])name$|^name([ _-]|$)|productname|商品名|名称|标题|品名", re.I),
    "image": re.compile(r"image|img|pic(ture)?s?($|[ _-])|photo|thumb|图", re.I),
    "price": re.compile(r"price|cost|amount|msrp|价", re.I),
    "brand": re.compile(r"brand|vendor|manufacturer|maker|品牌|厂商|店铺|shop_?name|seller", re.I),
    "category": re.compile(
        r"categ|department|aisle|(^|[_ -])(dept|class|group|type|label|level[_ -]?\d|l[1-9])($|[_ -]|\d)"
        r"|product_type|类目|分类|品类|类别|cname|(^|[_ -])cat\d?($|[_ -])",
        re.I,
    ),
    "path": re.compile(r"path|breadcrumb|product_type|categories|类目路径", re.I),
    "platform": re.compile(r"^(platform|source|marketplace|channel|平台|来源)$", re.I),
    "ocr": re.compile(r"(^|[ _-])ocr($|[ _-])", re.I),
}  # fmt: skip
_URL = re.compile(r"(https?:)?//[^\s/]+\S*", re.I)
_IMAGE = r"\.(jpe?g|jfif|png|gif|webp|bmp|avif|heic|tiff?)"
_IMAGE_URL = re.compile(rf"(https?:)?//\S+{_IMAGE}(\W\S*|_\S*)?", re.I)
_IMAGE_FILE = re.compile(rf"[^<>:\"|?*\n]+{_IMAGE}", re.I)
_FILE = re.compile(r"[^\s<>|]*[/\\][^\s<>|]*\.[A-Za-z]\w{1,4}")
_NUMBER = re.compile(r"[-+]?\d[\d,]*(\.\d+)?([eE][-+]?\d+)?")
_PRICE = re.compile(
    r"([¥￥$€£]|RMB|USD|EUR|GBP|CNY|Rs\.?)\s*\d[\d,.]*|\d[\d,.]*\s*(元|[¥￥€£]|USD|EUR|CNY)", re.I
)
_DATE = re.compile(
    r"\d{4}([-/.年])\d{1,2}([-/.月])\d{1,2}日?([ T]\d{1,2}:\d{2}.*)?|\d{1,2}[/.]\d{1,2}[/.]\d{4}"
)
_GTIN = re.compile(r"\d{8}|\d{12,14}")
_TAG = re.compile(r"</?(p|br|div|span|ul|li|b|strong|em|table|img|h\d|a)\b[^>]*>", re.I)
_CODE = re.compile(r"[A-Za-z0-9][\w.:/#-]{0,63}")
_FLAGS = frozenset({"0", "1", "true", "false", "yes", "no", "y", "n", "是", "否"})


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a sample: `kind` is what it looks like; `filled` and `distinct` count its values.

    `language` is what its letters say (zh, ja, ko, else the script), `separator` that of a path, and
    `note` what a person should know of it.
    """

    name: str
    kind: str
    filled: int
    distinct: int
    samples: tuple[str, ...] = ()
    language: str | None = None
    separator: str | None = None
    note: str | None = None


def look_at(name: str, cells: Sequence[str]) -> Column:
    """Return what the column `name` with these cells (one a row, '' where empty) looks like."""
    values = [text for cell in cells if (text := cell.strip())]
    distinct = dict.fromkeys(values)
    separator = path_separator(values, hinted(name, "path"))
    kind = _kind(_words(name), values, len(distinct), separator)
    return Column(
        name,
        kind,
        len(values),
        len(distinct),
        tuple(_short(value) for value in list(distinct)[:3]),
        language(values)
        if kind in ("title", "path", "category", "attribute", "text", "HTML", "ocr")
        else None,
        separator if kind == "path" else None,
        _note(values),
    )


def hinted(name: str, kind: str) -> bool:
    """Whether a column's name says the kind; `articleType` is read as `article_Type`."""
    return bool(HINTS[kind].search(_words(name)))


def _words(name: str) -> str:
    """Return a column's name with its words apart and without a type such as '(str)' behind it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", re.sub(r"\s*\([^()]*\)$", "", name))


def _kind(name: str, values: Sequence[str], distinct: int, separator: str | None) -> str:
    """Return the first kind that fits; shapes that cannot be taken for another come first."""
    if not values:
        return "empty"
    for kind, fits in _SHAPES.items():
        if fits(name, values):
            return kind
    said = [kind for kind, pattern in HINTS.items() if pattern.search(name)]
    unique = distinct >= (0.9 if "id" in said else 0.98) * len(values)
    if _share(values, _NUMBER.fullmatch) >= 0.95:
        decimals = _share(values, lambda value: "." in value)
        return (
            "id" if unique and len(values) > 2 and decimals == 0 and _identifies(said, values) else "number"
        )
    codes = _share(values, _CODE.fullmatch) >= (0.9 if "id" in said else 0.95)
    if unique and len(values) > 2 and codes and _mean(values) <= 40:
        words = _share(values, lambda value: value.replace("-", "").replace("_", "").isalpha())
        return "id" if "id" in said or words < 0.5 else "text"
    if separator is not None:
        return "path"
    return _words_kind(said, values, distinct)


def _words_kind(said: Sequence[str], values: Sequence[str], distinct: int) -> str:
    """Return what a column of words is: title, category or another."""
    for kind in ("ocr", "platform", "brand"):
        if kind in said:
            return "brand or seller" if kind == "brand" else kind
    repeated = distinct <= (0.7 if "category" in said else 0.5) * len(values)
    if "id" in said and "category" in said and repeated:
        return "attribute"  # a category's number: its name stands in another column
    if "category" in said and (repeated or "title" not in said):
        return "category" if repeated or len(values) < 20 else "text"
    if "title" in said:
        return "title"
    if repeated:
        return "attribute" if _mean(values) <= 60 else "text"
    sentences = _share(values, lambda value: " " in value or not value.isascii()) >= 0.5
    return "title" if sentences and 6 <= _mean(values) <= 200 and distinct >= 0.6 * len(values) else "text"


def _identifies(said: Sequence[str], values: Sequence[str]) -> bool:
    """Whether whole numbers that are all different may be ids by the column's name."""
    return "id" in said or not (said and said[0] in ("price", "category"))


def path_separator(values: Sequence[str], hinted: bool) -> str | None:
    """Return what stands between the names of a path in most of the values, `None` where nothing does.

    Paths repeat their first names; a title with a slash in it does not.
    """
    if _share(values, lambda value: value[0] in "{[<") > 0.2:
        return None
    for separator in SEPARATORS:
        split = [value.split(separator) for value in values if separator in value]
        if len(split) < max(2, 0.5 * len(values)) or not all(
            all(map(str.strip, names)) for names in split[:50]
        ):
            continue
        roots = {names[0] for names in split}
        clear = separator.strip() not in ("/", "|", "--", "\\") or hinted
        if len(roots) <= max(2, (0.5 if clear else 0.1) * len(split)) or (hinted and clear):
            return separator.strip()
    return None


def language(values: Iterable[str]) -> str | None:
    """Return 'zh', 'ja' or 'ko' where most letters say so, else the script; `None` without letters."""
    counts: dict[str, int] = {}
    for value in list(values)[:500]:
        for character in value:
            if script := _script(character):
                counts[script] = counts.get(script, 0) + 1
    if counts.get("ja", 0) > 0.1 * counts.get("zh", 1):
        return "ja"
    asian = {name: 2 * count for name, count in counts.items() if name in ("zh", "ko")}
    return max({**counts, **asian}.items(), key=lambda item: item[1])[0] if counts else None


def _script(character: str) -> str | None:
    code = ord(character)
    for name, first, last in _SCRIPTS:
        if first <= code <= last:
            return name
    return None


_SCRIPTS = (
    ("latin", 0x41, 0x5A), ("latin", 0x61, 0x7A), ("latin", 0xC0, 0x24F), ("cyrillic", 0x400, 0x52F),
    ("greek", 0x370, 0x3FF), ("arabic", 0x600, 0x6FF), ("thai", 0xE00, 0xE7F), ("ja", 0x3040, 0x30FF),
    ("ko", 0xAC00, 0xD7A3), ("zh", 0x3400, 0x9FFF),
)  # fmt: skip


def is_gtin(value: str) -> bool:
    """Whether a text is a GTIN of 8, 12, 13 or 14 digits with its right check digit."""
    if not _GTIN.fullmatch(value):
        return False
    digits = [int(digit) for digit in reversed(value)]
    return (
        10 - sum(digit * (3 if i % 2 == 0 else 1) for i, digit in enumerate(digits[1:])) % 10
    ) % 10 == digits[0]


def _several_images(name: str, values: Sequence[str]) -> bool:
    parts = [part.strip() for value in values[:200] for part in re.split(r"[,;|]\s*", value)]
    return len(parts) > 1.2 * len(values[:200]) and _share(parts, _any_image) >= 0.8


def _any_image(value: str) -> object:
    return _IMAGE_URL.fullmatch(value) or _IMAGE_FILE.fullmatch(value)


def _is_image_url(name: str, values: Sequence[str]) -> bool:
    urls = _share(values, _URL.fullmatch)
    return urls >= 0.8 and (_share(values, _IMAGE_URL.fullmatch) >= 0.5 or bool(HINTS["image"].search(name)))


def _is_price(name: str, values: Sequence[str]) -> bool:
    numbers = _share(values, lambda value: _PRICE.fullmatch(value) or _NUMBER.fullmatch(value))
    signed = _share(values, _PRICE.fullmatch)
    return numbers >= 0.8 and (signed >= 0.5 or bool(HINTS["price"].search(name)))


#: shapes in the order in which they are tried
_SHAPES: dict[str, Callable[[str, Sequence[str]], bool]] = {
    "GTIN": lambda name, values: len(values) > 2 and _share(values, is_gtin) >= 0.8,
    "images": _several_images,
    "image URL": _is_image_url,
    "URL": lambda name, values: _share(values, _URL.fullmatch) >= 0.8,
    "image": lambda name, values: _share(values, _IMAGE_FILE.fullmatch) >= 0.8,
    "file": lambda name, values: _share(values, _FILE.fullmatch) >= 0.8,
    "date": lambda name, values: _share(values, _DATE.fullmatch) >= 0.8,
    "price": _is_price,
    "flag": lambda name, values: {value.lower() for value in values} <= _FLAGS and len(values) > 2,
    "structure": lambda name, values: _share(values, lambda value: value[0] in "{[") >= 0.5,
    "HTML": lambda name, values: _share(values, _TAG.search) >= 0.3,
}


def _share(values: Sequence[str], holds: Callable[[str], object]) -> float:
    return sum(1 for value in values if holds(value)) / len(values) if values else 0.0


def _mean(values: Sequence[str]) -> float:
    return sum(map(len, values)) / len(values)


def _short(value: str) -> str:
    line = " ".join(value.split())
    return line if len(line) <= 60 else line[:59] + "…"


def _note(values: Sequence[str]) -> str | None:
    """Return what of the values is likely to be unwanted: words for nothing, numbers a spreadsheet cut."""
    nothing = sum(value.lower() in PLACEHOLDERS for value in values)
    cut = sum(bool(re.fullmatch(r"\d\.\d+E\+\d{2}", value)) for value in values)
    if cut:
        return f"{cut:,} numbers such as 6.90E+12: a spreadsheet cut their digits, export them as text"
    return f"{nothing:,} cells say nothing in a word (NULL, nan, N/A, -)" if nothing else None
