"""What the money pages have in common."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from ....http.languages import language_for
from ....http.problems.catalogue import PROBLEMS
from ....http.request import Request
from ....http.routes import route
from ....kit import errors
from ....kit.i18n import translate
from ....kit.ids import clinic_of

BILL: Final = route(permission="bill", page=True)
REFUND: Final = route(permission="refund", page=True)


def check_clinic(clinic_id: int, id: UUID) -> None:
    """Raise `NotFound` for another clinic's record."""
    if clinic_of(id) != clinic_id:
        raise errors.NotFound


def describe_refusal(request: Request, refusal: errors.AppointError) -> str:
    """Return why a change was refused, and what to do about it."""
    language = language_for(request)
    if isinstance(refusal, errors.VersionMismatch):
        return translate(language, "Someone else has changed this in the meantime. These are the current details.")
    facts: Mapping[str, object] = refusal.facts
    return " ".join(translate(language, text, **facts) for text in PROBLEMS[refusal.type].texts("user", facts))


def faults_by_path(invalid: errors.Invalid, language: str) -> dict[str, str]:
    """Return each field's first fault. The field for `#/lines/0/quantity` is `lines.0.quantity`."""
    return {
        fault.pointer.removeprefix("#/").replace("/", "."): translate(language, fault.text, **fault.values)
        for fault in reversed(invalid.faults)
    }
