"""A software authenticator, which creates and uses passkeys like a phone or a security key."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
CREATE, GET = "webauthn.create", "webauthn.get"
PROOF_OPTIONS = "/api/sessions/current/proof/options"
SIGN_IN_OPTIONS = "/api/sessions/passkey/options"


class Authenticator:
    """An authenticator with one passkey. Its attributes can be changed to make it misbehave."""

    def __init__(self, origin: str = "http://testserver.local") -> None:
        self.origin = origin
        self.rp_id = origin.partition("//")[2].partition(":")[0]
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.credential_id = secrets.token_bytes(32)
        self.user_handle = b""
        self.counter = 0
        self.counts = True
        self.flags = PRESENT | VERIFIED
        self.cross_origin = False

    def create(self, options: Any) -> dict[str, str]:
        """Create the passkey. Return what the browser sends."""
        self.user_handle = decode(options["user"]["id"])
        public_key = ES256.from_cryptography_key(self.key.public_key())
        credential = AttestedCredentialData.create(Aaguid.NONE, self.credential_id, public_key)
        data = AuthenticatorData.create(self._rp_hash(), self.flags | ATTESTED, self._count(), credential)
        return {
            "id": encode(self.credential_id),
            "clientDataJSON": encode(self._client_data(CREATE, options["challenge"])),
            "attestationObject": encode(bytes(AttestationObject.create("none", data, {}))),
        }

    def sign(self, options: Any, *, kind: str = GET) -> dict[str, str]:
        """Sign a challenge. Return what the browser sends."""
        data = AuthenticatorData.create(self._rp_hash(), self.flags, self._count())
        client_data = self._client_data(kind, options["challenge"])
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))
        return {
            "id": encode(self.credential_id),
            "clientDataJSON": encode(client_data),
            "authenticatorData": encode(data),
            "signature": encode(signature),
            "userHandle": encode(self.user_handle),
        }

    def _count(self) -> int:
        self.counter += self.counts
        return self.counter

    def _rp_hash(self) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest()

    def _client_data(self, kind: str, challenge: str) -> bytes:
        content = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": self.cross_origin}
        return json.dumps(content).encode()


def encode(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


async def register(client: Any, headers: dict[str, str], authenticator: Authenticator, name: str = "Phone") -> Any:
    """Add a passkey to the account of a signed-in user."""
    begun = (await client.post("/api/account/passkeys/options", headers=headers)).json()
    content = {
        "name": name,
        "challengeToken": begun["challengeToken"],
        "credential": authenticator.create(begun["publicKey"]),
    }
    return await client.post("/api/account/passkeys", json=content, headers=headers)


async def proof(client: Any, authenticator: Authenticator, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """Sign a challenge for signing in, or for proving who the signed-in user is. Like a browser, the client keeps the
    cookie that it gets with a challenge for signing in.
    """
    if headers:
        response = await client.post(PROOF_OPTIONS, headers=headers)
    else:
        response = await client.get(SIGN_IN_OPTIONS)
        client.headers["Cookie"] = response.headers["Set-Cookie"].partition(";")[0]
    begun = response.json()
    return {"challengeToken": begun["challengeToken"], "credential": authenticator.sign(begun["publicKey"])}


async def sign_in_with(client: Any, authenticator: Authenticator) -> Any:
    """Sign in with a passkey."""
    return await client.post("/api/sessions/passkey", json=await proof(client, authenticator))
