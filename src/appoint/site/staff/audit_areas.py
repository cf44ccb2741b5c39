"""The areas of Appoint that audit entries about views and refused access name."""

import re
from collections.abc import Mapping
from typing import Final

from litestar import Litestar
from litestar.routes import HTTPRoute

from ...kit.i18n import translatable

AREAS: Final = (
    (
        re.compile(
            r"/invoices|(?<!/dev)/payments|/paymentPolicy|/refunds|/allocations|/coupons|/ledger|/till|/payment-|/seller|/invoice-details|/revenue|/credit$|/pa(y|id)(/|$)"
        ),
        translatable("invoices and payments"),
    ),
    (re.compile(r"/callSettings|/calls(/|$)|/video$"), translatable("video visits")),
    (re.compile(r"/emergenc"), translatable("emergency access")),
    (re.compile(r"/queue$"), translatable("the queue for visitors")),
    (re.compile(r"/audit"), translatable("the audit log")),
    (re.compile(r"^/api/invariants"), translatable("the nightly data check")),
    (re.compile(r"/stranger"), translatable("appointments booked without signing in")),
    (
        re.compile(r"/absences/rebook|ppointmentsToRebook|/askToRebook"),
        translatable("appointments that need a new time"),
    ),
    (re.compile(r"/export$|^/my/data"), translatable("exported personal data")),
    (re.compile(r"^/my|^/unsubscribe|/wards"), translatable("patients’ own pages")),
    (re.compile(r"/messageTemplates|/messages/words"), translatable("message templates")),
    (re.compile(r"/notification|/messages|^/callbacks"), translatable("messages")),
    (re.compile(r"/webhooks"), translatable("webhooks")),
    (re.compile(r"/keys|/apiKeys"), translatable("the clinic’s API keys")),
    (re.compile(r"/admin-tokens|/adminTokens"), translatable("administrator tokens")),
    (re.compile(r"/absences|/publicHolidays"), translatable("absences and closures")),
    (
        re.compile(r"/hours|[sS]chedule|/slots|/bookingSlots|/createBookingSlots|/timeslots"),
        translatable("working hours"),
    ),
    (re.compile(r"/availability|/freeslots|/nextFreeTimes"), translatable("free times")),
    (re.compile(r"/types|/appointmentTypes"), translatable("appointment types")),
    (re.compile(r"/doctors|^/api/providers"), translatable("doctors")),
    (re.compile(r"/users/sign-in|/signInRules|/users/networks|/staffNetworks"), translatable("sign-in rules")),
    (re.compile(r"^/staff/accounts|^/api/users"), translatable("user accounts")),
    (re.compile(r"/users"), translatable("the team")),
    (re.compile(r"^/api/clinics/\{clinic_id:int\}/customers"), translatable("people registered at other clinics")),
    (re.compile(r"/customers|/patients|/people\.json|/similar"), translatable("patients’ records")),
    (re.compile(r"/numbers"), translatable("reports")),
    (re.compile(r"/day|/board\.json|/changes$|^/staff/\{clinic_id:int\}$"), translatable("the day’s appointments")),
    (re.compile(r"/appointments|/bookings|/book$|/steps|^/a/|^/confirm|^/join"), translatable("appointments")),
    (
        re.compile(r"/account|/second-factor|^/staff/confirm|^/api/sessions|^/sign-out"),
        translatable("their own account"),
    ),
    (re.compile(r"/sign-in|/signInCodes|/password|/credentials|/openid|^/setup"), translatable("sign-in")),
    (
        re.compile(r"/clinic$|/profile|/setup|/logo|/photo|^/api/clinics/\{clinic_id:int\}$"),
        translatable("the clinic’s settings"),
    ),
    (re.compile(r"^/staff$|^/staff/clinics|^/api/clinics|^/cells"), translatable("clinics")),
    (
        re.compile(
            r"^/$|^/c/|^/embed|^/suggestions|^/images|^/assets|^/problems|^/api/(docs|openapi|languages|specialties)|^/(design|dev)"
        ),
        translatable("public pages"),
    ),
    (re.compile(r"^/(healthz|readyz|metrics)|^/\.well-known"), translatable("the server’s status")),
)
"""Patterns for paths, each with the name of the area. The first match counts."""


def area_at(path: str) -> str | None:
    """Return the name of the area that a route's path belongs to."""
    return next((area for pattern, area in AREAS if pattern.search(path)), None)


def list_areas(app: Litestar) -> Mapping[str, str]:
    """Return the areas of the application's operations."""
    return {
        str(handler.operation_id): area
        for route in app.routes
        if isinstance(route, HTTPRoute) and (area := area_at(route.path))
        for handler in route.route_handlers
        if handler.operation_id
    }
