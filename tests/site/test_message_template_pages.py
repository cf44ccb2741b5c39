"""Managers edit the text of every kind of message."""

import re
from typing import get_args

from appoint.messaging.templates.model import PLACEHOLDERS, Kind
from support.app import ADMIN
from support.world import create_clinic


async def test_every_placeholder_of_a_message_can_be_inserted(client):
    await create_clinic(client)
    for kind in get_args(Kind):
        page = await client.get(f"/staff/1/messages/words/{kind}/email/en", headers=ADMIN)
        assert page.status_code == 200
        assert re.findall(r'data-inserts="\{\{ (\w+) \}\}"', page.text) == list(PLACEHOLDERS[kind])
