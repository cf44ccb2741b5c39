"""What the small world's clinics say about themselves, what patients should bring, and the doctors' titles and
languages."""

from typing import Final, NamedTuple

from ..clinics.clinics.model import OpeningTime, Profile
from ..kit.fields import WEEKDAYS


class Qualifications(NamedTuple):
    title: str
    languages: tuple[str, ...]


def opening_hours(*lines: tuple[str, str]) -> list[OpeningTime]:
    """Return opening hours from pairs of weekdays, such as "monday tuesday", and hours, such as "08:00-12:00"."""
    return [
        OpeningTime(weekday=day, from_=hours[:5], until=hours[6:])
        for days, hours in lines
        for day in WEEKDAYS
        if day in days.split()
    ]


PROFILES: Final = {
    "spreebogen": Profile(
        about=(
            "Hausärzte und Fachärzte unter einem Dach, mitten in Moabit. Wir nehmen uns Zeit, erklären in "
            "Ihrer Sprache und sind auch am Wochenende für Sie da.\n\nBitte bringen Sie zum ersten Termin Ihre "
            "Versichertenkarte und Ihren Medikationsplan mit."
        ),
        directions=(
            "U9 Hansaplatz, von dort fünf Minuten zu Fuß. Der Eingang im Hof ist stufenlos, im Haus gibt es "
            "einen Aufzug."
        ),
        website="https://spreebogen.example.org",
        colour="#1f5fa8",
        opening_hours=opening_hours(
            ("monday tuesday thursday friday", "08:00-12:00"),
            ("monday tuesday thursday", "14:00-18:00"),
            ("wednesday", "08:00-13:00"),
            ("wednesday", "18:00-20:00"),
            ("saturday sunday", "08:30-13:00"),
        ),
        privacy_url="https://spreebogen.example.org/datenschutz",
        imprint_url="https://spreebogen.example.org/impressum",
    ),
    "harbor-street": Profile(
        about=(
            "Primary, specialist and urgent care in the Financial District. Most visits start on time, and you "
            "can reach us seven days a week."
        ),
        directions="Two blocks from Bowling Green (4, 5). Step-free entrance on Harbor Street.",
        website="https://harborstreet.example.com",
        colour="#8a3d12",
        opening_hours=opening_hours(
            ("monday tuesday wednesday thursday", "08:30-21:00"),
            ("friday", "08:30-21:00"),
            ("saturday", "11:00-21:00"),
            ("sunday", "12:00-21:00"),
        ),
        privacy_url="https://harborstreet.example.com/privacy",
        terms_url="https://harborstreet.example.com/terms",
    ),
    "lotus-lane": Profile(
        about="A family clinic near Gariahat. Please bring earlier reports and prescriptions with you.",
        directions="Opposite the post office. The clinic is on the first floor; there is a lift.",
        website="https://lotuslane.example.net",
        colour="#7a2d6b",
        opening_hours=opening_hours(
            ("monday tuesday wednesday thursday friday saturday sunday", "07:00-15:00"),
            ("monday tuesday wednesday thursday friday saturday sunday", "17:00-20:00"),
        ),
        privacy_url="https://lotuslane.example.net/privacy",
    ),
}
"""The clinics' profiles, by slug."""
CREDENTIALS: Final = {
    "Dr. Jana Müller": Qualifications("Fachärztin für Allgemeinmedizin", ("de", "en")),
    "Dr. Tobias Lehmann": Qualifications("Facharzt für Allgemeinmedizin", ("de", "en", "fr")),
    "Dr. Emre Yıldız": Qualifications("Facharzt für Haut- und Geschlechtskrankheiten", ("de", "tr", "en")),
    "Dr. Sofía Ferrer Ruiz": Qualifications("Fachärztin für Kinder- und Jugendmedizin", ("de", "es", "en")),
    "Dr. Aleksandra Wójcik": Qualifications("Fachärztin für Innere Medizin und Kardiologie", ("de", "pl", "en")),
    "Dr. Grace Okafor": Qualifications("MD, family physician", ("en",)),
    "Dr. Daniel Rosenberg": Qualifications("MD, orthopedic surgeon", ("en", "he")),
    "Dr. Mei-Ling Chen (陳美玲)": Qualifications("MD, dermatologist", ("en", "zh")),
    "Dr. Rafael Ortiz": Qualifications("DO, urgent care physician", ("en", "es")),
    "Dr. Hannah Lee": Qualifications("MD, urgent care physician", ("en", "ko")),
    "Dr. Ananya Banerjee": Qualifications("MBBS, family physician", ("bn", "hi", "en")),
    "Dr. Arjun Mehta": Qualifications("DM Cardiology", ("hi", "en", "bn")),
    "Dr. Farhana Rahman": Qualifications("MS ENT", ("bn", "hi", "en")),
    "Dr. Vikram Iyer": Qualifications("MD Paediatrics", ("en", "hi", "ta")),
}
"""The doctors' titles and languages, by name."""
PREPARATIONS: Final = {
    "Sprechstunde": "Versichertenkarte und, falls vorhanden, Medikationsplan",
    "Vorsorgeuntersuchung": "Impfpass und Medikationsplan; bitte kommen Sie nüchtern",
    "Videosprechstunde": "Eine Liste Ihrer Medikamente und ein ruhiger Raum",
    "Hautsprechstunde": "Versichertenkarte und eine Liste der Salben, die Sie benutzen",
    "Hautkrebs-Screening": "Versichertenkarte; bitte kommen Sie ohne Make-up und Nagellack",
    "Kindersprechstunde": "Impfpass und Versichertenkarte Ihres Kindes",
    "Kinderuntersuchung U1–U9": "Das gelbe Untersuchungsheft, Impfpass und Versichertenkarte Ihres Kindes",
    "Jugenduntersuchung J1": "Impfpass und Versichertenkarte",
    "Kardiologische Sprechstunde": "Überweisung, Medikationsplan und frühere EKGs oder Arztbriefe",
    "Belastungs-EKG": "Sportkleidung, Sportschuhe und ein Handtuch",
    "Office visit": "Your insurance card and a photo ID",
    "Annual physical": "A list of your medications; please have nothing but water for 8 hours before the visit",
    "Skin check": "Your insurance card; please come without make-up or nail polish",
    "Cardiology consultation": "Earlier ECGs, reports and prescriptions",
    "ECG and consultation": "Loose clothing, and earlier reports if you have them",
    "ENT consultation": "Earlier hearing tests and prescriptions",
    "Well-baby visit": "The baby’s vaccination card",
    "Video visit": "A list of your medications, and a quiet place to talk",
    "Teleconsultation": "Earlier reports and prescriptions, and a quiet place to talk",
}
"""What to bring, by appointment type."""
