"""The people in the demo worlds. None of them exists: their addresses are in domains reserved for examples, and their
phone numbers in ranges reserved for fiction."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from random import Random
from typing import Final, NamedTuple

from ..kit.fields import Locale


class Household(NamedTuple):
    """People who share an address. `clinics` are the numbers, from 0, of the clinics that they visit."""

    clinics: tuple[int, ...]
    email: str
    phone: str | None
    locale: Locale | None
    members: Sequence[tuple[str, int]]
    """Names and ages. The first member books for the others."""


FAMILIES: Final = (
    Household(
        (0,),
        "weber@example.org",
        "+493023125101",
        "de",
        [("Friederike Weber", 41), ("Björn Weber", 43), ("Mia Weber", 7), ("Jörg-Uwe Weber", 71)],
    ),
    Household(
        (0,),
        "ayse.yildirim@example.com",
        "+493023125102",
        "de",
        [("Ayşe Yıldırım", 36), ("Çağan Yıldırım", 9), ("İpek Yıldırım", 3)],
    ),
    Household((0,), "kovalenko@example.net", "+493023125103", "de", [("Олена Коваленко", 34), ("Тарас Коваленко", 11)]),
    Household(
        (0,), "alhasan@example.org", "+493023125104", "de", [("محمد الحسن", 45), ("ليلى الحسن", 39), ("نور الحسن", 5)]
    ),
    Household(
        (0,), "nguyen.chau@example.com", "+493023125105", "de", [("Nguyễn Thị Minh Châu", 52), ("Nguyễn Đức Anh", 17)]
    ),
    Household((0,), "soren@example.net", "+493023125106", "en", [("Søren Ångström-Bjørk", 29)]),
    Household((0,), "swiecicki@example.org", None, "de", [("Łukasz Święcicki", 58), ("Małgorzata Święcicka", 55)]),
    Household((0, 1), "ana.souza@example.org", "+493023125107", "es", [("Ana Souza", 33)]),
    Household(
        (1,),
        "oneill@example.com",
        "+12125550101",
        "en",
        [("Siobhán O’Neill", 47), ("María-José O’Neill", 46), ("Fintan O’Neill", 14)],
    ),
    Household((1,), "wang.fang@example.net", "+12125550102", "en", [("王芳", 38), ("王子轩", 8), ("王雨涵", 6)]),
    Household((1,), "sokolov@example.org", "+12125550103", "en", [("Дмитрий Соколов", 63), ("Вера Соколова", 61)]),
    Household((1,), "pena@example.com", "+12125550104", "es", [("José Luis Peña Núñez", 40), ("Itzel Peña", 12)]),
    Household((1,), "haddad@example.net", "+12125550105", "en", [("يوسف حدّاد", 50), ("مريم حدّاد", 48)]),
    Household((1,), "yael@example.org", "+12125550106", "en", [("יעל כהן", 31)]),
    Household((1,), "minjun@example.com", "+12125550107", None, [("김민준", 27), ("佐藤 さくら", 26)]),
    Household((1,), "zoe@example.net", "+12125550108", "en", [("Zoë 🌻 Applegate", 22)]),
    Household(
        (2,),
        "sharma@example.org",
        None,
        "en",
        [("अनन्या शर्मा", 35), ("रोहन शर्मा", 37), ("कमला शर्मा", 68), ("आरव शर्मा", 4)],
    ),
    Household((2,), "mukherjee@example.com", None, "en", [("সুচিত্রা মুখার্জি", 44), ("অর্ণব মুখার্জি", 15)]),
    Household((2,), "khan.fatima@example.net", None, "en", [("فاطمہ خان", 30), ("زارا خان", 2)]),
    Household((2,), "dsouza@example.org", None, "en", [("Priyanka D’Souza", 28), ("Nisha D’Souza", 26)]),
    Household((2,), "raman@example.com", None, "en", [("தமிழ்செல்வி ராமன்", 57)]),
    Household((2, 1), "li.wei@example.net", "+12125550109", "en", [("李伟", 42), ("李娜", 41)]),
)
"""India reserves no phone numbers for fiction, so the families in Kolkata have only email addresses."""

NAMES: Final = {
    "de": (
        "Anna Ben Clara Emil Frieda Gökhan Hannah Jürgen Käthe Lars Merve Paul Renée Tobias Ülkü",
        "Becker Demir Fuchs Groß Hoffmann König Kaya Müller Schröder Şahin Vogel Weiß",
    ),
    "en": (
        "Amelia Brandon Chloë Darnell Esther Finn Grace Imani Jacob Keisha Logan Noor Oscar Priya Quentin",
        "Adams Brooks Chen Diaz Edwards Foster Goldberg Hughes Jackson Kim Lopez Okafor",
    ),
    "es": (
        "Alejandra Begoña Ciro Íñigo Joaquín Lucía Martín Nuria Óscar Ximena",
        "Álvarez Cano Domínguez Ibáñez Muñoz Peña Quiñones Rodríguez Vázquez Zúñiga",
    ),
    "fr": (
        "Aurélie Benoît Chloé Éloïse François Gaël Hélène Maëlle Noël Thérèse",
        "Bélanger Château Dupré Fèvre Lefèbvre Mérimée Pérez Rémy Séguin Traoré",
    ),
    "ru": (
        "Алиса Борис Вера Глеб Дарья Егор Жанна Иван Лидия Павел",
        "Бондаренко Гончаренко Левченко Мельник Олейник Приходько Романенко Шевченко",
    ),
    "ar": ("أحمد بشير جميلة حسن رنا سعاد عمر فاطمة كريم ليلى", "الأحمد الخطيب حداد خليل درويش سلامة عبدالله منصور"),
    "hi": ("अजय आशा दीपक गीता किरण मीरा नवीन पूजा राहुल सुनीता", "अग्रवाल गुप्ता जोशी मिश्रा पटेल राव सिंह वर्मा"),
    "bn": ("অমিত ঋতু দেবাশিস নন্দিনী প্রিয়া রবীন্দ্র শর্মিলা সৌরভ", "ঘোষ চট্টোপাধ্যায় দাস বসু ব্যানার্জি সেন"),
    "zh": ("伟 芳 娜 敏 静 磊 强 洋 艳 杰 雪 明", "王 李 张 刘 陈 杨 黄 赵 周 吴"),
}
"""Given names and family names, by language."""
ADULT_AGES: Final = (20 * 365, 90 * 365)
"""The ages of those who live alone or come first in their household, in days."""
PARTNER_AGES: Final = (18 * 365, 80 * 365)
CHILD_AGES: Final = (60, 17 * 365)
_SPLIT: Final = {language: (given_names.split(), family.split()) for language, (given_names, family) in NAMES.items()}


class Person(NamedTuple):
    name: str
    email: str
    phone: str | None
    birth_date: date


def people(random: Random, languages: Sequence[str], count: int, *, first: int, today: date) -> Iterator[Person]:
    """Yield `count` people, a third of whom live with the previous person. Numbering them from `first` keeps household
    addresses distinct within a world."""
    family, email, phone, language = "", "", None, ""
    for number in range(first, first + count):
        shares = number > first and random.random() < 1 / 3
        if not shares:
            language = random.choice(languages)
            family = random.choice(_SPLIT[language][1])
            email = f"mail{number}@example.{random.choice(('com', 'net', 'org'))}"
            phone = _phone(random, languages) if random.random() < 0.8 else None
        years = ADULT_AGES if not shares else CHILD_AGES if random.random() < 2 / 3 else PARTNER_AGES
        given_name = random.choice(_SPLIT[language][0])
        name = f"{family}{given_name}" if language == "zh" else f"{given_name} {family}"
        yield Person(name, email, phone, today - timedelta(days=random.randrange(*years)))


def _phone(random: Random, languages: Sequence[str]) -> str:
    if "de" in languages:
        return f"+493023125{random.randrange(200, 1000)}"
    return f"+1{random.choice((212, 312, 415, 617, 718))}55501{random.randrange(100):02}"
