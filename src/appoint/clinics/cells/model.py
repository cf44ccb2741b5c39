"""Cells: installations that together serve one platform, each of them home to some of its clinics."""

from datetime import datetime

import msgspec


class Cell(msgspec.Struct, frozen=True):
    number: int
    """Its clinics have numbers from this cell's block (`kit.ids.minted_in`), unless they moved here."""
    name: str
    url: str
    """Its public address, which other cells and people's browsers use."""


class CellSummary(msgspec.Struct, frozen=True):
    number: int
    name: str
    url: str
    clinics: int
    """How many clinics are at home in it, as far as this cell knows."""
    until: datetime | None
    """Until when this cell has learned about its clinics."""


class ClinicHome(msgspec.Struct, frozen=True):
    """Where a clinic is at home, if it is in another cell or has moved."""

    clinic_id: int
    cell: int
    """The cell's number."""
    moves: int = 0
    """How often the clinic has moved. Of two statements about a clinic, the one with more moves is current."""
    slug: str | None = None


class OwnClinics(msgspec.Struct, frozen=True, rename="camel"):
    """What a cell tells the others about the clinics that are at home in it."""

    cell: str
    number: int
    until: datetime
    """When the cell read them. The next request asks for later changes."""
    clinics: list[ClinicHome]
