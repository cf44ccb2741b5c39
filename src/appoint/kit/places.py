"""A gazetteer, which finds towns and postal codes in data from GeoNames, without asking another server.

`scripts/places.py` creates the file. Each line is a key, a name, a country, a latitude, a longitude, a population and a
kind: `t` for a town's main name, which is English for large ones, `l` for its local name, `a` for any other name, and
`c` for a postal code. The lines are sorted, so that a lookup reads only a few of them.
"""

import mmap
import re
import unicodedata
from collections.abc import Collection, Iterator
from functools import cache
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from typing import Final, NamedTuple

from phonenumbers import SUPPORTED_REGIONS

FILE: Final = Path(__file__).with_name("places.tsv")
MAX_TEXT: Final = 100
MIN_KEY: Final = 2
MAX_MATCHES: Final = 500
"""The maximum number of lines that a lookup compares."""
MAX_SIMILAR_LINES: Final = 8000
MIN_BEGINNING: Final = 3
MAX_BEGINNING_LINES: Final = 2000
"""The maximum number of lines that suggestions compare. It takes a few milliseconds."""
MIN_SIMILARITY: Final = 0.55
MIN_CODE: Final = 3
MAX_CODE: Final = 8
MAX_CODE_WORDS: Final = 2
MAX_WORDS: Final = 4
"""In the name of a town in an address."""
SAME_PLACE_KM: Final = 30
"""Places with similar names within this distance are usually the same one, such as a city and its districts."""
MUCH_LARGER: Final = 50
"""How many times as large a town is that hardly anyone confuses with another one."""
EARTH_DIAMETER_KM: Final = 12742
PREFERENCE: Final = "catl"
"""The kinds of names for a position, from the least to the most preferred."""
KM_PER_MILE: Final = 1.609344
COUNTRIES_WITH_MILES: Final = frozenset({"GB", "US", "LR"})
TAB: Final = b"\t"
TRANSLATION: Final = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i"})


class Place(NamedTuple):
    name: str
    """A town's name, or a postal code with the town."""
    country: str
    latitude: float
    longitude: float
    population: int = 0
    """0 for postal codes."""
    kind: str = "t"

    @property
    def uses_miles(self) -> bool:
        return self.country in COUNTRIES_WITH_MILES

    def km_to(self, other: "Place") -> float:
        """Return the distance as the crow flies."""
        north, east = radians(other.latitude - self.latitude), radians(other.longitude - self.longitude)
        narrowing = cos(radians(self.latitude)) * cos(radians(other.latitude))
        return EARTH_DIAMETER_KM * asin(min(1, sqrt(sin(north / 2) ** 2 + narrowing * sin(east / 2) ** 2)))


def find(text: str, *, countries: Collection[str] = (), home: str | None = None) -> list[Place]:
    """Return the places with this name or postal code, most likely first: large ones, those in `countries`, and postal
    codes in the country `home`.

    The text can contain both, in either order, and a country code: “10557 Berlin” or “Boston, US”. If no place has the
    name, return those whose names begin with it.
    """
    words, country = _words_and_country(text)
    key = " ".join(words)
    if len(key) < MIN_KEY:
        return []
    if country and (matches := list(_lines(f"{key} {country.lower()}\t"))):  # “Springfield, IL”, which is not in Israel
        return _ranked(matches, countries, home)
    matches = _with_code(words, None) or list(_lines(f"{key}\t")) or list(_lines(key))
    if country:
        matches = [place for place in matches if place.country == country] or matches
    return _ranked(matches, countries, home)


def find_named(text: str, *, countries: Collection[str], home: str | None = None) -> list[Place]:
    """Return the places in these countries with exactly this name or postal code, or with both, most likely first."""
    words = folded(text[:MAX_TEXT]).split()
    if len(" ".join(words)) < MIN_KEY:
        return []
    matches = _with_code(["".join(words)], None) if len(words) <= MAX_CODE_WORDS else []
    matches = matches or list(_lines(f"{' '.join(words)}\t"))
    if len(words) > 1 and not matches and any(_lines(f"{' '.join(words[1:])}\t")):
        matches = _with_code(words[:1], None)
    return _ranked([place for place in matches if place.country in countries], countries, home)


def find_namesakes(place: Place, text: str, *, countries: Collection[str]) -> list[Place]:
    """Return other towns in these countries that the text could mean, such as Frankfurt (Oder) for “Frankfurt”."""
    words, country = _words_and_country(text)
    key = " ".join(words)
    if len(key) < MIN_KEY or not place.population:
        return []
    if country and any(_lines(f"{key} {country.lower()}\t")):
        return []
    towns = [each for ending in ("\t", " ") for each in _lines(key + ending) if each.population]
    possible = [each for each in towns if each.country in ([country] if country else countries)]
    others = [each for each in _ranked(possible, ()) if each.population * MUCH_LARGER > place.population]
    return [each for each in others if each.km_to(place) > SAME_PLACE_KM]


def find_beginning(text: str, *, countries: Collection[str], limit: int, home: str | None = None) -> list[Place]:
    """Return places in these countries whose names or postal codes begin with the text: towns first, large ones and
    those in the country `home` before others.
    """
    key = folded(text[:MAX_TEXT])
    if len(key) < MIN_BEGINNING:
        return []
    towns: list[Place] = []
    codes: list[Place] = []
    for line in _raw_lines(key, MAX_BEGINNING_LINES):
        place = _place(line)
        if place.country not in countries:
            continue
        if place.kind in "tl":
            towns.append(place)
        elif place.kind == "c":
            codes.append(place._replace(name=f"{line.partition(TAB)[0].decode().upper()} {place.name}"))
    matches = [*_ranked(towns, (home,)), *sorted(codes, key=lambda place: place.country != home)]
    return list({(place.name, place.country): place for place in reversed(matches)}.values())[::-1][:limit]


def _words_and_country(text: str) -> tuple[list[str], str | None]:
    """Return the words that name a place, and the code of the country if the text ends with one."""
    words = folded(text[:MAX_TEXT]).split()
    if len(words) > 1 and words[-1].upper() in SUPPORTED_REGIONS:
        return words[:-1], words[-1].upper()
    return words, None


def _ranked(matches: list[Place], countries: Collection[str | None], home: str | None = None) -> list[Place]:
    """Return one place for each position, most likely first."""
    by_position = {
        (place.country, round(place.latitude, 1), round(place.longitude, 1)): place
        for place in sorted(matches, key=lambda place: (place.population, PREFERENCE.index(place.kind)))
    }
    return sorted(by_position.values(), key=lambda place: (_rank(place, countries), place.country != home))


def _rank(place: Place, countries: Collection[str | None]) -> tuple[int, bool]:
    """Return what to sort by. A town in the given countries counts as if it were ten times as large."""
    is_likely = place.country in countries
    return -place.population * (10 if is_likely else 1), not is_likely


def find_similar(text: str, *, countries: Collection[str] = (), limit: int = 3) -> list[Place]:
    """Return towns whose names are spelled similarly, the most similar first. They share the first two letters."""
    key = folded(text[:MAX_TEXT])
    if len(key) <= MIN_KEY:
        return []
    pairs, best = _pairs(key), dict[tuple[str, float, float], tuple[float, Place]]()
    for line in _raw_lines(key[:2], MAX_SIMILAR_LINES):
        length = line.index(b"\t")
        if abs(length - len(key)) <= 2 and not line.endswith(b"\tc"):
            other = _pairs(line[:length].decode())
            similarity = 2 * len(pairs & other) / (len(pairs) + len(other))
            place = _place(line)
            spot = (place.country, place.latitude, place.longitude)
            is_best = similarity >= MIN_SIMILARITY and similarity > best.get(spot, (0,))[0]
            if is_best and (not countries or place.country in countries):
                best[spot] = (similarity, place)
    ranked = sorted(best.values(), key=lambda each: (-round(each[0], 1), -each[1].population))
    return [place for _, place in ranked[:limit]]


def locate(address: str, country: str | None) -> Place | None:
    """Return where an address in the country is, by its postal code or else by its town, or None."""
    if country is None:
        return None
    parts = [folded(part).split() for part in reversed(re.split(r"[\n,;]", address[-500:]))]
    for words in parts:
        if codes := _with_code(words, country):
            return codes[0]
    for words in parts:
        names = (" ".join(words[start : start + size]) for size in range(MAX_WORDS, 0, -1)
                 for start in range(len(words) - size + 1))  # fmt: skip
        for name in names:
            towns = [place for place in _lines(f"{name}\t") if place.country == country and place.population]
            if towns:
                return max(towns, key=lambda place: place.population)
    return None


def folded(text: str) -> str:
    """Return the words in lower case, without accents or punctuation."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(TRANSLATION))
    letters = (each if each.isalnum() else " " for each in plain if not unicodedata.combining(each))
    return " ".join("".join(letters).split())


def _with_code(words: list[str], country: str | None) -> list[Place]:
    """Return the places whose postal code is among the words. A postal code can consist of two words, and can end with
    characters that the gazetteer leaves out, as in “SW1A 1AA”."""
    for index, word in enumerate(words):
        for code in (word + "".join(words[index + 1 : index + 2]), word):
            if MIN_CODE <= len(code) <= MAX_CODE and re.search("[0-9]", code):
                for size in range(len(code), MIN_CODE - 1, -1):
                    places = [
                        place._replace(name=f"{code[:size].upper()} {place.name.partition(' (')[0]}")
                        for place in _lines(f"{code[:size]}\t")
                        if country in (None, place.country) and (size == len(code) or not code.isdecimal())
                    ]
                    if places and re.search("[0-9]", code[:size]):
                        return places
    return []


def _pairs(text: str) -> set[str]:
    padded = f" {text} "
    return {padded[index : index + 2] for index in range(len(padded) - 1)}


def _lines(prefix: str) -> Iterator[Place]:
    return map(_place, _raw_lines(prefix, MAX_MATCHES))


def _place(line: bytes) -> Place:
    _, name, country, latitude, longitude, population, kind = line.decode().split("\t")
    return Place(name, country, float(latitude), float(longitude), int(population), kind)


def _raw_lines(prefix: str, limit: int) -> Iterator[bytes]:
    """Yield the lines that start with the prefix, at most `limit`."""
    file, start = _file(), _position(prefix.encode())
    for _ in range(limit):
        end = file.find(b"\n", start)
        if end < 0 or not (line := file[start:end]).startswith(prefix.encode()):
            return
        yield line
        start = end + 1


def _position(prefix: bytes) -> int:
    """Return the position of the first line that does not sort before the prefix."""
    file, low, high = _file(), 0, len(_file())
    while low < high:
        middle = (low + high) // 2
        start = file.rfind(b"\n", 0, middle) + 1
        end = file.find(b"\n", middle)
        if file[start:end] < prefix:
            low = end + 1
        else:
            high = start
    return low


@cache
def _file() -> mmap.mmap:
    with FILE.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
