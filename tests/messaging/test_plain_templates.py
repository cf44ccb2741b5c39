"""Templates without conditions: lines vanish when their placeholders are empty."""

import re

from msgspec.structs import replace

from appoint.kit.i18n import LANGUAGES
from appoint.messaging.templates.examples import EXAMPLE, example_facts
from appoint.messaging.templates.model import TemplateKey, TemplateText, template_key
from appoint.messaging.templates.plain import plain_text
from appoint.messaging.templates.rendering import find_faults, render
from support.matrix import for_each
from support.messages import ALL_KEYS, FACTS, MAIL


def test_a_line_vanishes_if_all_its_placeholders_are_empty():
    own = TemplateText(
        "x", "Dear {{ customer }},\nType: {{ type | upper }}\n{{ type }} {{ doctor }}\nPhone: {{ phone }}"
    )
    assert render(MAIL, FACTS, own).text == "Dear Ana Souza,\n Dr. Shah"


def test_a_line_with_a_condition_stays():
    own = TemplateText("x", "{% if type %}a{% else %}b{% endif %} {{ type }}\nDear {{ customer }}")
    assert render(MAIL, FACTS, own).text == "b\nDear Ana Souza"


@for_each("key", ALL_KEYS)
def test_every_default_has_a_plain_form_that_is_valid(key):
    plain = plain_text(key)
    assert find_faults(key, plain) == []
    assert not re.search(r"\{%|\n\n\n| \n", plain.text + (plain.subject or ""))


def test_the_plain_form_reads_like_the_default():
    for kind in ("confirmation", "moved", "reminder", "missed"):
        for each in (EXAMPLE, FACTS, replace(EXAMPLE, patient="Ben", old_doctor=None)):
            key = template_key(kind, "email", "en")
            facts = replace(
                each,
                customer_time_zone=None,
                link=EXAMPLE.link,
                change_until=EXAMPLE.change_until,
                rebook_url=EXAMPLE.rebook_url,
            )
            assert render(key, facts, plain_text(key)).text == render(key, facts).text


def test_a_text_message_has_its_optional_parts_on_lines_of_their_own():
    plain = plain_text(TemplateKey("reminder", "sms", "en"))
    assert plain.text.splitlines() == [
        "{{ clinic }}: reminder of your appointment with {{ doctor }} on {{ when }}.",
        "For {{ patient }}.",
        "Video visit: {{ join_link }}",
        "{{ link }}",
    ]


def test_the_example_names_are_common_in_the_messages_language():
    names = {(facts.customer, facts.doctor) for facts in (example_facts(each, "Europe/Berlin") for each in LANGUAGES)}
    assert len(names) == len(LANGUAGES)
