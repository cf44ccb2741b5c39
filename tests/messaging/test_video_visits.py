"""Calendar entries for video visits lead to the page where the patient joins them."""

import pytest

from appoint.calls.joining import links
from appoint.calls.rooms.repository import reconcile
from support.calls import book_online
from support.notifications import TOMORROW
from support.post import LINKS
from support.world import at


@pytest.mark.parametrize("has_provider", [True, False])
async def test_an_invitation_leads_to_the_join_page_if_there_is_a_call(world, office, post, has_provider):
    appointment = await book_online(world, at(9, day=TOMORROW))
    gateway = "demo" if has_provider else None
    await reconcile(world.db, [(world.clinic, appointment.id)], default_gateway=gateway, now=world.now)
    await office.plan_and_send(world.now)
    (message,) = post.messages
    calendar = message.calendar.replace("\r\n ", "")
    link = f"https://appoint.example/join/{links.code(LINKS.secret, appointment.id)}"
    assert (link in calendar, "CONFERENCE;" in calendar) == (has_provider, has_provider)
    assert "/join/" not in message.subject
