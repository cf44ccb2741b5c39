"""Why a provider could not do what Appoint requested: a code for other systems, and a sentence for staff."""

from collections.abc import Mapping
from typing import Final, Literal

from ...kit.i18n import translatable

FailureCode = Literal[
    "not-set-up",
    "no-link",
    "incomplete-settings",
    "insecure-address",
    "invalid-key",
    "public-key",
    "unreadable-settings",
    "not-public",
    "connection-refused",
    "untrusted-certificate",
    "tls-failed",
    "unreachable",
    "timeout",
    "key-refused",
    "too-many-requests",
    "refused",
    "error-response",
    "unexpected-response",
    "room-not-private",
    "no-recordings",
    "internal-error",
]
SENTENCES: Final[Mapping[FailureCode, str]] = {
    "not-set-up": translatable("Video visits are not set up with this provider."),
    "no-link": translatable("There is no fixed link for this doctor or the clinic."),
    "incomplete-settings": translatable("The provider’s address, an ID or the secret is missing in the settings."),
    "insecure-address": translatable("The provider’s address must start with https://."),
    "invalid-key": translatable("The secret is not in the format that the provider uses. Copy all of it again."),
    "public-key": translatable("The secret is a public key. Enter the private key."),
    "unreadable-settings": translatable("The stored secret can’t be decrypted. Enter it again in the settings."),
    "not-public": translatable(
        "The provider’s address does not exist or is not public. Appoint connects to public addresses only."
    ),
    "connection-refused": translatable(
        "The server at this address refuses the connection. Check the address and port."
    ),
    "untrusted-certificate": translatable(
        "The server’s certificate is not valid for this address, or comes from an issuer that Appoint does not trust."
    ),
    "tls-failed": translatable("The server at this address does not accept secure connections (https)."),
    "unreachable": translatable("The provider can’t be reached. Check the address, or try again later."),
    "timeout": translatable("The provider did not respond in time. Try again later."),
    "key-refused": translatable("The provider does not accept the secret. Check it in the settings."),
    "too-many-requests": translatable("The provider is receiving too many requests. Try again in a few minutes."),
    "refused": translatable("The provider refused the request. Check the settings."),
    "error-response": translatable("The provider reported an error. Try again later."),
    "unexpected-response": translatable("The provider’s response is not what Appoint expects. Check the address."),
    "room-not-private": translatable("The provider has a public room with the same name, which is not safe to use."),
    "no-recordings": translatable("The provider does not offer recordings."),
    "internal-error": translatable("Something went wrong in Appoint. See the server’s log for details."),
}


class ProviderFailure(Exception):
    """The provider is unavailable or refuses. Neither the code nor the detail contains addresses or secrets."""

    def __init__(self, code: FailureCode, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code: Final[FailureCode] = code
