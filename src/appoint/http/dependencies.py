"""The services that the application creates at startup for its handlers."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from litestar.connection import ASGIConnection

from ..database.pool import Database
from ..database.replicas import Replicas
from ..kit.actors import Actor
from ..kit.cache import ClinicCache
from ..settings import Settings
from .ownership import FindOwners
from .rate_limits.limits import Limits

T = TypeVar("T")
AnyConnection = ASGIConnection[Any, Any, Any, Any]
Identify = Callable[[AnyConnection, str], Awaitable[Actor | None]]
"""Returns the caller that a credential belongs to, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The application's services."""

    settings: Settings
    admin_token: str
    """The administrator's bearer token."""
    secret_key: str
    """The key that signs tokens and encrypts secrets."""
    db: Database
    """The whole database. `Request.db` is limited to what a caller may see."""
    replicas: Replicas
    cache: ClinicCache
    limits: Limits
    identities: dict[str, Identify]
    """Functions that find the caller for a bearer token, keyed by the token's prefix."""
    session_of_cookie: Identify
    """Finds the caller for a session cookie."""
    owners: Mapping[str, FindOwners]
    """Functions that find a resource's owners, keyed by the path parameter that contains its id."""
    features: Mapping[type[Any], Any]
    """The features' own services, by type."""

    def get(self, kind: type[T]) -> T:
        """Return a feature's own service."""
        return self.features[kind]


def services_of(connection: AnyConnection) -> Services:
    """Return the services of the application that a connection belongs to."""
    services = find_services(connection)
    assert services, "only the mock server has none"
    return services


def find_services(connection: AnyConnection) -> Services | None:
    """Return the application's services, or None for the mock server, which has none."""
    return connection.app.state.get("services")
