"""The other cells, as the application uses them: where clinics are at home, and how to reach their cells."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Self

import litestar

from ...database.pool import Database
from ...http.dependencies import services_of
from ...kit import errors
from ...kit.errors import StartupError
from ...settings import Settings
from .model import Cell
from .routing_table import RoutingTable

if TYPE_CHECKING:
    from .gateway import CellGateway

AnyRequest = litestar.Request[Any, Any, Any]
SENDER: Final = "cell"
"""The key in a request's state with the name of the cell that sent it."""


class Cells:
    """One of the application's services if the settings name this cell."""

    def __init__(self, table: RoutingTable, gateway: "CellGateway") -> None:
        self.table: Final = table
        self.gateway: Final = gateway

    @classmethod
    def of(cls, settings: Settings, db: Database) -> Self | None:
        """Return the cells for a server process, or None if there are none. Raise `StartupError` if the secret is
        missing."""
        gateway = gateway_of(settings)
        return cls(RoutingTable(db, settings.cell), gateway) if gateway else None

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Self]:
        """Keep the routing table current while the block runs."""
        try:
            async with self.table.running():
                yield self
        finally:
            await self.gateway.aclose()


def gateway_of(settings: Settings) -> "CellGateway | None":
    """Return a client for the other cells, or None if there are none. Raise `StartupError` if the secret is missing."""
    if not settings.cell:
        return None
    if settings.cell_secret is None:
        raise StartupError("APPOINT_CELL needs APPOINT_CELL_SECRET, the same in all cells (`openssl rand -hex 32`).")
    from .gateway import CellGateway  # noqa: PLC0415  slow to import

    return CellGateway(settings.cell, settings.cell_secret.get_secret_value(), seconds=settings.cell_seconds)


def cells_of(request: AnyRequest) -> Cells | None:
    """Return the cells that a request concerns besides this one, or None if there are none or if one of them has sent
    the request."""
    return None if SENDER in request.scope["state"] else services_of(request).features.get(Cells)


def expect_cell(request: AnyRequest) -> Cells:
    """Raise `NotFound` unless another cell has sent and signed the request."""
    if SENDER not in request.scope["state"]:
        raise errors.NotFound
    return services_of(request).get(Cells)


def sender_of(request: AnyRequest) -> Cell:
    """Return the cell that has sent and signed the request. Raise `NotFound` if there is none."""
    cell = expect_cell(request).table.find_cell(request.scope["state"][SENDER])
    if cell is None:  # it has not been added here
        raise errors.NotFound
    return cell
