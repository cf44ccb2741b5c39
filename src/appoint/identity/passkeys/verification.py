"""Verify what authenticators send (WebAuthn), using the fido2 library. It is imported only when a passkey is used."""

from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from .challenges import decode
from .model import ALGORITHMS, CreatedCredential, RelyingParty, SignedChallenge, StoredPasskey

if TYPE_CHECKING:
    from fido2.webauthn import AuthenticatorData, CollectedClientData

BACKED_UP: Final = 0x10
"""The flag for a passkey that is backed up."""


class NewCredential(NamedTuple):
    credential_id: bytes
    public_key: bytes
    sign_count: int
    synced: bool


class Use(NamedTuple):
    sign_count: int
    synced: bool


def verify_creation(party: RelyingParty, challenge: bytes, created: CreatedCredential) -> NewCredential:
    """Return a new passkey's key. Raise `ValueError` unless the authenticator created it for this challenge, on our
    own pages, for a user whose identity it verified."""
    from fido2 import cbor  # noqa: PLC0415
    from fido2.webauthn import (  # noqa: PLC0415
        AttestationObject,
        AuthenticatorAttestationResponse,
        CollectedClientData,
        RegistrationResponse,
    )

    try:
        response = RegistrationResponse(
            raw_id=decode(created.id),
            response=AuthenticatorAttestationResponse(
                client_data=CollectedClientData(decode(created.client_data)),
                attestation_object=AttestationObject(decode(created.attestation_object)),
            ),
        )
        data = _server(party).register_complete(_state(challenge), response)
        _check_frame(response.response.client_data)
        credential = data.credential_data
    except Exception as error:  # the library raises many kinds of exception for malformed input
        raise ValueError("not a new passkey") from error
    if credential is None or credential.credential_id != response.raw_id:
        raise ValueError("another passkey")
    if credential.public_key.ALGORITHM not in ALGORITHMS:
        raise ValueError("unknown algorithm")
    public_key = cbor.encode(dict(credential.public_key))
    return NewCredential(credential.credential_id, public_key, data.counter, _is_synced(data))


def verify_use(party: RelyingParty, challenge: bytes, passkey: StoredPasskey, signed: SignedChallenge) -> Use:
    """Return the authenticator's counter. Raise `ValueError` unless the passkey's user has signed the challenge on our
    own pages, and the authenticator verified their identity."""
    from fido2 import cbor  # noqa: PLC0415
    from fido2.cose import CoseKey  # noqa: PLC0415
    from fido2.webauthn import (  # noqa: PLC0415
        Aaguid,
        AttestedCredentialData,
        AuthenticationResponse,
        AuthenticatorAssertionResponse,
        AuthenticatorData,
        CollectedClientData,
    )

    try:
        data = AuthenticatorData(decode(signed.authenticator_data))
        response = AuthenticationResponse(
            raw_id=decode(signed.id),
            response=AuthenticatorAssertionResponse(
                client_data=CollectedClientData(decode(signed.client_data)),
                authenticator_data=data,
                signature=decode(signed.signature),
                user_handle=decode(signed.user_handle),
            ),
        )
        key: Any = cast("Any", cbor).decode(passkey.public_key)
        credential = AttestedCredentialData.create(Aaguid.NONE, passkey.credential_id, CoseKey.parse(key))
        _server(party).authenticate_complete(_state(challenge), [credential], response)
        _check_frame(response.response.client_data)
    except Exception as error:  # the library raises many kinds of exception for malformed input
        raise ValueError("not signed with this passkey") from error
    if response.response.user_handle != passkey.user_id.bytes:
        raise ValueError("another user's passkey")
    return Use(data.counter, _is_synced(data))


def _server(party: RelyingParty) -> Any:
    """Return the library's server, untyped because the types of some methods are incomplete."""
    from fido2.server import Fido2Server  # noqa: PLC0415
    from fido2.webauthn import PublicKeyCredentialRpEntity  # noqa: PLC0415

    return Fido2Server(
        PublicKeyCredentialRpEntity(id=party.id, name="Appoint"), verify_origin=lambda origin: origin == party.origin
    )


def _state(challenge: bytes) -> dict[str, str]:
    from fido2.utils import websafe_encode  # noqa: PLC0415

    return {"challenge": websafe_encode(challenge), "user_verification": "required"}


def _check_frame(client_data: "CollectedClientData") -> None:
    if client_data.cross_origin:
        raise ValueError("in another site's frame")


def _is_synced(data: "AuthenticatorData") -> bool:
    return bool(data.flags & BACKED_UP)
