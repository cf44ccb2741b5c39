"""/api/clinics/{clinicId}/notifications, /api/notifications and customers' notification preferences"""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post, put
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from ...calls.providers.gateway import default_gateway
from ...clinics.clinics import service as clinics
from ...http.forms import MAX_FORM_BYTES
from ...http.pagination import cursor_after
from ...http.request import Request, idempotency_key
from ...http.resources import idempotent_resource, resource_page
from ...http.responses import json_response, replay_headers
from ...http.routes import route
from ...http.url_encoding import parse_pairs
from ...kit import clock, errors
from ...kit.actors import Actor
from ...kit.structs import Page, PageQuery
from ...payments.invoices import service as invoices
from ...payments.invoices.model import Invoice
from ..channels.report_signatures import is_signed_by_gateway, secret_of
from ..channels.service import available_channels
from . import invoice_emails, join_links, service
from .model import Notification, NotificationStatus, Preferences
from .repository import reads

DELIVERED_STATUSES = frozenset({"delivered", "read"})
FAILED_STATUSES = frozenset({"undelivered", "failed"})


class NotificationFilter(PageQuery):
    status: Annotated[NotificationStatus, msgspec.Meta(examples=["dead"])] | None = None
    """Return only notifications with this status."""
    subject_id: Annotated[str, msgspec.Meta(max_length=36)] | None = None
    """Return only notifications about this appointment, doctor or absence."""


class Notifications(Controller):
    """Messages to patients, doctors and staff: one resource per message. Appoint plans them when something happens, and
    a worker sends them. You can resend a dead notification."""

    tags = ["Notifications"]

    @get(
        "/clinics/{clinic_id:int}/notifications", operation_id="listNotifications", opt=route(permission="see-messages")
    )
    async def list(
        self, request: Request, clinic_id: FromPath[int], query: NotificationFilter
    ) -> Response[Page[Notification]]:
        """List a clinic's notifications, oldest first."""
        notifications = await reads.list_for_clinic(
            request.db,
            clinic_id=clinic_id,
            status=query.status,
            subject_id=query.subject_id,
            after=cursor_after(request, query, tuple[UUID]),
            limit=query.limit,
        )
        if not notifications:
            await clinics.get(request.db, clinic_id)
        return resource_page(request, query, notifications)

    @get("/notifications/{notification_id:uuid}", operation_id="getNotification", opt=route(permission="see-messages"))
    async def show(self, request: Request, notification_id: FromPath[UUID]) -> Response[Notification]:
        """Return a notification."""
        return json_response(request, await service.get(request.db, notification_id), subjects=[notification_id])

    @post(
        "/notifications/{notification_id:uuid}/resend",
        operation_id="resendNotification",
        status_code=HTTP_200_OK,
        opt=route(permission="see-messages", problems=("not-resendable",)),
    )
    async def resend(self, request: Request, notification_id: FromPath[UUID]) -> Response[Notification]:
        """Resend a failed or undelivered notification. Outdated notifications are skipped."""
        notification, replayed = await idempotent_resource(
            request,
            None,
            lambda tx: service.resend(tx, request.user, notification_id=notification_id, now=clock.now()),
            service.get,
        )
        return json_response(request, notification, headers=replay_headers(replayed))

    @post(
        "/invoices/{invoice_id:uuid}/send",
        operation_id="sendInvoice",
        status_code=HTTP_200_OK,
        opt=route(permission="bill", problems=("invoice-draft", "landline-only", "no-email-address")),
    )
    async def send_invoice(self, request: Request, invoice_id: FromPath[UUID]) -> Response[Invoice]:
        """Send an issued invoice or credit note to its patient by email, even if it has been sent before. Patients with
        only a mobile number get a text message with the link to the invoice."""
        invoice, replayed = await idempotent_resource(
            request,
            None,
            lambda tx: invoice_emails.send(tx, request.user, invoice_id=invoice_id, now=clock.now()),
            invoices.get,
        )
        return json_response(request, invoice, headers=replay_headers(replayed))

    @post(
        "/appointments/{appointment_id:uuid}/call/sendLink",
        operation_id="sendJoinLink",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(
            permission="run-appointments",
            owned_by="appointment_id",
            problems=("not-a-video-visit", "no-contact-details"),
        ),
    )
    async def send_join_link(self, request: Request, appointment_id: FromPath[UUID]) -> None:
        """Send a video visit's patient the confirmation with their link again."""
        idempotency_key(request)  # a repeat sends nothing while the message is queued, so only check the header
        settings = request.services.settings
        # the recipients include guardians, who need not be patients of the clinic
        await request.services.db.across().atomic(
            join_links.send,
            request.user,
            appointment_id=appointment_id,
            channels=available_channels(settings),
            default_gateway=default_gateway(settings),
            now=clock.now(),
        )

    @get(
        "/customers/{customer_id:uuid}/notificationPreferences",
        operation_id="getNotificationPreferences",
        opt=route(permission="see-customers", owned_by="customer_id"),
    )
    async def preferences(self, request: Request, customer_id: FromPath[UUID]) -> Response[Preferences]:
        """Return the customer's notification preferences by channel: null for channels without a preference."""
        return json_response(request, await service.get_preferences(request.db, customer_id), subjects=[customer_id])

    @put(
        "/customers/{customer_id:uuid}/notificationPreferences",
        operation_id="replaceNotificationPreferences",
        opt=route(permission="change-customers", owned_by="customer_id"),
    )
    async def prefer(
        self, request: Request, customer_id: FromPath[UUID], data: JSONBody[Preferences]
    ) -> Response[Preferences]:
        """Replace the customer's notification preferences."""
        return json_response(
            request,
            await request.db.atomic(
                service.replace_preferences, request.user, customer_id=customer_id, replacement=data
            ),
        )


@post(
    "/callbacks/sms/{notification_id:uuid}",
    operation_id="reportDelivery",
    status_code=HTTP_204_NO_CONTENT,
    opt=route(permission="public", rate_limit="callbacks"),
    request_max_body_size=MAX_FORM_BYTES,
    include_in_schema=False,
)
async def report_delivery(request: Request, notification_id: FromPath[UUID]) -> None:
    """Accept a delivery report for a text message, signed as Twilio signs it. If there is no gateway or no signature,
    refuse the report before reading its body.
    """
    settings, limits = request.services.settings, request.services.limits
    signature = request.headers.get("x-twilio-signature")
    if not settings.sms_url or not signature:
        raise errors.Forbidden
    limits.expect_credential(request.user.address, signature)
    try:
        parameters = dict(parse_pairs(await request.body(), errors="replace"))
    except ValueError:  # it contains more fields than any provider sends
        raise errors.Forbidden from None
    url, secret = f"{settings.links_url}{request.scope['path']}", secret_of(settings.sms_url.get_secret_value())
    if not is_signed_by_gateway(url, parameters, secret, signature):
        limits.note_credential(request.user.address, signature, None)
        raise errors.Forbidden("wrong-signature")
    status = parameters.get("MessageStatus", "")
    if status in DELIVERED_STATUSES | FAILED_STATUSES:
        code = parameters.get("ErrorCode", "")
        reason = (
            None
            if status in DELIVERED_STATUSES
            else f"the provider could not deliver it (code {code})"
            if code.isdecimal()
            else "the provider could not deliver it"
        )
        actor = Actor("gateway", address=request.user.address, operation="reportDelivery")
        await request.db.across().atomic(  # sign-in codes do not belong to a clinic
            service.record_delivery_report,
            actor,
            notification_id=notification_id,
            provider_id=parameters.get("MessageSid", ""),
            arrived=status in DELIVERED_STATUSES,
            reason=reason,
            now=clock.now(),
        )
