"""The ways out: a mail server, a gateway for text messages, and the mailbox of development where there is neither."""

import asyncio
import base64
import hmac
import ipaddress
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import quote, unquote, urlsplit

import aiosmtplib
import httpx2

from ...database.pool import Database
from ...kit import clock
from ...kit.errors import StartupError
from ...settings import Settings
from . import repository
from .model import (
    MAIL,
    Channel,
    Delayed,
    Message,
    Undeliverable,
    mail,
    mailbox,
    ready,
    sid_of,
    sms_refusal,
    smtp_refusal,
)


class Gateway(Protocol):
    async def send(self, message: Message) -> str | None:
        """Hand the message over. Returns the provider's id of it, if it gives one; raises `Undeliverable` and
        `Delayed`.

        A message may be delivered twice when a connection breaks at the wrong moment, never lost: what was taken is not
        reported as delayed, and what may not have been taken is.
        """
        ...


class Place(NamedTuple):
    """A provider's address, taken apart."""

    scheme: str
    host: str
    port: int | None
    user: str
    password: str
    path: str

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine itself, where nobody listens in."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def _place(setting: str, url: str, schemes: tuple[str, str], example: str) -> Place:
    try:
        parts = urlsplit(url)
        place = Place(
            parts.scheme,
            parts.hostname or "",
            parts.port,
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            parts.path.rstrip("/"),
        )
    except ValueError:
        raise StartupError(f"{setting} is not a URL; it must look like {example}") from None
    if place.scheme not in schemes or not place.host or parts.query or parts.fragment:
        raise StartupError(f"{setting} must look like {example}")
    return place


PATIENCE: Final = 20
"""How much longer than any other answer the one to the mail itself may take. Ten minutes are usual (RFC 5321,
4.5.3.2.6): who gives up earlier sends once more what a slow server has taken."""


class _Client(aiosmtplib.SMTP):
    async def data(self, message: str | bytes, /, *, timeout: Any = None) -> aiosmtplib.SMTPResponse:  # noqa: ASYNC109  the library's signature
        return await super().data(message, timeout=PATIENCE * (self.timeout or 0))


class Smtp:
    """A mail server. `smtp` uses TLS when the server offers it (STARTTLS; port 587 unless the URL says another),
    `smtps` from the start (465).

    A certificate must be valid, but for a server on this machine.
    """

    def __init__(self, url: str, sender: str, *, seconds: float = 30) -> None:
        self.place: Final = _place(
            "APPOINT_SMTP_URL",
            url,
            ("smtp", "smtps"),
            "smtp://user:password@host:587 or smtps://user:password@host:465",
        )
        address = mailbox(sender)
        if not address or not address.isascii():
            raise StartupError("APPOINT_MAIL_FROM must be an e-mail address, such as appointments@example.org")
        self.sender: Final = address
        self.seconds: Final = seconds
        self.tls: Final = ssl.create_default_context()
        if self.place.is_loopback:
            self.tls.check_hostname = False
            self.tls.verify_mode = ssl.CERT_NONE

    async def send(self, message: Message) -> str | None:
        message = ready(message)
        to = mailbox(message.to) or ""
        utf8 = not to.isascii()
        written = mail(message, sender=self.sender, now=clock.now()).as_bytes(policy=MAIL.clone(utf8=utf8))
        server = _Client(
            hostname=self.place.host,
            port=self.place.port or (465 if self.place.scheme == "smtps" else 587),
            use_tls=self.place.scheme == "smtps",
            tls_context=self.tls,
            local_hostname=self.sender.rpartition("@")[2],
            timeout=self.seconds,
        )
        try:
            async with asyncio.timeout(self.seconds):
                await server.connect()
                await self._log_in(server)
            await server.sendmail(
                self.sender, [to], written, mail_options=["SMTPUTF8", "BODY=8BITMIME"] if utf8 else None
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            refusal = _refusal(error)
        else:
            with suppress(aiosmtplib.SMTPException, OSError):  # it has the mail, whatever it says now
                await server.quit(timeout=min(self.seconds, 1))
            return None
        finally:
            server.close()
        raise refusal  # not where the server's words, which may repeat the address, would be its context

    async def _log_in(self, server: aiosmtplib.SMTP) -> None:
        if not self.place.user:
            return
        if not self.place.is_loopback and server.get_transport_info("sslcontext") is None:
            raise Delayed("the mail server offers no TLS, and our password does not leave without")
        await server.login(self.place.user, self.place.password)


def _refusal(error: Exception) -> Undeliverable | Delayed:
    """What an error means for the message, in words of our own: the server's may repeat the address."""
    match error:
        case aiosmtplib.SMTPRecipientsRefused(recipients=[refused, *_]):
            return smtp_refusal(refused.code, refused.message, "the recipient")
        case aiosmtplib.SMTPDataError():
            return smtp_refusal(error.code, error.message, "the mail")
        case aiosmtplib.SMTPNotSupported():
            return Undeliverable("the mail server takes no addresses with letters beyond ASCII")
        case aiosmtplib.SMTPSenderRefused():
            return Delayed(f"the mail server refuses our own address ({error.code})")
        case aiosmtplib.SMTPAuthenticationError():
            return Delayed(f"the mail server refuses our login ({error.code})")
        case aiosmtplib.SMTPResponseException(code=code) if 200 <= code < 600:
            return Delayed(f"the mail server does not talk to us ({code})")
        case aiosmtplib.SMTPResponseException() | UnicodeError():
            return Delayed("the mail server does not speak SMTP")
        case TimeoutError():
            return Delayed("the mail server takes too long")
        case _ if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
            return Delayed("TLS with the mail server fails, or its certificate is not valid")
        case aiosmtplib.SMTPConnectError():
            return Delayed("the mail server cannot be reached")
        case OSError():
            return Delayed("the mail server has closed the connection")
        case _:
            return Delayed("the mail server offers no login, or none that we know")


LARGEST_ANSWER: Final = 65_536


class Sms:
    """Twilio, or a gateway that speaks as it does. The sender is a number, a name, or a messaging service (`MG…`)."""

    def __init__(self, url: str, sender: str, *, seconds: float = 20) -> None:
        place = _place("APPOINT_SMS_URL", url, ("https", "http"), "https://account:token@api.twilio.com")
        if not place.user or not place.password:
            raise StartupError("APPOINT_SMS_URL must have an account and a token: https://account:token@api.twilio.com")
        if place.scheme == "http" and not place.is_loopback:
            raise StartupError("APPOINT_SMS_URL must be https, for the token is in every request")
        host = f"[{place.host}]" if ":" in place.host else place.host
        base = f"{place.scheme}://{host}{f':{place.port}' if place.port else ''}{place.path}"
        try:
            self.url: Final = httpx2.URL(f"{base}/2010-04-01/Accounts/{quote(place.user, safe='')}/Messages.json")
        except httpx2.InvalidURL:
            raise StartupError(
                "APPOINT_SMS_URL is not a URL; it must look like https://account:token@api.twilio.com"
            ) from None
        self.login: Final = (place.user, place.password)
        self.sender: Final = {"MessagingServiceSid" if sender.startswith("MG") else "From": sender}
        self.seconds: Final = seconds
        self.tls: Final = httpx2.create_ssl_context()

    async def send(self, message: Message) -> str | None:
        message = ready(message)
        form = {"To": message.to, **self.sender, "Body": message.text}
        if message.status_url:
            form["StatusCallback"] = message.status_url
        headers = {"Idempotency-Key": message.token, "Accept": "application/json", "Accept-Encoding": "identity"}
        status, body = 0, b""
        try:
            async with (
                asyncio.timeout(self.seconds),
                httpx2.AsyncClient(auth=self.login, verify=self.tls, timeout=self.seconds) as client,
                client.stream("POST", self.url, data=form, headers=headers) as answer,
            ):
                status = answer.status_code
                async for part in answer.aiter_raw():
                    body += part
                    if len(body) > LARGEST_ANSWER:
                        break
        except (httpx2.HTTPError, OSError) as error:
            failure = (
                "takes too long"
                if isinstance(error, (TimeoutError, httpx2.TimeoutException))
                else "cannot be reached, or does not speak HTTP"
            )
        else:
            failure = None
        if 200 <= status < 300:  # it has the message, however the answer ends
            return sid_of(body)
        if failure:
            raise Delayed(f"the gateway for text messages {failure}")
        raise sms_refusal(status, body)


def secret_of(sms_url: str) -> str:
    """What the gateway signs its reports with: the token of `APPOINT_SMS_URL`."""
    return unquote(urlsplit(sms_url).password or "")


def signature(url: str, parameters: Mapping[str, str], token: str) -> str:
    """Twilio's signature of a report, its header `X-Twilio-Signature`: of the whole URL, and the form's names and
    values in the order of the names."""
    signed = url + "".join(name + parameters[name] for name in sorted(parameters))
    return base64.b64encode(hmac.digest(token.encode(), signed.encode("utf-8", "replace"), "sha1")).decode()


def signed(url: str, parameters: Mapping[str, str], token: str, given: str) -> bool:
    """Whether the signature that came with a report is the gateway's."""
    return bool(token) and hmac.compare_digest(
        signature(url, parameters, token).encode(), given.encode("utf-8", "replace")
    )


class DevMailbox:
    """Keeps what would have been sent, for `/dev/mailbox`; refuses what the others would refuse without asking anybody."""

    def __init__(self, db: Database) -> None:
        self.db: Final = db

    async def send(self, message: Message) -> str | None:
        await repository.keep(self.db, ready(message))
        return None


def gateways(settings: Settings, db: Database) -> dict[Channel, Gateway]:
    """What each channel leaves by. One that has no provider leaves by the mailbox in development, and is not there in
    production. Raises `StartupError`."""
    found: dict[Channel, Gateway] = {}
    if settings.mode == "development":
        found = dict.fromkeys(("email", "sms"), DevMailbox(db))
    if settings.smtp_url:
        found["email"] = Smtp(settings.smtp_url.get_secret_value(), settings.mail_from)
    if settings.sms_url:
        found["sms"] = Sms(settings.sms_url.get_secret_value(), settings.sms_from)
    return found
