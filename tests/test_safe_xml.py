"""Documents that others wrote: nothing outside is read, what unfolds or is no XML is refused."""

from pathlib import Path

import pytest
from lxml import etree

from mep3m.safe_xml import parse_xml


def test_an_entity_of_an_outside_file_is_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("kept")
    document = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}">]><a>&x;</a>'
    assert "kept" not in "".join(parse_xml(document.encode()).itertext())


def test_entities_that_unfold_are_refused() -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    document = f'<!DOCTYPE a [<!ENTITY e0 "many">{levels}]><a>&e11;</a>'
    with pytest.raises(etree.XMLSyntaxError, match="amplification"):
        parse_xml(document.encode())


def test_what_is_no_xml_is_refused() -> None:
    with pytest.raises(etree.XMLSyntaxError):
        parse_xml(b"<a><b></a>")
