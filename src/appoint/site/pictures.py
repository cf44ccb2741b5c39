"""Clinics' logos and photos, and doctors' portraits, as Appoint has encoded them."""

import asyncio
import re
from typing import Final

from litestar import Response, get
from litestar.params import FromPath

from ..clinics.pictures import encoding, service
from ..http.request import Request
from ..http.routes import route
from ..kit import errors
from .assets import IMMUTABLE

FILE: Final = re.compile(r"([0-9a-f]{64})\.(webp|png)")
HEADERS: Final = {
    "Cache-Control": IMMUTABLE,
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
"""For pictures, which never change and which emails and other sites may show."""


@get(
    "/images/{clinic_id:int}/{file:str}",
    operation_id="getPicture",
    opt=route(permission="public"),
    include_in_schema=False,
)
async def picture(request: Request, clinic_id: FromPath[int], file: FromPath[str]) -> Response[bytes]:
    """Return a picture, or a logo as PNG for emails. Its address contains its hash, so it never changes."""
    match = FILE.fullmatch(file)
    if match is None:
        raise errors.NotFound
    content = await service.get(request.services.db, clinic_id, match[1])
    if match[2] == "png":
        content = await asyncio.to_thread(encoding.logo_to_png, content)
    return Response(content, media_type=f"image/{match[2]}", headers=HEADERS)


PAGES: Final = [picture]
