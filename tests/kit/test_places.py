"""The locations of towns and postal codes."""

import pytest

from appoint.kit import places


@pytest.mark.parametrize(
    ("text", "name", "country"),
    [
        ("Berlin", "Berlin", "DE"),
        ("münchen", "München", "DE"),
        ("Munich", "Munich", "DE"),
        ("10557 Berlin", "10557 Berlin", "DE"),
        ("Boston, US", "Boston", "US"),
        ("Boston, GB", "Boston", "GB"),
        ("Boston, MA", "Boston", "US"),
        ("Springfield, IL", "Springfield, Illinois", "US"),
        ("Springfield, Illinois, US", "Springfield, Illinois", "US"),
        ("Frankfurt", "Frankfurt am Main", "DE"),
        ("SW1A 1AA", "SW1A Westminster Abbey", "GB"),
        ("Potsd", "Potsdam", "DE"),
    ],
)
def test_a_place_is_found_by_its_name_or_postal_code(text, name, country):
    place = places.find(text, countries=["DE"])[0]
    assert (place.name, place.country) == (name, country)


def test_a_postal_code_in_several_countries_is_the_one_where_clinics_are():
    assert places.find("02110", countries=["US"])[0].name == "02110 Boston"
    assert places.find("02110", countries=["MX"])[0].country == "MX"


def test_a_misspelled_town_leads_to_the_right_one():
    assert places.find("Berln") == []
    assert places.find_similar("Berln", countries=["DE"])[0].name == "Berlin"
    assert places.find_similar("Potsdm", countries=["DE"])[0].name == "Potsdam"


@pytest.mark.parametrize(
    ("address", "country", "name"),
    [
        ("Holsteiner Ufer 11, 10557 Berlin", "DE", "10557 Berlin"),
        ("Am See 1\n10115 Berlin", "DE", "10115 Berlin"),
        ("10 Downing Street\nLondon SW1A 2AA", "GB", "SW1A Westminster Abbey"),
        ("Calle Mayor 4, Madrid", "ES", "Madrid"),
    ],
)
def test_an_address_is_located_by_its_postal_code_or_town(address, country, name):
    assert places.locate(address, country).name == name


def test_an_address_without_a_known_place_has_no_location():
    assert places.locate("At the end of the world", "DE") is None
    assert places.locate("10115 Berlin", None) is None


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("Frankfurt", ["Frankfurt (Oder)"]),
        ("Springfield", ["Springfield, Massachusetts", "Springfield, Illinois"]),
        ("Springfield, IL", []),
        ("Springfield, Illinois", []),
        ("10557", []),
        ("Potsdam", []),
    ],
)
def test_a_name_that_several_towns_share_can_mean_each_of_them(text, others):
    countries = ["DE"] if text == "Potsdam" else ["DE", "US"]
    place = places.find(text, countries=countries)[0]
    assert [each.name for each in places.find_namesakes(place, text, countries=countries)][:2] == others


@pytest.mark.parametrize(
    ("text", "name"),
    [("ber", "Berlin"), ("mün", "München"), ("munic", "Munich"), ("1055", "10551 Berlin"), ("be", None)],
)
def test_places_are_suggested_by_how_they_begin(text, name):
    suggested = places.find_beginning(text, countries=["DE"], limit=1)
    assert [each.name for each in suggested] == ([name] if name else [])


def test_only_whole_names_and_codes_name_a_place():
    for text, names in (("Berlin", ["Berlin"]), ("10557 Berlin", ["10557 Berlin"]), ("Berli", []), ("Arzt 10557", [])):
        assert [each.name for each in places.find_named(text, countries=["DE"])] == names, text


@pytest.mark.parametrize("text", ["", "x", "\ud7ff", "0", " ", "9" * 200, "a " * 100])
def test_any_text_can_be_searched(text):
    assert places.find(text) == []
    assert places.find_similar(text) == []
    assert places.find_named(text, countries=["DE"]) == []
    assert places.find_beginning(text, countries=["DE"], limit=5) == []
