"""Tokens of the OpenID provider at the door"""

from typing import Any, Final

from litestar.connection import ASGIConnection

from ...kit import clock
from ...kit.actors import Actor
from . import service

PREFIX: Final = "eyJ"
"""How the header of every JWT begins: it is `{"` in base64."""


async def identify(connection: ASGIConnection[Any, Any, Any, Any], token: str) -> Actor | None:
    return await service.identify(connection.app.state.openid, token, now=clock.now())
