"""Recognise requests that only development mode answers, and only for this machine."""

from typing import Any

from litestar.connection import ASGIConnection

from ..kit import errors
from ..kit.hosts import is_loopback
from .dependencies import services_of

AnyConnection = ASGIConnection[Any, Any, Any, Any]


def is_development(request: AnyConnection) -> bool:
    """Return whether this is development mode and the request comes from this machine. Other machines may reach it
    through a proxy."""
    is_here = request.client is not None and is_loopback(request.client.host)
    return services_of(request).settings.mode == "development" and is_here


def expect_development(request: AnyConnection) -> None:
    """Raise `NotFound` in production, and for other machines."""
    if not is_development(request):
        raise errors.NotFound
