"""What addresses and forms of the page about links say."""

import pytest
from starlette.requests import Request

from mep3m.alignment.keeping.queue import LinkFilter
from mep3m.desk.linking.answers import LONGEST, Looking, cells_for
from mep3m.errors import UsageError


def asked(query: str) -> Looking:
    return Looking.of(Request({"type": "http", "headers": [], "query_string": query.encode()}))


def test_an_address_says_the_filter_and_back() -> None:
    query = "shown=all&platforms=a+%7C+b&relation=exact&least=0.2&most=1.0&name=%E6%89%8B%26"
    looking = asked(query)
    assert looking == Looking(LinkFilter("all", "a | b", "exact", 0.2, 1.0, "手&"), False)
    assert looking.query() == f"?{query}"
    assert asked("").query() == ""
    assert asked("blind=1").query(at=0) == "?blind=1&at=0"
    assert asked("blind=1&name=a").query(blind="") == "?name=a"


def test_who_is_blind_cannot_ask_by_probability() -> None:
    assert asked("blind=1&least=0.9&most=0.95").wanted == LinkFilter()


@pytest.mark.parametrize("query", ["least=x", "most=2", "shown=none", "relation=is"])
def test_a_wrong_address_is_refused(query: str) -> None:
    with pytest.raises(UsageError):
        asked(query)


@pytest.mark.parametrize(
    ("decision", "cells"),
    [
        ("accept", {"mep3m_decision": "accept"}),
        ("reject", {"mep3m_decision": "reject"}),
        ("unsure", {"mep3m_decision": "unsure"}),
        ("open", {"mep3m_decision": ""}),
        ("exact", {"mep3m_decision": "accept", "predicate_id": "skos:exactMatch"}),
        ("narrower", {"mep3m_decision": "accept", "predicate_id": "skos:broadMatch"}),
        ("broader", {"mep3m_decision": "accept", "predicate_id": "skos:narrowMatch"}),
    ],
)
def test_a_decision_is_cells_of_the_review(decision: str, cells: dict[str, str]) -> None:
    assert cells_for(decision) == cells


def test_a_name_goes_with_an_accepted_link() -> None:
    named = cells_for("narrower", " 移动\t电源 ", "Power banks")
    assert (named["mep3m_new_name_zh"], named["mep3m_new_name_en"]) == ("移动 电源", "Power banks")
    with pytest.raises(UsageError, match="'reject' gives none"):
        cells_for("reject", "移动电源")
    with pytest.raises(UsageError, match="501 letters"):
        cells_for("accept", "a" * (LONGEST + 1))
    with pytest.raises(UsageError, match="did you mean 'accept'"):
        cells_for("acept")
