"""Messages to send on channels, and their gateways' refusals."""

import pytest

from appoint.messaging.channels.gateway import Gateway
from appoint.messaging.channels.model import Delayed, Message, Undeliverable
from support.gateways import ACCOUNT, SECRET, TextGateway

SENDER = "bookings@appoint.example"
LETTER = Message(
    "letter/1", "email", "ana@example.org", "Your appointment", "See you on Monday.\n", sender_name="Lakeside Clinic"
)
NOTE = Message("note/1", "sms", "+493012345678", "", "See you on Monday.", sender_name="Lakeside Clinic")
INVITATION = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"
SOON = 0.3
"""The timeout in seconds for a server that never responds."""


def sms_url(gateway: TextGateway, secret: str = SECRET) -> str:
    return f"http://{ACCOUNT}:{secret.replace('/', '%2F').replace(' ', '%20')}@{gateway.place}"


def words(content) -> str:
    return content.get_body(("plain",)).get_content().replace("\r\n", "\n")


async def refusal(gateway: Gateway, message: Message) -> tuple[type, str]:
    """Send a message that is refused. Return the type and text of the refusal, after checking that it hides the
    recipient.
    """
    with pytest.raises((Undeliverable, Delayed)) as refused:
        await gateway.send(message)
    assert message.to not in str(refused.value)
    assert (refused.value.__cause__, refused.value.__context__) == (None, None)
    return refused.type, str(refused.value)
