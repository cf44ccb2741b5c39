"""Signatures on the text message provider's delivery reports."""

import base64
import hmac
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit


def secret_of(sms_url: str) -> str:
    """Return the token in `APPOINT_SMS_URL`, which the provider uses to sign its reports."""
    return unquote(urlsplit(sms_url).password or "")


def signature(url: str, parameters: Mapping[str, str], token: str) -> str:
    """Return Twilio's signature for a report, as sent in `X-Twilio-Signature`: an HMAC of the whole URL followed by the
    form's names and values, sorted by name."""
    content = url + "".join(name + parameters[name] for name in sorted(parameters))
    return base64.b64encode(hmac.digest(token.encode(), content.encode("utf-8", "replace"), "sha1")).decode()


def is_signed_by_gateway(url: str, parameters: Mapping[str, str], token: str, received: str) -> bool:
    """Return whether the signature received with a report is the provider's."""
    return bool(token) and hmac.compare_digest(
        signature(url, parameters, token).encode(), received.encode("utf-8", "replace")
    )
