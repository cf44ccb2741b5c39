"""The pages' scripts and styles, as `frontend/` builds them at set-up: under names that change with their content, so
that browsers keep them for good."""

import base64
import gzip
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from litestar import Request, Response, get
from litestar.params import FromPath
from markupsafe import Markup

from ..http.routes import route
from ..kit import errors

FOLDER: Final = Path(__file__).parent / "static"
MEDIA_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
HASHED: Final = re.compile(r"(.+)-[A-Z0-9]{8}(\.\w+)")
FOR_GOOD: Final = "public, max-age=31536000, immutable"


class NotBuilt(Exception):
    """The message says what to do."""


class Asset(NamedTuple):
    file: str
    content: bytes
    packed: bytes

    @property
    def url(self) -> str:
        return f"/assets/{self.file}"


@cache
def built() -> Mapping[str, Asset]:
    """What there is, by its name without the hash. Raises `NotBuilt`."""
    found = {path.name: path.read_bytes() for path in FOLDER.glob("*.*")} if FOLDER.is_dir() else {}
    if not found:
        raise NotBuilt("The pages' scripts and styles are not there. `make setup` builds them.")
    return {
        HASHED.sub(r"\1\2", file): Asset(file, content, gzip.compress(content, mtime=0))
        for file, content in found.items()
    }


@cache
def style(name: str) -> tuple[Markup, str]:
    """A style sheet to stand in a page, so that the page is drawn as soon as it is there, and what the page's policy
    calls it by."""
    content = built()[name].content
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return Markup(content.decode()), f"'sha256-{digest}'"  # noqa: S704  our own, and no sheet says “</style>”


def script_url(name: str) -> str:
    """Return the address of a built script."""
    return built()[name].url


@get("/assets/{file:str}", operation_id="getAsset", opt=route(permission="public"), include_in_schema=False)
async def asset(request: Request[Any, Any, Any], file: FromPath[str]) -> Response[bytes]:
    found = next((each for each in built().values() if each.file == file), None)
    if found is None:
        raise errors.NotFound
    return answer(request, found, FOR_GOOD)


def answer(request: Request[Any, Any, Any], found: Asset, cache_control: str) -> Response[bytes]:
    """The asset, packed for whoever can unpack it."""
    headers = {"Cache-Control": cache_control, "Vary": "Accept-Encoding"}
    packed = "gzip" in request.headers.get("accept-encoding", "")
    if packed:
        headers["Content-Encoding"] = "gzip"
    return Response(
        found.packed if packed else found.content, media_type=MEDIA_TYPES[Path(found.file).suffix], headers=headers
    )
