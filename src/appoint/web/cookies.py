"""The cookie by which a browser keeps a session's token: for this host alone, over TLS alone, out of scripts' reach."""

from datetime import timedelta
from typing import Any

from litestar import Response
from litestar.datastructures import Cookie

from .access import COOKIE


def keep(response: Response[Any], token: str, lasts: timedelta) -> None:
    """Have the browser keep the token."""
    response.set_cookie(_cookie(token, max_age=int(lasts.total_seconds())))


def forget(response: Response[Any]) -> None:
    """Have the browser forget it."""
    response.set_cookie(_cookie("", max_age=0))


def _cookie(token: str, *, max_age: int) -> Cookie:
    return Cookie(COOKIE, value=token, path="/", max_age=max_age, secure=True, httponly=True, samesite="lax")
