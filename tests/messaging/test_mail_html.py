"""An email's HTML: the appointment at the top, buttons instead of links, and everything that the text says."""

import re

import pytest
from msgspec.structs import replace

from appoint.kit.i18n import LANGUAGES
from appoint.messaging.templates.mail_html import ACCENT, CARD_KINDS, accent_of
from appoint.messaging.templates.model import TemplateKey, TemplateText
from appoint.messaging.templates.placeholders import detail_lines
from appoint.messaging.templates.rendering import render
from support.matrix import for_each
from support.messages import ALL_KEYS, FACTS, MAIL, NINE, Reader

COLON = re.compile(r"\s?:(?= |$)")
LINK = "https://appoint.example/appointments/apm_x"
CHANGEABLE = replace(FACTS, type="Check-up", link=LINK, change_until=NINE, clinic_address="Seestraße 12\n13353 Berlin")


def links(html):
    return re.findall(r'<a href="([^"]+)"[^>]*>\s*([^<]*?)\s*</a>', html)


def mail(kind, facts=CHANGEABLE, language="en"):
    return render(TemplateKey(kind, "email", language), facts)


def test_an_email_starts_with_the_clinic_the_date_and_the_details():
    assert Reader(mail("confirmation").html).texts[:10] == [
        "Lakeside Clinic",
        "Mar",
        "1",
        "Mon",
        "Monday, 1 March 2027",
        "09:00–09:30",
        "Check-up",
        "Dr. Shah",
        "Seestraße 12, 13353 Berlin",
        "Show on map",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", sorted(CARD_KINDS))
def test_the_html_shows_everything_that_the_text_says(kind, language):
    """The card repeats the lines with the details, and buttons replace the lines with links."""
    facts = replace(
        CHANGEABLE, customer_time_zone="Asia/Tokyo", patient="Ben", rebook_url="https://appoint.example/c/1"
    )
    key, rendered = TemplateKey(kind, "email", language), mail(kind, facts, language)
    shown = " ".join(" ".join(Reader(rendered.html).texts).split())
    in_card = set(detail_lines(key, facts).values())
    assert {line for line in in_card if line in rendered.text.splitlines()} == in_card
    for line in rendered.text.splitlines():
        if line in in_card:
            continue
        if line.startswith("https://"):
            assert line in dict(links(rendered.html))
        else:
            assert COLON.sub("", " ".join(line.split())) in COLON.sub("", shown)


@pytest.mark.parametrize("kind", ["confirmation", "moved", "reminder"])
def test_two_buttons_change_the_appointment_and_add_it_to_a_calendar(kind):
    assert links(mail(kind).html)[1:] == [(LINK, "Change or cancel"), (f"{LINK}#calendar", "Add to calendar")]
    assert f"You can reschedule or cancel online until Monday, 1 March 2027, 09:00:\n{LINK}" in mail(kind).text


@pytest.mark.parametrize("kind", ["confirmation", "moved", "reminder"])
@pytest.mark.parametrize("phone", [None, "+493012345678"])
def test_an_email_about_an_appointment_that_cannot_be_changed_does_not_offer_changes(kind, phone):
    rendered = mail(kind, replace(CHANGEABLE, change_until=None, clinic_phone=phone))
    assert (LINK, "View appointment") in links(rendered.html)
    assert not re.search("reschedule or|or cancel", rendered.text + rendered.html)
    assert ("To make a change, call 030 12345678." in rendered.text) == bool(phone)


@pytest.mark.parametrize("kind", ["cancelled", "missed"])
def test_an_email_about_a_cancellation_links_to_booking(kind):
    rendered = mail(kind, replace(CHANGEABLE, rebook_url="https://appoint.example/c/1?doctor=x"))
    assert ("https://appoint.example/c/1?doctor=x", "Book another appointment") in links(rendered.html)
    assert "you can book it online:\nhttps://appoint.example/c/1?doctor=x" in rendered.text
    assert ACCENT in rendered.html  # the button
    assert rendered.html.count("line-through") == (2 if kind == "cancelled" else 0)


def test_the_map_shows_the_address_unless_the_clinic_has_its_own_link_or_the_visit_is_online():
    maps = [
        dict(map(reversed, links(mail("reminder", replace(CHANGEABLE, **facts)).html))).get("Show on map")
        for facts in ({}, {"map_url": "https://maps.example/lakeside"}, {"mode": "online"}, {"clinic_address": None})
    ]
    search = "https://www.openstreetmap.org/search?query=Seestra%C3%9Fe+12%2C+13353+Berlin"
    assert maps == [search, "https://maps.example/lakeside", None, None]


def test_an_email_has_the_clinics_colour_logo_and_site():
    html = mail(
        "confirmation", replace(CHANGEABLE, accent="#7a1f5c", logo_url="https://x/logo", website="https://l.eu")
    )
    assert (ACCENT in html.html, html.html.count("#7a1f5c") > 2) == (False, True)
    assert ("https://l.eu", "https://l.eu") in links(html.html)
    assert '<img src="https://x/logo" alt=""' in html.html


def test_both_the_text_and_the_html_of_an_email_link_to_the_legal_pages():
    pages = {"privacy_url": "https://l.eu/datenschutz", "imprint_url": "https://l.eu/impressum"}
    rendered = mail("confirmation", replace(CHANGEABLE, **pages), "de")
    assert links(rendered.html)[-2:] == [
        ("https://l.eu/datenschutz", "Datenschutzerklärung"),
        ("https://l.eu/impressum", "Impressum"),
    ]
    assert rendered.text.endswith(
        "\n\n-- \nDatenschutzerklärung: https://l.eu/datenschutz\nImpressum: https://l.eu/impressum"
    )


@pytest.mark.parametrize("colour", ["#ffffff", "#ffcc00", "#00ff00", "#767676"])
def test_a_light_colour_is_darkened_until_white_text_is_legible(colour):
    accent = accent_of(replace(FACTS, accent=colour))
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (int(accent[at : at + 2], 16) / 255 for at in (1, 3, 5))
    )
    assert 4.5 <= 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) < 5.3


@pytest.mark.parametrize("kind", ["confirmation", "moved", "reminder"])
def test_an_email_says_what_to_bring(kind):
    assert (
        "\n\nPlease bring or prepare: Your card\n\n" in mail(kind, replace(CHANGEABLE, preparation="Your\ncard")).text
    )


@for_each("key", [key for key in ALL_KEYS if key.channel == "email"])
def test_styles_are_inline_and_nothing_is_loaded(key):
    html = render(key, CHANGEABLE).html
    assert not re.search(r"<style|<link|<script|<img|class=|url\(", html)


@for_each("key", [key for key in ALL_KEYS if key.channel == "email"])
def test_text_has_a_colour_only_on_a_background(key):
    """Dark mode inverts text and backgrounds, but not one without the other."""
    for style in re.findall(r'style="([^"]+)"', render(key, CHANGEABLE).html):
        colours = re.findall(r"(?<![-\w])color: ([^;]+);", style)
        assert not colours or colours[0] in ("inherit", "#ffffff")


def test_a_code_is_shown_in_large_print():
    html = mail("sign-in-code", replace(FACTS, code="314159")).html
    assert re.search(r"font-size: 34px[^>]*>314159<", html)


def test_a_custom_template_keeps_its_text_and_gets_the_card_and_the_buttons():
    own = TemplateText("See you", "Dear {{ customer }},\n\nBring: your card\nParking: behind the house\n\n{{ link }}")
    rendered = render(MAIL, CHANGEABLE, own)
    texts = Reader(rendered.html).texts
    assert texts[4] == "Monday, 1 March 2027"
    assert re.findall(r"<th[^>]*>(.*?)</th>", rendered.html) == ["Bring", "Parking"]
    assert {"Dear Ana Souza,", "your card", "Change or cancel"} <= set(texts)
