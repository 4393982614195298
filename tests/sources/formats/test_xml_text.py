"""The text of XML files: decoded, from its first sign, without prefixes and entities, in any pieces."""

import contextlib
import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from mep3m.errors import FormatError
from mep3m.sources.formats import xml_text
from mep3m.sources.formats.xml_text import XmlText, attribute, local_name


def text_of(path: Path, content: bytes) -> bytes:
    path.write_bytes(content)
    pieces = []
    with contextlib.closing(XmlText(path)) as text:
        while piece := text.read():
            pieces.append(piece)
    return b"".join(pieces)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"<a/>", b"<a/>"),
        (b"\xef\xbb\xbf<a/>", b"<a/>"),
        (b"\r\n \t<a/>", b"<a/>"),
        (b"<g:a><g:b/></g:a>", b"<a><b/></a>"),
        (b"<a xmlns:g='u' g:c='1'/>", b"<a xmlns:g='u' g\xc2\xb7c='1'/>"),
        (
            b"<a x:b = '1 y:c=2'\n y:b='>'>s:t='u'</a>",
            b"<a x\xc2\xb7b = '1 y:c=2'\n y\xc2\xb7b='>'>s:t='u'</a>",
        ),
        (b"<a xml:lang='de' b='x:y'/>", b"<a xml:lang='de' b='x:y'/>"),
        (b"<a>5 < 6:7</a>", b"<a>5 < 6:7</a>"),
        (b"<a>&nbsp;&amp;&lt;&none;</a>", b"<a>\xc2\xa0&amp;&lt;&amp;none;</a>"),
        (
            b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;&nbsp;</a>",
            b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;&nbsp;</a>",
        ),
        ("<a>茶</a>".encode("utf-16"), "<a>茶</a>".encode()),
        ("<a>茶</a>".encode("utf-16-be"), "<a>茶</a>".encode()),
        ('<?xml version="1.0" encoding="GBK"?><a>茶</a>'.encode("gbk"), None),
        ("<?xml version='1.0' encoding='windows-1252'?><a>é</a>".encode("cp1252"), None),
        (b"", b""),
    ],
)
def test_the_text_is_utf_8_from_its_first_sign(
    tmp_path: Path, content: bytes, expected: bytes | None
) -> None:
    text = text_of(tmp_path / "a.xml", content)
    if expected is None:
        assert text.decode().endswith(("<a>茶</a>", "<a>é</a>"))
    else:
        assert text == expected


@given(
    st.lists(
        st.sampled_from(
            [
                "<g:a>",
                "</g:a>",
                "&eacute;",
                "&amp;",
                "x",
                "茶",
                "&",
                "<",
                ":",
                ' x:y="1"',
                "<e x:y='\">'",
                '"',
                ">",
            ]
        ),
        max_size=40,
    ),
    st.integers(1, 9),
)
def test_pieces_of_any_size_give_the_same_text(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str], size: int
) -> None:
    path = tmp_path_factory.mktemp("x") / "a.xml"
    content = ("<r>" + "".join(pieces) + "</r>").encode()
    expected = text_of(path, content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xml_text, "CHUNK", size)
        assert text_of(path, content) == expected


def test_bytes_that_are_not_in_the_declared_encoding_break_the_text_there(tmp_path: Path) -> None:
    content = "<?xml version='1.0' encoding='gb18030'?><a>茶</a>".encode("gb18030")
    broken = text_of(tmp_path / "a.xml", content.replace("茶".encode("gb18030"), b"\xff\xff"))
    assert broken.endswith(b"\xff")


def test_an_encoding_that_does_not_exist_and_a_damaged_gzip_are_errors(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="is declared in the encoding 'klingon', which is unknown"):
        text_of(tmp_path / "a.xml", b"<?xml version='1.0' encoding='klingon'?><a/>")
    with pytest.raises(FormatError, match="is damaged"):
        text_of(tmp_path / "a.xml.gz", gzip.compress(b"<a/>")[:8])


def test_a_tag_that_never_ends_is_held_no_longer_than_its_limit(tmp_path: Path) -> None:
    content = b"<a x:y='" + b"1" * (2 * xml_text.TAG_LIMIT) + b"'/>"
    assert text_of(tmp_path / "a.xml", content) == content


def test_attributes_by_local_name() -> None:
    root = etree.fromstring("<a xmlns:g='v'><b g:c='1' c='2'/><b x·c='3'/><b g:c='4' c=''/><b d='5'/></a>")
    assert [attribute(one, "c") for one in root] == ["2", "3", "4", None]


def test_local_names() -> None:
    root = etree.fromstring("<a xmlns='u' xmlns:g='v'><g:b/><!-- c --></a>")
    assert [local_name(one) for one in (root, *root)] == ["a", "b", ""]
