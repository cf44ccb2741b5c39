"""Facts for messages, and a reader for their HTML."""

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import product
from typing import get_args

from appoint.kit.i18n import LANGUAGES
from appoint.messaging.channels.model import Channel
from appoint.messaging.templates.model import (
    EMAIL_ONLY,
    PLACEHOLDERS,
    MessageFacts,
    TemplateKey,
)

NINE = datetime(2027, 3, 1, 8, 0, tzinfo=UTC)
"""Monday at nine in Berlin."""
FACTS = MessageFacts(
    clinic="Lakeside Clinic",
    time_zone="Europe/Berlin",
    customer="Ana Souza",
    doctor="Dr. Shah",
    start_time=NINE,
    end_time=NINE + timedelta(minutes=30),
    old_start_time=NINE - timedelta(days=1),
    hold_expires_at=NINE - timedelta(hours=2),
)
ALL_KEYS = [
    TemplateKey(kind, channel, language)
    for kind, channel, language in product(PLACEHOLDERS, get_args(Channel), LANGUAGES)
    if channel == "email" or kind not in EMAIL_ONLY
]
MAIL, SMS = TemplateKey("confirmation", "email", "en"), TemplateKey("confirmation", "sms", "en")


class Reader(HTMLParser):
    """The strings and tags in an email's HTML."""

    def __init__(self, html):
        super().__init__()
        self.texts, self.tags, self.within = [], set(), ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.within = tag

    def handle_data(self, data):
        if data.strip() and self.within != "title":
            self.texts.append(data.strip())
