"""Audit entries as sentences for practice managers."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from ...audit.model import AuditEntry
from ...kit.i18n import translatable, translate
from ...oversight.audit_trail.service import MAX_DESCRIBED, Subjects
from ..filters import when

SENTENCES: Final[Mapping[str, str]] = {
    "bookAppointment": translatable("{who} booked {what}"),
    "makeBooking": translatable("{who} booked {what}"),
    "bookByForm": translatable("{who} booked {what}"),
    "bookAtDesk": translatable("{who} booked {what}"),
    "confirmAppointment": translatable("{who} confirmed {what}"),
    "confirmBooking": translatable("{who} confirmed {what}"),
    "confirmAppointmentByLink": translatable("{who} confirmed {what}"),
    "confirmBookingByForm": translatable("{who} confirmed {what}"),
    "confirmBookingByLink": translatable("{who} confirmed {what}"),
    "rescheduleAppointment": translatable("{who} rescheduled {what}"),
    "moveAppointments": translatable("{who} rescheduled {what}"),
    "moveAppointmentByLink": translatable("{who} rescheduled {what}"),
    "cancelAppointment": translatable("{who} cancelled {what}"),
    "cancelAppointments": translatable("{who} cancelled {what}"),
    "cancelBooking": translatable("{who} cancelled {what}"),
    "cancelStrangerAppointments": translatable("{who} cancelled {what}"),
    "cancelAppointmentByLink": translatable("{who} cancelled {what}"),
    "expireHold": translatable("{who} released {what} when the hold expired"),
    "undoAppointmentStep": translatable("{who} undid the last change to {what}"),
    "undoStep": translatable("{who} undid the last change to {what}"),
    "arriveAppointment": translatable("{who} marked as arrived: {what}"),
    "unarriveAppointment": translatable("{who} undid the arrival: {what}"),
    "checkInAppointment": translatable("{who} checked in: {what}"),
    "enterRoomForAppointment": translatable("{who} marked as in the room: {what}"),
    "fulfilAppointment": translatable("{who} completed {what}"),
    "noShowAppointment": translatable("{who} marked as no-show: {what}"),
    "patchAppointment": translatable("{who} changed the notes for {what}"),
    "askToRebook": translatable("{who} asked for a new time for {what}"),
    "revokeManageLink": translatable("{who} revoked the link for {what}"),
    "createCustomer": translatable("{who} registered {what}"),
    "replaceCustomer": translatable("{who} changed the details of {what}"),
    "patchCustomer": translatable("{who} changed the details of {what}"),
    "patchPatient": translatable("{who} changed the record of {what}"),
    "createPatient": translatable("{who} registered {what}"),
    "joinPatients": translatable("{who} joined the records of {what}"),
    "separatePatient": translatable("{who} separated the records of {what}"),
    "markAsDifferent": translatable("{who} marked as different people: {what}"),
    "addGuardian": translatable("{who} let one patient book for another: {what}"),
    "removeGuardian": translatable("{who} stopped one patient from booking for another: {what}"),
    "endGuardianship": translatable("{who} ended a patient’s right to book for another: {what}"),
    "eraseCustomer": translatable("{who} erased the data of {what}"),
    "exportCustomer": translatable("{who} exported the data of {what}"),
    "openInEmergency": translatable("{who} opened in an emergency: {what}"),
    "createAbsence": translatable("{who} added an absence: {what}"),
    "patchAbsence": translatable("{who} changed an absence: {what}"),
    "removeAbsence": translatable("{who} removed an absence: {what}"),
    "closeOnPublicHolidays": translatable("{who} closed the clinic on public holidays: {what}"),
    "reopenOnPublicHolidays": translatable("{who} opened the clinic again on public holidays: {what}"),
    "replaceSchedule": translatable("{who} changed the weekly hours of {what}"),
    "changeDoctorsHours": translatable("{who} changed the published hours of {what}"),
    "changeClinicsHours": translatable("{who} changed the clinic’s published hours"),
    "createDoctor": translatable("{who} added {what}"),
    "patchDoctor": translatable("{who} changed the details of {what}"),
    "removeDoctor": translatable("{who} removed {what}"),
    "patchClinic": translatable("{who} changed the clinic’s settings"),
    "inviteUser": translatable("{who} invited {what} to the team"),
    "patchUser": translatable("{who} changed the role of {what}"),
    "removeUser": translatable("{who} removed {what} from the team"),
    "resendNotification": translatable("{who} sent a message again"),
    "signIn": translatable("{what} signed in"),
    "signInByForm": translatable("{what} signed in"),
    "signInByOpenId": translatable("{what} signed in"),
    "signInByOpenIdAndCode": translatable("{what} signed in"),
    "signInByCode": translatable("{what} signed in with a code sent to a corrected address"),
    "signInByCodeForm": translatable("{what} signed in with a code sent to a corrected address"),
}
"""The sentence for each action. Any other action appears by its name."""

GROUPS: Final[Mapping[str, tuple[str, Sequence[str]]]] = {
    "booked": (translatable("Booked"), ("bookAppointment", "makeBooking", "bookByForm", "bookAtDesk")),
    "rescheduled": (
        translatable("Rescheduled"),
        ("rescheduleAppointment", "moveAppointments", "moveAppointmentByLink"),
    ),
    "cancelled": (
        translatable("Cancelled"),
        (
            "cancelAppointment",
            "cancelAppointments",
            "cancelBooking",
            "cancelStrangerAppointments",
            "cancelAppointmentByLink",
        ),
    ),
    "day": (
        translatable("Status changes"),
        (
            "arriveAppointment",
            "unarriveAppointment",
            "checkInAppointment",
            "enterRoomForAppointment",
            "fulfilAppointment",
            "noShowAppointment",
            "undoAppointmentStep",
            "undoStep",
        ),
    ),
    "people": (
        translatable("Patients’ details"),
        (
            "createCustomer",
            "createPatient",
            "replaceCustomer",
            "patchCustomer",
            "patchPatient",
            "joinPatients",
            "separatePatient",
            "markAsDifferent",
            "addGuardian",
            "removeGuardian",
            "endGuardianship",
            "eraseCustomer",
            "exportCustomer",
        ),
    ),
    "hours": (
        translatable("Hours and absences"),
        (
            "createAbsence",
            "patchAbsence",
            "removeAbsence",
            "closeOnPublicHolidays",
            "reopenOnPublicHolidays",
            "replaceSchedule",
            "changeDoctorsHours",
            "changeClinicsHours",
        ),
    ),
}
"""The groups of actions that users can filter by, with their labels."""

RULES: Final[Mapping[str, str]] = {
    "too-soon": translatable("inside the notice period for bookings"),
    "too-late": translatable("inside the notice period for changes"),
    "too-far": translatable("beyond the booking horizon"),
    "outside-hours": translatable("outside working hours"),
    "customer-busy": translatable("at the same time as another appointment"),
    "in-the-past": translatable("recorded afterwards"),
}


class Reader(NamedTuple):
    """The person that sentences are written for."""

    language: str
    time_zone: str
    """The clinic's."""
    names: Mapping[tuple[str, str], str]
    """The names of the clinic's team and partner systems, keyed by the audit actor's kind and id."""


def sentence(entry: AuditEntry, who: str, *, subjects: Subjects, reader: Reader) -> str:
    """Return the entry as a sentence, or an empty string if its action has none."""
    pattern = SENTENCES.get(entry.action)
    if pattern is None:
        return ""
    language = reader.language
    text = translate(language, pattern, who=who, what=_subjects(entry, subjects, reader))
    if because := _reason(entry, subjects):
        text = translate(language, "{sentence}, because “{reason}”", sentence=text, reason=because)
    if rules := _rules(entry, language):
        text = f"{text} ({rules})"
    return text


def _subjects(entry: AuditEntry, subjects: Subjects, reader: Reader) -> str:
    language = reader.language
    described = [
        text for subject in entry.subjects[:MAX_DESCRIBED] if (text := _describe(subject, subjects, reader)) is not None
    ]
    others = len(entry.subjects) - len(described)
    if not described:
        return translate(language, "records: {count}", count=len(entry.subjects))
    if others and len(entry.subjects) > MAX_DESCRIBED:
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
