"""Decide which responses may be stored. Those that contain personal data or secrets must not be stored."""

from typing import Any, Final

from litestar.types import Scope

from ..kit.actors import Actor
from .routes import route_in

NO_STORE: Final = b"no-store"
RESTORABLE: Final = "private, no-cache"
"""For pages that respond to a patient's form. Browsers can show them again when the patient goes back; with `no-store`,
they would show an error instead."""


def cache_control(scope: Scope, choice: bytes | None) -> bytes:
    """Return a response's `Cache-Control`, given the handler's choice. Only handlers that are open to everyone can
    choose. A response that they call public is the same for every caller; others can be stored only for anonymous
    callers, except for pages that respond to a form.
    """
    declared = route_in(scope)
    if choice is not None and declared and declared.page and choice == RESTORABLE.encode() and _is_form(scope):
        return choice
    if choice is None or (declared and declared.permission != "public"):
        return NO_STORE
    return choice if choice.startswith(b"public") or is_anonymous(scope) else NO_STORE


def _is_form(scope: Scope) -> bool:
    fields: Any = scope
    return fields.get("method") == "POST"


def is_anonymous(scope: Scope) -> bool:
    """Return whether the request's caller is not signed in and has no key."""
    fields: Any = scope
    caller = fields.get("user")
    return not isinstance(caller, Actor) or caller.is_anyone
