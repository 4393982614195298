"""The metadata of an SSSOM table: YAML in the comment lines above the header."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

import yaml

#: texts that are written without quotes, if YAML takes them as they are: words, paths and addresses
PLAIN = re.compile(r"[A-Za-z一-鿿][\w ./()+:#?=&%~-]*")
#: words that YAML 1.1 calls true and false, though PyYAML reads them as texts
YES_NO = ("y", "n")


def yaml_text(value: str) -> str:
    """Return a text as a YAML scalar: plain where it reads as itself, else in double quotes."""
    if PLAIN.fullmatch(value) and value.lower() not in YES_NO and _dumped(value, None) == value:
        return value
    return _dumped(value, '"')


def read_metadata(comments: Iterable[str]) -> dict[str, str]:
    """Return the scalars of the comment lines, by key; what somebody has cut or added is left out.

    The lines are one YAML document, as sssom-py writes it (folded and quoted in its own way, nested
    where SSSOM nests). Where they are not, because a person wrote a note or a spreadsheet cut a
    line, each line is read by itself.
    """
    lines = [line.removeprefix("#") for line in comments]
    try:
        return _scalars("\n".join(lines))
    except yaml.YAMLError:
        values: dict[str, str] = {}
        for line in lines:
            try:
                values |= _scalars(line)
            except yaml.YAMLError:
                continue
        return values


def _scalars(text: str) -> dict[str, str]:
    document = yaml.load(text, yaml.BaseLoader)  # every scalar is a text; builds nothing but texts and lists
    pairs = document.items() if isinstance(document, dict) else ()
    return {key: value for key, value in pairs if isinstance(key, str) and isinstance(value, str)}


def _dumped(value: str, style: str | None) -> str:
    text: str = yaml.safe_dump(value, default_style=style, allow_unicode=True, width=math.inf)
    return text.removesuffix("\n").removesuffix("\n...")
