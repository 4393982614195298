"""Pages from templates: every value is escaped, every text is in the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse

from mep3m.desk.accounts.door import Door
from mep3m.desk.accounts.people import Person
from mep3m.store.json_files import read_json

#: cookie and parameter that choose a language; without them the browser's own choice counts
LANGUAGE = "lang"
#: languages of the desk: how each is called by those who read it
LANGUAGES = {"en": "English", "zh": "中文"}
#: address -> (name, the least role that sees it), in the order of the bar at the top
BAR = {
    "/explore": ("Explore", "reader"),
    "/align": ("Align", "reviewer"),
    "/review": ("Review", "reviewer"),
    "/audit": ("Audit", "reviewer"),
    "/try": ("Try", "reader"),
    "/watch": ("Watch", "reader"),
}
_WORDS = Path(__file__).parent / "words"


@cache
def words(language: str) -> Mapping[str, str]:
    """Return the texts of a language by their English; English is its own."""
    texts: dict[str, str] = {}
    for path in sorted((_WORDS / language).glob("*.json")):
        texts |= read_json(path)
    return texts


@cache
def environment() -> jinja2.Environment:
    """The templates of the desk."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("mep3m.desk", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["count"] = lambda number: f"{number:,}"
    made.filters["percent"] = lambda share: "" if share is None else f"{100 * share:.1f} %"
    return made


def language_of(request: Request) -> str:
    """Return the language that a reader chose, or else that of the browser."""
    for chosen in (request.query_params.get(LANGUAGE), request.cookies.get(LANGUAGE)):
        if chosen in LANGUAGES:
            return str(chosen)
    accepted = request.headers.get("accept-language", "")
    return "zh" if accepted.lower().startswith("zh") else "en"


def translator(language: str) -> Callable[..., str]:
    """Return what a template calls `_`: an English text, with its `{names}` filled, in this language."""
    texts = words(language)

    def translate(text: str, **values: Any) -> str:
        shown = {key: f"{value:,}" if isinstance(value, int) else value for key, value in values.items()}
        return texts.get(text, text).format(**shown)

    return translate


@dataclass(frozen=True)
class Pages:
    """The pages of one desk."""

    name: str
    door: Door

    def show(
        self, request: Request, person: Person | None, template: str, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """Return a page; `person` is who sees it (`None`: nobody has signed in)."""
        held = getattr(request.state, "session", None)
        session = held or self.door.begin_here(person)
        language = language_of(request)
        html = (
            environment()
            .get_template(template)
            .render(
                _=translator(language),
                language=language,
                languages=LANGUAGES,
                here=lambda code: (
                    f"?{request.url.remove_query_params(LANGUAGE).include_query_params(lang=code).query}"
                ),
                bar={path: name for path, (name, role) in BAR.items() if person and person.may(role)},  # type: ignore[arg-type]
                path=request.url.path,
                person=person,
                signs_in=not self.door.open,
                csrf=session.csrf if session is not None else "",
                name=self.name,
                **values,
            )
        )
        # names of files may hold what is no character; no page fails because of one
        response = HTMLResponse(html.encode(errors="replace"), status, {"Cache-Control": "no-store"})
        if held is None and session is not None:
            self.door.leave_cookie(request, response, session)
        if request.query_params.get(LANGUAGE) in LANGUAGES:
            response.set_cookie(LANGUAGE, language, max_age=365 * 86400, samesite="strict", httponly=True)
        return response
