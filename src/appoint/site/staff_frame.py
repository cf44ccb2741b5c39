"""The frame around staff pages: clinic, navigation and signed-in user."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from litestar import Response

from .. import audit
from ..http.languages import language_for
from ..http.request import Request
from ..identity.accounts import staff
from ..kit import errors
from ..kit.i18n import translatable, translate
from ..kit.ids import PLATFORM
from ..kit.permissions import PUBLIC_PERMISSIONS, widest_grant
from .rendering import NO_STORE, render

SETUP: Final = ("setup", translatable("Set up"), "manage")
"""The link to the clinic's set-up, which the navigation contains until a manager hides it."""
NAVIGATION: Final = (
    (
        "",
        (
            ("day", translatable("Day"), "list-appointments"),
            ("week", translatable("Week"), "list-appointments"),
            ("patients", translatable("Patients"), "see-patients"),
            ("absences", translatable("Absences"), "see-absences"),
            ("till", translatable("Till"), "bill"),
            ("invoices", translatable("Invoices"), "bill"),
        ),
    ),
    (
        translatable("Insights"),
        (
            ("numbers", translatable("Reports"), "manage"),
            ("revenue", translatable("Revenue"), "refund"),
            ("payment-differences", translatable("Payment differences"), "refund"),
            ("messages", translatable("Messages"), "see-messages"),
            ("strangers", translatable("Bookings without sign-in"), "review-bookings"),
            ("audit", translatable("Audit log"), "manage-access"),
            ("emergencies", translatable("Emergency access"), "manage-access"),
        ),
    ),
    (
        translatable("Settings"),
        (
            ("clinic", translatable("Clinic"), "manage"),
            ("profile", translatable("Clinic profile"), "manage"),
            ("queue", translatable("Queue"), "run-queue"),
            ("doctors", translatable("Doctors"), "manage"),
            ("types", translatable("Appointment types"), "manage"),
            ("hours", translatable("Working hours"), "schedule"),
            ("payment-rules", translatable("Payment rules"), "manage"),
            ("coupons", translatable("Coupons"), "bill"),
            ("video", translatable("Video visits"), "manage"),
            ("users", translatable("Team"), "manage-access"),
            ("keys", translatable("API keys and webhooks"), "manage-access"),
        ),
    ),
)
"""A clinic's pages by group, each with its path under `/staff/{clinic}`, its label and the permission it needs."""


async def staff_page(
    request: Request,
    template: str,
    *,
    clinic_id: int | None,
    place: str = "",
    status_code: int = 200,
    subjects: Iterable[UUID | str] | None = None,
    **values: Any,
) -> Response[Any]:
    """Render a staff page in its frame. Raise `NotFound` if the clinic does not exist.

    `subjects` are the ids of the non-public records on the page. The audit log records that the user saw them.

    The template receives `clinic` (`id`, `name`, `slug`, `time_zone`, `currency`, `locale`; None on pages without a
    clinic) and `may(permission)`.
    """
    language = language_for(request)
    frame = await staff.get_frame(request.services.db, clinic_id=clinic_id, user_id=request.user.user_id)
    if clinic_id is not None and frame.id is None:
        raise errors.NotFound

    if subjects is not None:
        await audit.record(request.services.db, request.user, clinic_id=clinic_id or PLATFORM, subjects=subjects)

    def may(permission: str, doctor_id: UUID | None = None) -> bool:
        grant = widest_grant(request.user, permission, clinic_id)
        return permission in PUBLIC_PERMISSIONS or (
            grant is not None and (doctor_id is None or grant.doctor_id in (None, doctor_id))
        )

    setup = (("", (SETUP,)),) if frame.in_setup else ()
    navigation = [
        (
            translate(language, group) if group else "",
            [
                (f"/staff/{clinic_id}/{name}", translate(language, label), name == place)
                for name, label, permission in pages
                if may(permission)
            ],
        )
        for group, pages in (*setup, *NAVIGATION)
    ]
    return render(
        request,
        template,
        status_code=status_code,
        cache_control=NO_STORE,
        styles="staff.css",
        clinic_zone=frame.time_zone if clinic_id is not None else values.get("time_zone"),
        clinic=frame if clinic_id is not None else None,
        user_name=frame.user_name or translate(language, "Administrator"),
        navigation=[(group, links) for group, links in navigation if links],
        may=may,
        **values,
    )
