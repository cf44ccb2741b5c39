"""The small world's content: three clinics with their doctors, hours and appointment types. Days are counted from the
day on which the world is loaded."""

from typing import Final, NamedTuple

from ..clinics.clinics.model import ClinicContent, Policy
from .faces import PROFILES
from .visits import OLDEST

ANY_AGE: Final = (0, OLDEST)
ADULTS: Final = (16, OLDEST)
CHILDREN: Final = (0, 17)
Week = tuple[tuple[str, str], ...]
"""Weekdays and the hours on each: a start and an end, or the name of one of the clinic's time slots."""


class TypeStory(NamedTuple):
    name: str
    minutes: int
    price: int | None
    before: int = 0
    after: int = 0
    online: bool = False
    description: str | None = None
    ages: tuple[int, int] = ANY_AGE


class DoctorStory(NamedTuple):
    name: str
    specialty: str
    email: str
    week: Week
    offers: tuple[str, ...] = ()
    """Names of appointment types. If empty, all of the clinic's types."""
    later: tuple[int, Week] | None = None
    """A number of days, after which a different week applies."""
    ages: tuple[int, int] = ANY_AGE


class AbsenceStory(NamedTuple):
    first: int
    last: int
    reason: str
    doctor: str | None = None
    """None if the clinic is closed."""


class ClinicStory(NamedTuple):
    content: ClinicContent
    languages: tuple[str, ...]
    time_slots: dict[str, str]
    types: tuple[TypeStory, ...]
    doctors: tuple[DoctorStory, ...]
    absences: tuple[AbsenceStory, ...]
    reasons: tuple[str, ...]
    """Reasons for cancelling."""
    notes: tuple[str, ...]


CLINICS: Final = (
    ClinicStory(
        ClinicContent(
            name="Praxis am Spreebogen",
            time_zone="Europe/Berlin",
            slug="spreebogen",
            locale="de",
            currency="EUR",
            phone="+493023125000",
            email="empfang@spreebogen.example.org",
            address="Holsteiner Ufer 11, 10557 Berlin",
            policy=Policy(
                slot_step_minutes=10,
                min_notice_minutes=60,
                horizon_days=56,
                cancel_notice_minutes=1440,
                doctor_choice="leastBusy",
            ),
            profile=PROFILES["spreebogen"],
        ),
        languages=("de", "de", "de", "en", "ru", "ar"),
        time_slots={"Vormittag": "08:00-12:00", "Nachmittag": "14:00-18:00", "Abend": "18:00-20:00"},
        types=(
            TypeStory("Sprechstunde", 20, None, description="Für gesetzlich Versicherte ohne Kosten"),
            TypeStory("Vorsorgeuntersuchung", 40, 8500, after=10, ages=(35, OLDEST)),
            TypeStory("Videosprechstunde", 20, 3500, online=True),
            TypeStory("Hautsprechstunde", 20, None),
            TypeStory("Hautkrebs-Screening", 30, 6900, before=5, after=5, ages=(35, OLDEST)),
            TypeStory("Kindersprechstunde", 20, None),
            TypeStory("Kinderuntersuchung U1–U9", 30, None, after=10, ages=(0, 5)),
            TypeStory("Jugenduntersuchung J1", 30, None, ages=(12, 14)),
            TypeStory("Kardiologische Sprechstunde", 30, None),
            TypeStory("Belastungs-EKG", 40, None, after=10, ages=(30, 80)),
        ),
        doctors=(
            DoctorStory(
                "Dr. Jana Müller",
                "Allgemeinmedizin",
                "mueller@spreebogen.example.org",
                (("monday tuesday wednesday thursday friday", "Vormittag"), ("monday tuesday thursday", "Nachmittag")),
                offers=("Sprechstunde", "Vorsorgeuntersuchung", "Videosprechstunde"),
                ages=ADULTS,
            ),
            DoctorStory(
                "Dr. Tobias Lehmann",
                "Allgemeinmedizin",
                "lehmann@spreebogen.example.org",
                (("wednesday thursday friday saturday sunday", "Vormittag"), ("friday saturday sunday", "Nachmittag")),
                offers=("Sprechstunde", "Vorsorgeuntersuchung", "Hautkrebs-Screening", "Videosprechstunde"),
                ages=ADULTS,
            ),
            DoctorStory(
                "Dr. Emre Yıldız",
                "Haut- und Geschlechtskrankheiten",
                "yildiz@spreebogen.example.org",
                (("monday wednesday friday saturday", "09:00-13:00"), ("wednesday", "Abend")),
                offers=("Hautsprechstunde", "Hautkrebs-Screening"),
                ages=ADULTS,
            ),
            DoctorStory(
                "Dr. Sofía Ferrer Ruiz",
                "Kinder- und Jugendmedizin",
                "ferrer@spreebogen.example.org",
                (("tuesday wednesday thursday sunday", "08:30-12:30"), ("tuesday wednesday thursday", "13:30-16:30")),
                offers=("Kindersprechstunde", "Kinderuntersuchung U1–U9", "Jugenduntersuchung J1"),
                later=(21, (("monday tuesday wednesday sunday", "Vormittag"), ("monday tuesday", "Nachmittag"))),
                ages=CHILDREN,
            ),
            DoctorStory(
                "Dr. Aleksandra Wójcik",
                "Kardiologie",
                "wojcik@spreebogen.example.org",
                (("monday", "Abend"), ("thursday sunday", "10:00-13:00"), ("thursday", "13:45-18:00")),
                offers=("Kardiologische Sprechstunde", "Belastungs-EKG"),
                ages=ADULTS,
            ),
        ),
        absences=(
            AbsenceStory(14, 20, "Urlaub", "Dr. Aleksandra Wójcik"),
            AbsenceStory(-12, -12, "krank", "Dr. Emre Yıldız"),
            AbsenceStory(25, 25, "Fortbildung des ganzen Teams"),
        ),
        reasons=("krank geworden", "kann nicht von der Arbeit weg", "Beschwerden sind weg", "Termin in anderer Praxis"),
        notes=("Bringt die Überweisung mit.", "Bitte leise sprechen, Hörgerät.", "Rollstuhl, Eingang über den Hof."),
    ),
    ClinicStory(
        ClinicContent(
            name="Harbor Street Medical",
            time_zone="America/New_York",
            slug="harbor-street",
            locale="en",
            currency="USD",
            phone="+12125550199",
            email="frontdesk@harborstreet.example.com",
            address="14 Harbor Street, New York, NY 10004",
            policy=Policy(slot_step_minutes=15, horizon_days=42, cancel_notice_minutes=240, doctor_choice="random"),
            profile=PROFILES["harbor-street"],
        ),
        languages=("en", "en", "es", "zh", "ru", "fr"),
        time_slots={"Morning": "08:30-12:30", "Afternoon": "13:00-17:00", "Evening": "17:00-21:00"},
        types=(
            TypeStory("Urgent care visit", 15, 12500, after=5, description="Book a time and skip the walk-in queue."),
            TypeStory("Office visit", 30, 18000),
            TypeStory("Annual physical", 45, 29500, after=15),
            TypeStory("Skin check", 30, 21000, before=5, after=5, ages=ADULTS),
            TypeStory("Video visit", 15, 9000, online=True),
        ),
        doctors=(
            DoctorStory(
                "Dr. Grace Okafor",
                "General practice",
                "okafor@harborstreet.example.com",
                (
                    ("monday tuesday wednesday thursday friday", "Morning"),
                    ("monday tuesday wednesday thursday", "Afternoon"),
                ),
            ),
            DoctorStory(
                "Dr. Daniel Rosenberg",
                "Orthopedics",
                "rosenberg@harborstreet.example.com",
                (("monday thursday", "10:00-14:00"), ("monday thursday", "15:00-19:00"), ("tuesday", "Afternoon")),
                offers=("Office visit", "Video visit"),
            ),
            DoctorStory(
                "Dr. Mei-Ling Chen (陳美玲)",
                "Dermatology",
                "chen@harborstreet.example.com",
                (("tuesday wednesday friday", "Afternoon"), ("wednesday", "Evening")),
                offers=("Skin check", "Video visit"),
            ),
            DoctorStory(
                "Dr. Rafael Ortiz",
                "Urgent care",
                "ortiz@harborstreet.example.com",
                (
                    ("monday tuesday wednesday thursday", "Evening"),
                    ("sunday", "12:00-16:00"),
                    ("sunday", "16:30-21:00"),
                ),
                offers=("Urgent care visit", "Video visit"),
            ),
            DoctorStory(
                "Dr. Hannah Lee",
                "Urgent care",
                "lee@harborstreet.example.com",
                (("friday saturday", "11:00-15:30"), ("friday saturday", "16:00-21:00")),
                offers=("Urgent care visit", "Office visit"),
            ),
        ),
        absences=(
            AbsenceStory(30, 36, "Parental leave", "Dr. Mei-Ling Chen (陳美玲)"),
            AbsenceStory(-20, -19, "Conference", "Dr. Daniel Rosenberg"),
        ),
        reasons=("Feeling better", "Out of town", "Insurance changed", "No childcare"),
        notes=("New patient, forms sent by mail.", "Prefers Spanish.", "Will call if running late."),
    ),
    ClinicStory(
        ClinicContent(
            name="Lotus Lane Clinic",
            time_zone="Asia/Kolkata",
            slug="lotus-lane",
            locale="en",
            currency="INR",
            email="reception@lotuslane.example.net",
            address="7 Lotus Lane, Kolkata 700019",
            policy=Policy(
                slot_step_minutes=20,
                min_notice_minutes=30,
                horizon_days=28,
                require_version=True,
                doctor_choice="roundRobin",
            ),
            profile=PROFILES["lotus-lane"],
        ),
        languages=("hi", "hi", "bn", "bn", "bn", "en", "zh"),
        time_slots={"Morning OPD": "07:00-11:00", "Midday": "11:00-15:00", "Evening OPD": "17:00-20:00"},
        types=(
            TypeStory("Consultation", 20, 60000),
            TypeStory("Follow-up", 10, 30000),
            TypeStory("Cardiology consultation", 20, 90000),
            TypeStory("ECG and consultation", 40, 150000, before=10, after=10),
            TypeStory("ENT consultation", 20, 80000),
            TypeStory("Child consultation", 20, 60000),
            TypeStory("Well-baby visit", 20, 80000, after=10, ages=(0, 2)),
            TypeStory("Teleconsultation", 20, 50000, online=True),
        ),
        doctors=(
            DoctorStory(
                "Dr. Ananya Banerjee",
                "General practice",
                "banerjee@lotuslane.example.net",
                (
                    ("monday tuesday wednesday thursday friday saturday", "Morning OPD"),
                    ("monday wednesday friday", "Evening OPD"),
                ),
                offers=("Consultation", "Follow-up", "Teleconsultation"),
                ages=ADULTS,
            ),
            DoctorStory(
                "Dr. Arjun Mehta",
                "Cardiology",
                "mehta@lotuslane.example.net",
                (("tuesday thursday saturday", "10:00-13:00"), ("tuesday thursday", "Evening OPD")),
                offers=("Cardiology consultation", "ECG and consultation"),
                ages=ADULTS,
            ),
            DoctorStory(
                "Dr. Farhana Rahman",
                "Ear, nose and throat",
                "rahman@lotuslane.example.net",
                (("monday wednesday friday saturday sunday", "Midday"),),
                offers=("ENT consultation",),
            ),
            DoctorStory(
                "Dr. Vikram Iyer",
                "Pediatrics",
                "iyer@lotuslane.example.net",
                (
                    ("sunday", "Morning OPD"),
                    ("monday tuesday thursday saturday", "15:00-17:00"),
                    ("saturday sunday", "Evening OPD"),
                ),
                offers=("Child consultation", "Well-baby visit"),
                ages=CHILDREN,
            ),
        ),
        absences=(AbsenceStory(9, 9, "Puja holiday"), AbsenceStory(16, 18, "Family wedding", "Dr. Arjun Mehta")),
        reasons=("Fever is gone", "Travelling", "Monsoon, roads flooded"),
        notes=("Bring earlier reports.", "Speaks Bengali only.", "Grandmother comes along."),
    ),
)
