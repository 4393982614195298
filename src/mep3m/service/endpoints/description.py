"""The description of the service: `/openapi.json`, and `/docs`, a page that needs nothing from elsewhere."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from mep3m.service.access import Admits

#: where Swagger UI's files are served; they come with `fastapi-offline`
FILES = "/docs-files"


def include(app: FastAPI, access: Admits) -> None:
    """Add the endpoints that describe an application; whoever may file products may read them."""
    reader = [Depends(access.reads("assign"))]
    router = APIRouter(dependencies=reader, include_in_schema=False)

    @router.get("/openapi.json")
    def openapi() -> dict[str, Any]:
        """Give the description."""
        return app.openapi()

    @router.get("/docs")
    def docs() -> HTMLResponse:
        """Show the description, where each endpoint can be tried."""
        files = FILES.removeprefix("/")
        return get_swagger_ui_html(
            openapi_url="openapi.json",
            title="mep3m",
            swagger_js_url=f"{files}/swagger-ui-bundle.js",
            swagger_css_url=f"{files}/swagger-ui.css",
            swagger_favicon_url=f"{files}/favicon.png",
        )

    app.include_router(router)
    app.mount(FILES, StaticFiles(packages=[("fastapi_offline", "static")]), name="docs-files")
