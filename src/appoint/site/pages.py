"""All of the site's pages."""

from typing import Any, Final

from . import api_docs, dev_pages, security_txt
from .public import book, find, manage, my_appointments, reschedule, unsubscribe
from .public import sign_in as patient_sign_in
from .staff import (
    absences,
    api_keys,
    appointment_types,
    audit,
    clinic,
    confirm,
    credentials,
    day,
    doctors,
    hours_changes,
    hours_overview,
    message_templates,
    messages,
    patient,
    patients,
    reports,
    sign_in,
    team,
    webhooks,
    weekly_hours,
)

PAGES: Final[list[Any]] = [
    *api_docs.PAGES,
    *dev_pages.PAGES,
    *security_txt.PAGES,
    *find.PAGES,
    *book.PAGES,
    *manage.PAGES,
    *reschedule.PAGES,
    *unsubscribe.PAGES,
    *my_appointments.PAGES,
    *patient_sign_in.PAGES,
    *credentials.PAGES,
    *sign_in.PAGES,
    *confirm.PAGES,
    *day.PAGES,
    *patients.PAGES,
    *patient.PAGES,
    *absences.PAGES,
    *reports.PAGES,
    *messages.PAGES,
    *message_templates.PAGES,
    *audit.PAGES,
    *clinic.PAGES,
    *doctors.PAGES,
    *appointment_types.PAGES,
    *hours_overview.PAGES,
    *weekly_hours.PAGES,
    *hours_changes.PAGES,
    *team.PAGES,
    *api_keys.PAGES,
    *webhooks.PAGES,
]
