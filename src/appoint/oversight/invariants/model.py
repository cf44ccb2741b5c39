"""Reports about invariants and their violations."""

from typing import Annotated, Final

import msgspec

from ...kit.ids import MAX_CLINIC_ID
from ...kit.structs import PageQuery

MAX_SUBJECTS: Final = 20
"""How many of an invariant's violations a report lists."""


class Violation(msgspec.Struct, rename="camel", frozen=True):
    """An invariant that some of a clinic's records violate."""

    invariant: str
    meaning: str
    """The invariant as a sentence."""
    count: int
    """How many records violate it, counted up to 10,000."""
    subjects: list[str]
    """The first 20 of these records, mostly as ids."""


class InvariantReport(msgspec.Struct, rename="camel", frozen=True):
    """The result of checking all invariants of a clinic, or of the platform."""

    clinic_id: int
    """0 for the platform."""
    checked: int
    """How many invariants were checked."""
    violations: list[Violation]
    """Empty if no invariant is violated."""


class InvariantFilter(PageQuery, kw_only=True):
    """The platform comes first, then the clinics in numerical order. Each page's clinics are checked when the page is
    requested."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=50, description="maximum number of clinics")] = 10
    clinic_id: (
        Annotated[int, msgspec.Meta(ge=0, le=MAX_CLINIC_ID, description="only this clinic; 0 for the platform")] | None
    ) = None
