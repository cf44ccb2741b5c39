"""The worker's job that exports the audit log's heads."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
import structlog

from ... import audit
from ...audit import service
from ...database.pool import Database
from ...kit.actors import SYSTEM
from ...kit.audit_settings import AuditSettings
from ...kit.ids import PLATFORM
from ...messaging.channels.gateway import Gateway
from ...messaging.channels.model import Channel, Delayed, Message, Undeliverable
from .gateway import ExportError, post, write_file

log = structlog.get_logger()


async def export_heads(
    db: Database, settings: AuditSettings, gateways: Mapping[Channel, Gateway], *, now: datetime
) -> None:
    """Export the signed heads of all chains to every place in the settings. Raise `ExportError` if one fails, after
    trying the others, so that the job is repeated."""
    if not (settings.audit_export_dir or settings.audit_export_email or settings.audit_export_url):
        return
    heads = await service.heads(db)
    text = "".join(msgspec.json.encode(head).decode() + "\n" for head in heads)
    failures: list[str] = []
    for export in (_to_directory, _to_email, _to_url):
        try:
            await export(settings, gateways, text, now)
        except (ExportError, Delayed, Undeliverable) as error:
            log.error("audit heads not exported", place=export.__name__.removeprefix("_to_"), reason=str(error))  # noqa: TRY400
            failures.append(str(error))
    if failures:
        raise ExportError("; ".join(failures))
    actor = msgspec.structs.replace(SYSTEM, operation="exportAuditHeads")
    await audit.record(db, actor, clinic_id=PLATFORM, subjects=[])


async def _to_directory(settings: AuditSettings, _: Mapping[Channel, Gateway], text: str, now: datetime) -> None:
    if settings.audit_export_dir:
        await write_file(settings.audit_export_dir, text, now=now)


async def _to_email(settings: AuditSettings, gateways: Mapping[Channel, Gateway], text: str, now: datetime) -> None:
    if not settings.audit_export_email:
        return
    if "email" not in gateways:
        raise ExportError("APPOINT_AUDIT_EXPORT_EMAIL is set, but no mail server is configured")
    message = Message(
        token=f"audit-heads-{now:%Y%m%dT%H%M%SZ}",
        channel="email",
        to=settings.audit_export_email,
        subject=f"Audit heads, {now:%Y-%m-%d}",
        text=text,
        sender_name="Appoint",
    )
    await gateways["email"].send(message)


async def _to_url(settings: AuditSettings, _: Mapping[Channel, Gateway], text: str, __: datetime) -> None:
    if settings.audit_export_url:
        await post(settings.audit_export_url.get_secret_value(), text)
