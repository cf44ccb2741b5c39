"""One week for all doctors: which days are open, and how much time is free."""

from datetime import date, datetime, timedelta
from uuid import UUID

from appoint.booking.day_board.model import Board, BoardAppointment, BoardDoctor, BoardRange
from appoint.booking.day_board.week import week_of
from appoint.booking.model import Status

MONDAY = date(2027, 1, 18)
DOCTOR = UUID(int=1)


def at(hour: int, minute: int = 0, day: date = MONDAY) -> datetime:
    return datetime.combine(day, datetime.min.time()) + timedelta(hours=hour, minutes=minute)


def stretch(start: datetime, end: datetime, doctor_id: UUID | None = DOCTOR, reason: str | None = None) -> BoardRange:
    return BoardRange(
        doctor_id=doctor_id,
        absence=reason is not None,
        reason=reason,
        start=start,
        end=end,
        start_time=start,
        end_time=end,
    )


def appointment(start: datetime, minutes: int, status: Status = Status.BOOKED) -> BoardAppointment:
    end = start + timedelta(minutes=minutes)
    return BoardAppointment(
        id=UUID(int=hash((start, status)) % 2**64),
        version=1,
        doctor_id=DOCTOR,
        customer_id=None,
        patient="Ana",
        type_id=None,
        type=None,
        hue=None,
        video=False,
        start=start,
        end=end,
        start_time=start,
        end_time=end,
        claimed_from=start,
        claimed_until=end,
        status=status,
        notes=None,
        staff_notes=None,
        arrived_at=None,
        in_room_at=None,
        waiting_minutes=None,
        steps_to_confirm=[],
        undo=None,
        cancel_reason=None,
        needs_rebooking=False,
        steps=[],
        movable=True,
    )


def monday_cell(times: list[BoardRange], appointments: list[BoardAppointment]):
    board = Board(
        first=MONDAY,
        last=MONDAY + timedelta(days=6),
        today=MONDAY,
        time_zone="UTC",
        offset="+00:00",
        doctors=[BoardDoctor(DOCTOR, "Dr. Ana", None, active=True)],
        appointments=appointments,
        times=times,
        waiting=[],
    )
    return week_of(board).cells[DOCTOR, MONDAY]


def test_free_time_is_all_hours_without_live_appointments():
    cell = monday_cell(
        [stretch(at(9), at(12))],
        [appointment(at(9), 30), appointment(at(10), 30), appointment(at(11), 60, Status.NOSHOW)],
    )
    assert (cell.kind, cell.free_minutes, cell.start) == ("open", 120, at(9, 30))


def test_a_cancelled_appointment_is_left_out():
    cell = monday_cell([stretch(at(9), at(12))], [appointment(at(9), 30, Status.CANCELLED)])
    assert (cell.appointments, cell.free_minutes) == ([], 180)


def test_a_day_without_hours_is_closed():
    assert monday_cell([], []).kind == "closed"


def test_a_day_of_absence_shows_its_reason():
    cell = monday_cell([stretch(at(0), at(24), reason="Training")], [])
    assert (cell.kind, cell.reason) == ("away", "Training")


def test_a_closure_of_the_clinic_covers_every_doctor():
    cell = monday_cell([stretch(at(0), at(72), doctor_id=None, reason="Holidays")], [])
    assert (cell.kind, cell.reason) == ("away", "Holidays")
