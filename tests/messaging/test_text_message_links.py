"""Text messages contain a short link, so that they fit into one part."""

from uuid import UUID

from appoint.booking import links
from support.notifications import NEXT_WEEK
from support.post import LINKS
from support.transitions import cancel
from support.world import at

PART_LENGTH = 160


async def test_a_confirmation_with_its_link_fits_into_one_text_message(world, office, post):
    appointment = await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ben)
    await office.plan_and_send(world.now)
    (message,) = post.messages
    code = message.text.rpartition(f"{LINKS.public_url}/a/")[2]
    assert links.token_of_code(LINKS.secret, code) == links.token(LINKS.secret, UUID(str(appointment.id)))
    assert len(message.text) <= PART_LENGTH


async def test_a_text_message_about_a_cancellation_links_to_booking(world, office, post):
    appointment = await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ben)
    await office.plan_and_send(world.now)
    await cancel(world, appointment)
    await office.plan_and_send(world.now)
    assert f"To book again: {LINKS.public_url}/c/{world.clinic}" in post.messages[-1].text
