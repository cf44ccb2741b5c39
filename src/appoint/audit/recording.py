"""Write audit entries, through the one function that every use case and every disclosure calls."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from litestar import Response

from ..database.pool import Statements
from ..http.dependencies import services_of
from ..http.request import clinic_of
from ..http.responses import Disclosure
from ..kit import tracing
from ..kit.actors import Actor
from ..kit.ids import PLATFORM
from .repository import entries


async def record(
    db: Statements,
    actor: Actor,
    *,
    clinic_id: int,
    subjects: Iterable[UUID | int | str],
    reason: str | None = None,
    also_at: Iterable[int] = (),
) -> None:
    """Write an entry saying that the action `actor.operation` changes or discloses the subjects.

    A use case that changes something calls this in its own transaction, so the change and its entry are committed
    together or not at all. `clinic_id` is `ids.PLATFORM` for subjects that do not belong to a clinic. Subjects keep
    their order; repeated ones are written once. `also_at` names further clinics that get a copy of the entry, because
    their managers are responsible for the subject.

    This is a Python function rather than one in the schema because it is a plain insert. The statements that book
    appointments and expire holds have an extra step to write their own entries, because a function call per row would
    be slower.
    """
    names = list(dict.fromkeys(str(subject) for subject in subjects))
    for id in (clinic_id, *also_at):
        await entries.insert_entry(
            db,
            clinic_id=id,
            actor=actor.key,
            action=actor.operation,
            subjects=names,
            address=actor.audited_address,
            request_id=tracing.audited_request_id(),
            reason=reason,
        )


async def record_disclosure(response: Response[Any]) -> Response[Any]:
    """Record a disclosure before its response is sent, as one entry at the clinic in the request's path. Runs after
    each handler."""
    if isinstance(response, Disclosure):
        request = response.request
        await record(
            services_of(request).db,
            request.user,
            clinic_id=clinic_of(request) or PLATFORM,
            subjects=response.subjects,
        )
    return response
