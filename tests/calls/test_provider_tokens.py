"""A second library verifies the tokens that admit people to rooms."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from appoint.calls.providers.failures import ProviderFailure
from appoint.calls.providers.jaas import FEATURES, JaasGateway
from appoint.calls.providers.jitsi import JitsiGateway
from appoint.calls.providers.model import Connection, Person, Room

NOW = datetime.now(UTC).replace(microsecond=0)
ROOM = Room("room-of-this-call", UUID(int=1), UUID(int=2), NOW, NOW + timedelta(minutes=30))
PATIENT, HOST = Person("p", "Ana", is_host=False), Person("d", "Dr Shah", is_host=True)
APP = "vpaas-magic-cookie-1fc542a3e4414a44b2611668195e2bfe"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
JAAS = Connection(url="https://8x8.vc", app_id=APP, key_id=f"{APP}/4f4910", secret=PRIVATE)
JITSI = Connection(url="https://meet.example.org/", app_id="lakeside", secret="a secret of at least 32 bytes …")


def read(token: str, key: str, algorithm: str, audience: str) -> dict:
    required = {"require": ["exp", "nbf", "iss", "aud", "sub"]}
    return jwt.decode(token, key, algorithms=[algorithm], audience=audience, options=required)


async def enter(gateway: JitsiGateway, person: Person) -> tuple[str, str]:
    address, _, token = (await gateway.enter(ROOM, person, now=NOW)).partition("?jwt=")
    return address, token


@pytest.mark.parametrize("person", [PATIENT, HOST])
async def test_a_token_for_8x8_is_for_one_room_and_only_the_doctor_moderates(person):
    address, token = await enter(JaasGateway(JAAS), person)
    assert address == f"https://8x8.vc/{APP}/{ROOM.name}"
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "kid": f"{APP}/4f4910", "typ": "JWT"}
    claims = read(token, PUBLIC, "RS256", "jitsi")
    assert (claims["iss"], claims["sub"], claims["room"]) == ("chat", APP, ROOM.name)
    assert (claims["nbf"], claims["exp"]) == (NOW.timestamp() - 60, ROOM.closes_at.timestamp())
    assert claims["context"]["user"]["moderator"] == ("true" if person.is_host else "false")
    assert claims["context"]["features"] == dict.fromkeys(FEATURES, "false")


@pytest.mark.parametrize("person", [PATIENT, HOST])
async def test_a_token_for_jitsi_is_for_one_room_and_only_the_doctor_moderates(person):
    _, token = await enter(JitsiGateway(JITSI), person)
    claims = read(token, JITSI.secret, "HS256", "lakeside")
    assert (claims["sub"], claims["room"]) == ("meet.example.org", ROOM.name)
    assert (claims["nbf"], claims["exp"]) == (NOW.timestamp() - 60, ROOM.closes_at.timestamp())
    assert claims["context"]["user"]["moderator"] == ("true" if person.is_host else "false")


async def test_a_token_expires_when_the_call_closes():
    over = ROOM._replace(starts_at=NOW - timedelta(hours=2), ends_at=NOW - timedelta(minutes=31))
    with pytest.raises(jwt.ExpiredSignatureError):
        read(JaasGateway(JAAS).token(over, PATIENT, now=NOW), PUBLIC, "RS256", "jitsi")


async def test_a_token_signed_with_another_key_is_refused():
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    token = JaasGateway(Connection(url="", app_id=APP, key_id="k", secret=pem)).token(ROOM, PATIENT, now=NOW)
    with pytest.raises(jwt.InvalidSignatureError):
        read(token, PUBLIC, "RS256", "jitsi")


@pytest.mark.parametrize(
    "change", [{"app_id": ""}, {"key_id": ""}, {"secret": ""}, {"secret": "not a key"}, {"secret": PUBLIC}]
)
async def test_8x8_needs_a_complete_connection_with_a_private_key(change):
    fields = {name: getattr(JAAS, name) for name in ("url", "app_id", "key_id", "secret")}
    with pytest.raises(ProviderFailure):
        await JaasGateway(Connection(**fields | change)).make(ROOM)
    await JaasGateway(JAAS).make(ROOM)


async def test_a_private_key_works_without_its_line_breaks():
    secret = PRIVATE.replace("\n", "")
    await JaasGateway(Connection(url="", app_id=APP, key_id="k", secret=secret)).make(ROOM)
