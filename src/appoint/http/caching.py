"""Decide which responses may be stored. Anything about a person, and anything secret, must not be."""

from typing import Any, Final

from litestar.types import Scope

from ..kit.actors import Actor
from .routes import route_in

NO_STORE: Final = b"no-store"


def cache_control(scope: Scope, choice: bytes | None) -> bytes:
    """Return a response's `Cache-Control`, given the handler's choice. Only handlers that are open to everyone can
    choose. What they call public is the same for every caller; the rest can be stored only for anonymous callers.
    """
    declared = route_in(scope)
    if choice is None or (declared and declared.permission != "public"):
        return NO_STORE
    return choice if choice.startswith(b"public") or is_anonymous(scope) else NO_STORE


def is_anonymous(scope: Scope) -> bool:
    """Return whether the request's caller is neither signed in nor has a key."""
    fields: Any = scope
    caller = fields.get("user")
    return not isinstance(caller, Actor) or caller.is_anyone
