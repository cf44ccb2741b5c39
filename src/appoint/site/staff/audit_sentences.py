"""Audit entries as sentences for practice managers."""

from collections.abc import Mapping
from typing import Final, NamedTuple
from uuid import UUID

from ...audit.model import AuditActor, AuditEntry
from ...kit.i18n import translatable, translate
from ...oversight.audit_trail.service import MAX_DESCRIBED, Subjects
from ..filters import when
from .audit_actions import GROUPS, SENTENCES

UNKNOWN_AREA: Final = translatable("a page")

RULES: Final[Mapping[str, str]] = {
    "too-soon": translatable("inside the notice period for bookings"),
    "too-late": translatable("inside the notice period for changes"),
    "too-far": translatable("beyond the booking horizon"),
    "outside-hours": translatable("outside working hours"),
    "customer-busy": translatable("at the same time as another appointment"),
    "in-the-past": translatable("recorded afterwards"),
}


ACTORS: Final[Mapping[str, str]] = {
    "user": translatable("A staff member"),
    "patient": translatable("A patient"),
    "key": translatable("A partner system"),
    "oidc": translatable("A partner system"),
    "link": translatable("Someone with an appointment link"),
    "administrator": translatable("A platform administrator"),
    "open": translatable("Someone who was not signed in"),
    "gateway": translatable("A connected service"),
    "cell": translatable("Another part of this platform"),
    "system": translatable("Appoint"),
    "command-line": translatable("Someone on the server’s command line"),
}
"""How sentences name the kinds of actors that have no name of their own."""
OUTCOMES: Final[Mapping[str, str]] = {
    "wrong-credentials": translatable("wrong password or code"),
    "unknown-account": translatable("unknown email address"),
    "disabled-account": translatable("disabled account"),
    "unlinked-identity": translatable("external account not linked"),
    "totp-required": translatable("password right, code missing"),
    "passkey-required": translatable("password right, passkey missing"),
    "no-passkey": translatable("account without a passkey"),
    "unknown-passkey": translatable("unknown passkey"),
    "wrong-passkey": translatable("wrong passkey"),
    "another-users-passkey": translatable("another user’s passkey"),
    "copied-passkey": translatable("passkey possibly copied"),
    "expired-challenge": translatable("request expired"),
    "used-challenge": translatable("request already used"),
    "expired": translatable("expired"),
    "wrong-secret": translatable("wrong secret"),
    "retention": translatable("retention period over"),
}
"""Why sign-ins and API keys were refused, and why data was deleted."""


class Reader(NamedTuple):
    """The person that sentences are written for."""

    language: str
    time_zone: str
    """The clinic's."""
    names: Mapping[tuple[str, str], str]
    """The names of the clinic's team and partner systems, keyed by the audit actor's kind and id."""
    areas: Mapping[str, str]
    """The areas that the application's operations belong to."""


def sentence(entry: AuditEntry, *, subjects: Subjects, reader: Reader) -> str:
    """Return the entry as a sentence, or an empty string if its action has none."""
    language = reader.language
    who = _actor(entry.actor, reader)
    if (pattern := SENTENCES.get(entry.action)) is None:
        return _view(entry, who, subjects, reader)
    what = _subjects(entry, subjects, reader) or (
        who if "{who}" not in pattern else translate(language, "records: {count}", count=len(entry.subjects))
    )
    area = translate(language, reader.areas.get(entry.reason or "", UNKNOWN_AREA))
    text = translate(language, pattern, who=who, what=what, area=area)
    if because := _reason(entry, subjects):
        text = translate(language, "{sentence}, because “{reason}”", sentence=text, reason=because)
    if details := _rules(entry, language) or _outcome(entry, language):
        text = f"{text} ({details})"
    return text


def _actor(actor: AuditActor, reader: Reader) -> str:
    name = reader.names.get((actor.kind, actor.id or ""))
    return name or translate(reader.language, ACTORS.get(actor.kind, actor.kind))


def _view(entry: AuditEntry, who: str, subjects: Subjects, reader: Reader) -> str:
    """Return a sentence about someone who only viewed something."""
    area = reader.areas.get(entry.action)
    if area is None:
        return ""
    language = reader.language
    if what := _subjects(entry, subjects, reader):
        return translate(language, "{who} viewed {area}: {what}", who=who, area=translate(language, area), what=what)
    return translate(language, "{who} viewed {area}", who=who, area=translate(language, area))


def _outcome(entry: AuditEntry, language: str) -> str:
    """Return why a sign-in was refused, or why data was deleted."""
    return translate(language, OUTCOMES[entry.reason]) if entry.reason in OUTCOMES else ""


def _subjects(entry: AuditEntry, subjects: Subjects, reader: Reader) -> str:
    """Return descriptions of what the entry is about, or an empty string if nothing can be described."""
    language = reader.language
    described = [
        text for subject in entry.subjects[:MAX_DESCRIBED] if (text := _describe(subject, subjects, reader)) is not None
    ]
    others = len(entry.subjects) - len(described)
    if described and others and len(entry.subjects) > MAX_DESCRIBED:
        described.append(translate(language, "and {count} more", count=others))
    return "; ".join(described)


def _describe(subject: str, subjects: Subjects, reader: Reader) -> str | None:
    language = reader.language
    if absence := subjects.absences.get(subject):
        doctor = subjects.doctors.get(str(absence.doctor_id)) or translate(language, "Clinic closed")
        return f"{doctor}, {when(absence.start_time, reader.time_zone, language)}"
    if appointment := subjects.appointments.get(subject):
        patient = subjects.patients.get(str(appointment.customer_id)) or translate(language, "an unconfirmed booking")
        return f"{patient}, {when(appointment.start_time, appointment.time_zone, language)}"
    return subjects.patients.get(subject) or subjects.doctors.get(subject) or reader.names.get(("user", subject))


def _reason(entry: AuditEntry, subjects: Subjects) -> str | None:
    """Return why staff cancelled the appointment or overrode a rule, as stored with the appointment."""
    appointment = next((match for each in entry.subjects if (match := subjects.appointments.get(each))), None)
    if appointment is None:
        return None
    if entry.action in GROUPS["cancelled"][1]:
        return appointment.cancel_reason
    return appointment.override_reason if entry.reason and entry.reason.startswith("override") else None


def _rules(entry: AuditEntry, language: str) -> str:
    """Return the rules that the change did not follow."""
    words = (entry.reason or "").replace(",", " ").replace(";", " ").split()
    return ", ".join(translate(language, RULES[word]) for word in dict.fromkeys(words) if word in RULES)


def links(entry: AuditEntry, subjects: Subjects) -> list[UUID]:
    """Return the patients that the entry is about."""
    people = [
        subjects.appointments[each].customer_id if each in subjects.appointments else UUID(each)
        for each in entry.subjects[:MAX_DESCRIBED]
        if each in subjects.appointments or each in subjects.patients
    ]
    return [id for id in dict.fromkeys(people) if str(id) in subjects.patients]
