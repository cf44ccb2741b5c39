"""Authentication with the OpenID provider's tokens."""

from typing import Final

from ...http.dependencies import Identify
from ...kit import clock
from ...kit.actors import Actor
from . import service
from .gateway import Provider

PREFIX: Final = "eyJ"
"""The start of every JWT: `{"` in base64."""


def identify_with(provider: Provider) -> Identify:
    """Return a function that identifies callers by the provider's tokens."""

    async def identify(_: object, token: str) -> Actor | None:
        return await service.identify(provider, token, now=clock.now())

    return identify
