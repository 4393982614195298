"""Pictures of products, by the hash of their content."""

from __future__ import annotations

import re

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import FileResponse, Response

from mep3m.desk.accounts.people import Person
from mep3m.desk.desk import Desk
from mep3m.imaging.decode import UnreadableImageError, decode, picture_format
from mep3m.imaging.jpeg import jpeg

_HASH = re.compile(r"[0-9a-f]{64}")
#: what browsers show as it is, by Pillow's name; anything else is sent as JPEG
_SHOWN = {
    "AVIF": "image/avif",
    "BMP": "image/bmp",
    "GIF": "image/gif",
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
}
#: the hash is that of the content, so an address never shows anything else
_FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}


def routes(desk: Desk) -> APIRouter:
    """Return the address of pictures."""
    router = APIRouter(tags=["pictures"])
    reader = Depends(desk.door.needs("reader"))

    @router.get("/picture/{key}")
    def picture(key: str, person: Person = reader) -> Response:
        """Send the picture whose content has this SHA-256."""
        store = desk.folder.store
        if store is None or not _HASH.fullmatch(key):
            raise HTTPException(404, "the store has no such picture")
        path = store.images.file(key)
        try:
            media = _SHOWN.get(picture_format(path))
            if media is not None:
                return FileResponse(path, media_type=media, headers=_FOR_EVER)
            return Response(jpeg(decode(path).image), media_type="image/jpeg", headers=_FOR_EVER)
        except (OSError, UnreadableImageError):
            raise HTTPException(404, "the store has no such picture") from None

    return router
