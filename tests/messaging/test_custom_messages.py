"""Names and custom templates cannot break messages, and templates are used only if they work."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from appoint.kit.errors import NotFound
from appoint.kit.i18n import translate
from appoint.messaging.templates.examples import EXAMPLE
from appoint.messaging.templates.model import (
    PLACEHOLDERS,
    ListedAppointment,
    TemplateKey,
    TemplateText,
    template_key,
)
from appoint.messaging.templates.rendering import find_faults, render
from support.messages import ALL_KEYS, FACTS, MAIL, NINE, SMS, Reader

MARKUP = '<script>alert("x")</script><img src=x onerror=y>&amp;'


def test_html_in_a_name_is_escaped():
    facts = replace(
        FACTS,
        clinic=MARKUP,
        customer=MARKUP,
        doctor=MARKUP,
        type=MARKUP,
        clinic_address=MARKUP,
        appointments=[ListedAppointment(NINE, NINE, MARKUP, MARKUP, MARKUP)],
    )
    allowed = {"html", "head", "meta", "title", "body", "div", "p", "br", "table", "tr", "th", "td", "a"}
    for kind in PLACEHOLDERS:
        reader = Reader(
            render(
                TemplateKey(kind, "email", "en"),
                facts,
                TemplateText("{{ clinic }}", "<b>{{ clinic }}</b>\n\nA: {{ clinic }}\n<i>B</i>: x"),
            ).html
        )
        assert reader.tags <= allowed
        assert Reader(render(TemplateKey(kind, "email", "en"), facts).html).tags <= allowed
        assert f"<b>{MARKUP}</b>" in reader.texts


@pytest.mark.parametrize(
    "name",
    [
        "Ana\r\nBcc: all@example.org",
        "Ana\n\nYour appointment is cancelled.",
        "Ana\u2028\x1b[2J\x85x",
        "Ana\t \x0b\x0cx",
    ],
)
def test_a_name_cannot_insert_lines(name):
    rendered = render(
        MAIL,
        replace(FACTS, customer=name, clinic=name, type=name),
        TemplateText("{{ customer }}", "{{ customer }}|{{ clinic }}|{{ type }}"),
    )
    assert not set(rendered.subject + rendered.text) & set("\n\r\x0b\x0c\x1b\x85\u2028")
    assert rendered.subject == rendered.text.partition("|")[0]


def test_a_subject_is_always_one_line():
    assert (
        render(MAIL, FACTS, TemplateText("A\r\nBcc: b@example.org\n{{ customer }}", "x")).subject
        == "A Bcc: b@example.org Ana Souza"
    )


def test_a_paragraph_of_labelled_lines_becomes_a_table():
    own = TemplateText(
        "x",
        "Please note: come early.\n\nBring: your card\nNot : your dog\n\nBring: this\nand that\n\nAt 9:30\nor 10:00",
    )
    assert re.findall(r"<th[^>]*>(.*?)</th>", render(MAIL, FACTS, own).html) == ["Bring", "Not"]


CUSTOM = TemplateText(
    "Till {{ day }}",
    "Dear {{ customer | upper }},\n{% if type %}\nfor {{ type }}\n{% else %}\nfor a visit\n{% endif %}\n"
    "until {{ when }}",
)


def test_a_custom_template_replaces_the_default():
    rendered = render(MAIL, FACTS, CUSTOM)
    assert (rendered.subject, rendered.fell_back) == ("Till Monday, 1 March 2027", False)
    assert rendered.text == "Dear ANA SOUZA,\nfor a visit\nuntil Monday, 1 March 2027, 09:00–09:30"


def test_a_custom_text_message_is_converted_to_the_gsm_alphabet():
    assert (
        render(SMS, FACTS, TemplateText(None, "“{{ customer }}” – it’s\u00a0soon…")).text
        == '"Ana Souza" - it\'s soon...'
    )


@pytest.mark.parametrize(
    "own",
    [
        TemplateText("x", "{{ forgotten }}"),
        TemplateText("x", "{% for x in customer %}{% endfor %}"),
        TemplateText("x", "{{ customer"),
        TemplateText("x", "{{ type }}"),
        TemplateText("{{ type }}", "x"),
        TemplateText("x", "{{ customer }}" * 20_000),
        TemplateText("{{ customer }}" * 100, "x"),
        TemplateText(None, "x"),
    ],
)
def test_a_custom_template_that_fails_is_replaced_by_the_default(own):
    assert render(MAIL, FACTS, own) == render(MAIL, FACTS)._replace(fell_back=True)


def faults(key, subject, text):
    return [
        (fault.pointer, translate("en", fault.text, **fault.values))
        for fault in find_faults(key, TemplateText(subject, text))
    ]


@pytest.mark.parametrize(
    ("key", "subject", "text", "expected"),
    [
        (MAIL, "x", "y", []),
        (MAIL, None, "y", [("#/subject", "is missing")]),
        (SMS, None, "y", []),
        (SMS, "x", "y", [("#/subject", "must be left out; only emails have a subject")]),
        (
            MAIL,
            " ",
            "{# #}",
            [
                ("#/text", "is empty once its placeholders are filled in"),
                ("#/subject", "is empty once its placeholders are filled in"),
            ],
        ),
        (
            MAIL,
            "{% if %}",
            "a\n{{ before }",
            [
                ("#/subject", "line 1: cannot be read; check that every “{{” and “{%” is closed"),
                ("#/text", "line 2: cannot be read; check that every “{{” and “{%” is closed"),
            ],
        ),
        (
            SMS,
            None,
            "{{ when }}" * 100,
            [("#/text", "is too long once its placeholders are filled in; maximum length: 1000")],
        ),
        (
            MAIL,
            "{{ when }}" * 15,
            "y",
            [("#/subject", "is too long once its placeholders are filled in; maximum length: 500")],
        ),
        (
            TemplateKey("webhook-disabled", "email", "en"),
            "x",
            "{{ customer }}",
            [("#/text", "line 1: “customer” is not a known placeholder; use one of: clinic, webhook")],
        ),
    ],
)
def test_faults_in_a_template_are_found_by_rendering_it(key, subject, text, expected):
    assert faults(key, subject, text) == expected


@pytest.mark.parametrize(
    ("language", "fault"),
    [
        ("de", "Zeile 2: „name“ ist kein bekannter Platzhalter; verfügbar sind: clinic, webhook"),
        ("es", "línea 2: «name» no es un marcador conocido; use uno de estos: clinic, webhook"),
        (
            "fr",
            "ligne 2~: «~name~» n’est pas un champ connu~; champs possibles~: clinic, webhook".replace(
                "~", "\N{NO-BREAK SPACE}"
            ),
        ),
    ],
)
def test_faults_are_translated(language, fault):
    (template_fault,) = find_faults(TemplateKey("webhook-disabled", "email", "en"), TemplateText("x", "\n{{ name }}"))
    assert translate(language, template_fault.text, **template_fault.values) == fault


@pytest.mark.parametrize(
    "address",
    [
        ("greeting", "email", "en"),
        ("reminder-1440", "email", "en"),
        ("reminder", "letter", "en"),
        ("reminder", "email", "la"),
        ("agenda", "sms", "en"),
        ("", "", ""),
    ],
)
def test_an_unknown_message_is_not_found(address):
    with pytest.raises(NotFound):
        template_key(*address)


NAMES = st.text(max_size=200)


@given(clinic=NAMES, customer=NAMES, doctor=NAMES, address=NAMES, kind=st.sampled_from(ALL_KEYS))
def test_every_message_can_be_rendered_with_any_names(clinic, customer, doctor, address, kind):
    facts = replace(EXAMPLE, clinic=clinic, customer=customer, doctor=doctor, clinic_address=address)
    assert render(kind, facts).text
