"""Gateways to a mail server and a text message provider, and the development mailbox that stands in for them."""

import asyncio
import ssl
from contextlib import suppress
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import quote, unquote, urlsplit

import aiosmtplib
import httpx2

from ...database.pool import Database
from ...kit import clock
from ...kit.email_addresses import normalize
from ...kit.errors import StartupError
from ...kit.hosts import is_loopback
from ...settings import Settings
from . import repository
from .model import (
    MAIL,
    Channel,
    Delayed,
    Message,
    Undeliverable,
    build_mail,
    sanitize,
    sid_of,
    sms_refusal,
    smtp_refusal,
)


class Gateway(Protocol):
    async def send(self, message: Message) -> str | None:
        """Hand the message to the provider. Return the provider's id for it, if there is one. Raise `Undeliverable` or
        `Delayed`.

        A message may be delivered twice if a connection breaks at the wrong moment, but it is never lost: `Delayed` is
        raised whenever the provider might not have accepted the message, and never when the provider certainly has
        accepted it.
        """
        ...


class ProviderUrl(NamedTuple):
    """The parts of a provider's URL."""

    scheme: str
    host: str
    port: int | None
    user: str
    password: str
    path: str

    @property
    def is_loopback(self) -> bool:
        """Whether the provider runs on this machine, so that traffic to it never crosses a network."""
        return is_loopback(self.host)


def _parse_url(setting: str, url: str, schemes: tuple[str, str], example: str) -> ProviderUrl:
    try:
        parts = urlsplit(url)
        provider = ProviderUrl(
            parts.scheme,
            parts.hostname or "",
            parts.port,
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            parts.path.rstrip("/"),
        )
    except ValueError:
        raise StartupError(f"{setting} is not a URL; it must look like {example}") from None
    if provider.scheme not in schemes or not provider.host or parts.query or parts.fragment:
        raise StartupError(f"{setting} must look like {example}")
    return provider


DATA_TIMEOUT_FACTOR: Final = 20
"""How many times longer to wait for the response to the email itself than for responses to other commands. Ten minutes
is usual (RFC 5321, 4.5.3.2.6): a client that gives up earlier will resend an email that a slow server has already
accepted."""


class _Client(aiosmtplib.SMTP):
    """A client that waits longer for the response to the email itself, no matter which timeout its caller sets."""

    async def data(self, message: str | bytes, /, **_: Any) -> aiosmtplib.SMTPResponse:
        return await super().data(message, timeout=DATA_TIMEOUT_FACTOR * (self.timeout or 0))


class Smtp:
    """A mail server. With the scheme `smtp`, connections switch to TLS (STARTTLS, default port 587); with `smtps`, they
    use it from the start (default port 465).

    The server must offer TLS with a valid certificate, unless it runs on this machine. `without_tls` also allows other
    servers that do not offer TLS.
    """

    def __init__(self, url: str, sender: str, *, seconds: float = 30, without_tls: bool = False) -> None:
        self.server: Final = _parse_url(
            "APPOINT_SMTP_URL",
            url,
            ("smtp", "smtps"),
            "smtp://user:password@host:587 or smtps://user:password@host:465",
        )
        address = normalize(sender)
        if not address or not address.isascii():
            raise StartupError("APPOINT_MAIL_FROM must be an email address, such as appointments@example.org")
        self.sender: Final = address
        self.seconds: Final = seconds
        self.needs_tls: Final = not (without_tls or self.server.is_loopback)
        self.tls: Final = ssl.create_default_context()
        if self.server.is_loopback:
            self.tls.check_hostname = False
            self.tls.verify_mode = ssl.CERT_NONE

    async def send(self, message: Message) -> str | None:
        message = sanitize(message)
        to = normalize(message.to) or ""
        utf8 = not to.isascii()
        mail = build_mail(message, sender=self.sender, now=clock.now()).as_bytes(policy=MAIL.clone(utf8=utf8))
        client = _Client(
            hostname=self.server.host,
            port=self.server.port or (465 if self.server.scheme == "smtps" else 587),
            use_tls=self.server.scheme == "smtps",
            tls_context=self.tls,
            local_hostname=self.sender.rpartition("@")[2],
            timeout=self.seconds,
        )
        try:
            async with asyncio.timeout(self.seconds):
                await client.connect()
                if self.needs_tls and client.get_transport_info("sslcontext") is None:
                    raise Delayed("the mail server does not offer TLS, and Appoint will not send email without it")
                if self.server.user:
                    await client.login(self.server.user, self.server.password)
            await client.sendmail(self.sender, [to], mail, mail_options=["SMTPUTF8", "BODY=8BITMIME"] if utf8 else None)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            refusal = _explain(error)
        else:
            # the server has already accepted the email, so it doesn't matter what it replies now
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=min(self.seconds, 1))
            return None
        finally:
            client.close()
        # raised outside `except`, so that the server's text, which may repeat the address, doesn't become its context
        raise refusal


def _explain(error: Exception) -> Undeliverable | Delayed:
    """Return what an error means for the message. The text is our own, because the server's may repeat the address."""
    match error:
        case aiosmtplib.SMTPRecipientsRefused(recipients=[recipient, *_]):
            return smtp_refusal(recipient.code, recipient.message, "the recipient")
        case aiosmtplib.SMTPDataError():
            return smtp_refusal(error.code, error.message, "the email")
        case aiosmtplib.SMTPNotSupported():
            return Undeliverable("the mail server does not support addresses with non-ASCII letters")
        case aiosmtplib.SMTPSenderRefused():
            return Delayed(f"the mail server refuses the sender address ({error.code})")
        case aiosmtplib.SMTPAuthenticationError():
            return Delayed(f"the mail server rejects the login ({error.code})")
        case aiosmtplib.SMTPResponseException(code=code) if 200 <= code < 600:
            return Delayed(f"the mail server refuses the connection ({code})")
        case aiosmtplib.SMTPResponseException() | UnicodeError():
            return Delayed("the mail server does not speak SMTP")
        case TimeoutError():
            return Delayed("the mail server did not respond in time")
        case _ if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
            return Delayed("the TLS connection to the mail server failed, or its certificate is not valid")
        case aiosmtplib.SMTPConnectError():
            return Delayed("the mail server cannot be reached")
        case OSError():
            return Delayed("the mail server closed the connection")
        case _:
            return Delayed("the mail server does not offer a supported login method")


MAX_RESPONSE_BYTES: Final = 65_536


class Sms:
    """Twilio, or a gateway with the same API. The sender is a number, a name, or a messaging service (`MG…`)."""

    def __init__(self, url: str, sender: str, *, seconds: float = 20) -> None:
        provider = _parse_url("APPOINT_SMS_URL", url, ("https", "http"), "https://account:token@api.twilio.com")
        if not provider.user or not provider.password:
            raise StartupError(
                "APPOINT_SMS_URL must contain an account and a token: https://account:token@api.twilio.com"
            )
        if provider.scheme == "http" and not provider.is_loopback:
            raise StartupError("APPOINT_SMS_URL must be https, because every request contains the token")
        host = f"[{provider.host}]" if ":" in provider.host else provider.host
        base = f"{provider.scheme}://{host}{f':{provider.port}' if provider.port else ''}{provider.path}"
        try:
            self.url: Final = httpx2.URL(f"{base}/2010-04-01/Accounts/{quote(provider.user, safe='')}/Messages.json")
        except httpx2.InvalidURL:
            raise StartupError(
                "APPOINT_SMS_URL is not a URL; it must look like https://account:token@api.twilio.com"
            ) from None
        self.login: Final = (provider.user, provider.password)
        self.sender: Final = {"MessagingServiceSid" if sender.startswith("MG") else "From": sender}
        self.seconds: Final = seconds
        self.tls: Final = httpx2.create_ssl_context()

    async def send(self, message: Message) -> str | None:
        message = sanitize(message)
        form = {"To": message.to, **self.sender, "Body": message.text}
        if message.status_url:
            form["StatusCallback"] = message.status_url
        headers = {"Idempotency-Key": message.token, "Accept": "application/json", "Accept-Encoding": "identity"}
        status, body = 0, b""
        try:
            async with (
                asyncio.timeout(self.seconds),
                httpx2.AsyncClient(auth=self.login, verify=self.tls, timeout=self.seconds) as client,
                client.stream("POST", self.url, data=form, headers=headers) as response,
            ):
                status = response.status_code
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > MAX_RESPONSE_BYTES:
                        break
        except (httpx2.HTTPError, OSError) as error:
            failure = (
                "did not respond in time"
                if isinstance(error, (TimeoutError, httpx2.TimeoutException))
                else "cannot be reached, or does not speak HTTP"
            )
        else:
            failure = None
        if 200 <= status < 300:  # the provider has accepted the message, even if the rest of its response is lost
            return sid_of(body)
        if failure:
            raise Delayed(f"the text message provider {failure}")
        raise sms_refusal(status, body)


class DevMailbox:
    """Saves messages for `/dev/mailbox` instead of sending them. It rejects the same messages that the other gateways
    would reject before contacting a provider."""

    def __init__(self, db: Database) -> None:
        self.db: Final = db

    async def send(self, message: Message) -> str | None:
        await repository.save(self.db, sanitize(message))
        return None


def create_gateways(settings: Settings, db: Database) -> dict[Channel, Gateway]:
    """Return each channel's gateway. A channel without a provider uses the mailbox in development and is absent in
    production. Raise `StartupError` if a provider's settings are unusable."""
    by_channel: dict[Channel, Gateway] = {}
    if settings.mode == "development":
        by_channel = dict.fromkeys(("email", "sms"), DevMailbox(db))
    if settings.smtp_url:
        without_tls = "smtp" in settings.without_tls
        by_channel["email"] = Smtp(settings.smtp_url.get_secret_value(), settings.mail_from, without_tls=without_tls)
    if settings.sms_url:
        by_channel["sms"] = Sms(settings.sms_url.get_secret_value(), settings.sms_from)
    return by_channel
