"""Tokens of the OpenID provider at the door"""

from typing import Final

from ...http.services import Identify
from ...kit import clock
from ...kit.actors import Actor
from . import service
from .gateway import Provider

PREFIX: Final = "eyJ"
"""How the header of every JWT begins: it is `{"` in base64."""


def identify_with(provider: Provider) -> Identify:
    """Return what finds the caller of the provider's tokens."""

    async def identify(_: object, token: str) -> Actor | None:
        return await service.identify(provider, token, now=clock.now())

    return identify
