"""The pages' scripts and styles, as built from `frontend/`.

File names change with their content, so browsers can cache them forever.
"""

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
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".woff2": "font/woff2",
}
HASHED_NAME: Final = re.compile(r"(.+)-[A-Z0-9]{8}(\.\w+)")
IMMUTABLE: Final = "public, max-age=31536000, immutable"


class NotBuilt(errors.StartupError):
    """The assets have not been built. The message says what to do."""


class Asset(NamedTuple):
    file: str
    content: bytes
    gzipped: bytes | None
    """Missing if the file itself is already compressed."""

    @property
    def url(self) -> str:
        return f"/assets/{self.file}"


@cache
def built() -> Mapping[str, Asset]:
    """Return the built assets by name, without the hash. Raise `NotBuilt` if there are none."""
    contents = {path.name: path.read_bytes() for path in FOLDER.glob("*.*")} if FOLDER.is_dir() else {}
    if not contents:
        raise NotBuilt("The pages' scripts and styles have not been built. Run `make setup` to build them.")
    return {
        HASHED_NAME.sub(r"\1\2", file): Asset(
            file, content, None if file.endswith(".woff2") else gzip.compress(content, mtime=0)
        )
        for file, content in contents.items()
    }


@cache
def style(name: str) -> tuple[Markup, str]:
    """Return a style sheet and its source for the content security policy. Pages inline style sheets to save a round
    trip.
    """
    content = built()[name].content
    return Markup(content.decode()), source(content)  # noqa: S704  our own style sheet, which never contains “</style>”


def source(style_sheet: bytes) -> str:
    """Return an inline style sheet's source for the content security policy."""
    digest = base64.b64encode(hashlib.sha256(style_sheet).digest()).decode()
    return f"'sha256-{digest}'"


def url(name: str) -> str:
    """Return a built file's URL."""
    return built()[name].url


@get("/assets/{file:str}", operation_id="getAsset", opt=route(permission="public"), include_in_schema=False)
async def asset(request: Request[Any, Any, Any], file: FromPath[str]) -> Response[bytes]:
    match = next((candidate for candidate in built().values() if candidate.file == file), None)
    if match is None:
        raise errors.NotFound
    return respond(request, match, IMMUTABLE)


def respond(request: Request[Any, Any, Any], asset: Asset, cache_control: str) -> Response[bytes]:
    """Respond with an asset, compressed if the client accepts it."""
    headers = {"Cache-Control": cache_control, "Vary": "Accept-Encoding"}
    content = asset.content
    if asset.gzipped and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        content = asset.gzipped
    return Response(content, media_type=MEDIA_TYPES[Path(asset.file).suffix], headers=headers)
