"""Anyone who finds a vulnerability can find out where to report it."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from support.app import client_of, composed, settings

PATH = "/.well-known/security.txt"


async def test_the_operators_contact_is_shown_with_an_expiry_date(db, database_url):
    app = composed(
        database_url, security_contact="mailto:security@appoint.example", public_url="https://appoint.example"
    )
    async with client_of(app) as client:
        response = await client.get(PATH)
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in response.text.splitlines())
    assert fields["Contact"] == "mailto:security@appoint.example"
    assert fields["Canonical"] == f"https://appoint.example{PATH}"
    expires = datetime.strptime(fields["Expires"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert timedelta(days=30) < expires - datetime.now(UTC) < timedelta(days=365)


async def test_without_a_contact_the_file_does_not_exist(client):
    assert (await client.get(PATH)).status_code == 404


@pytest.mark.parametrize("contact", ["security@appoint.example", "http://appoint.example", "mailto:a@b.example\nX: y"])
def test_a_contact_that_is_not_a_safe_address_is_rejected(contact):
    with pytest.raises(ValidationError):
        settings(security_contact=contact)
