"""Problems with bookings and appointments."""

from typing import Final

from ...kit.i18n import translatable as _
from .documents import Problem

ALTERNATIVES: Final = {
    "alternatives": [
        {
            "startTime": "2027-03-01T09:00:00Z",
            "endTime": "2027-03-01T09:30:00Z",
            "doctorId": "00000001-0197-8cb1-8c0b-0be260bd516d",
        }
    ]
}

BOOKING: Final[dict[str, Problem]] = {
    # why a booking was refused
    "in-the-past": Problem(
        409, _("That time has passed"), _("This time is in the past."), _("Choose a later time."), ALTERNATIVES
    ),
    "clinic-inactive": Problem(
        409,
        _("Clinic not taking bookings"),
        _("This clinic is not active."),
        _("Choose another clinic."),
        {"alternatives": []},
    ),
    "doctor-inactive": Problem(
        409,
        _("Doctor not taking bookings"),
        _("This doctor no longer works at the clinic."),
        _("Choose another doctor."),
        ALTERNATIVES,
    ),
    "not-offered": Problem(
        409,
        _("Not available for booking"),
        _("The clinic or this doctor does not offer this appointment type."),
        _("Choose another appointment type or another doctor."),
        ALTERNATIVES,
    ),
    "age-not-accepted": Problem(
        409,
        _("For a different age group"),
        _("This doctor or appointment type is for patients of a different age."),
        _("Choose another doctor or another appointment type."),
        ALTERNATIVES,
    ),
    "patient-not-accepted": Problem(
        409,
        _("Not for this patient"),
        _("This doctor or appointment type is only for new patients, or only for patients who have been here before."),
        _("Choose another doctor or another appointment type."),
        ALTERNATIVES,
    ),
    "type-required": Problem(
        409,
        _("Appointment type required"),
        _("This clinic’s appointment types determine how long an appointment is."),
        _("Choose an appointment type and leave out the end time."),
        {"alternatives": []},
    ),
    "crosses-midnight": Problem(
        409,
        _("Appointment crosses midnight"),
        _("The appointment would run past midnight in the clinic’s time zone."),
        _("Choose a time that starts and ends on the same day."),
        ALTERNATIVES,
    ),
    "too-soon": Problem(
        409, _("Too soon"), _("The clinic needs more notice for bookings."), _("Choose a later time."), ALTERNATIVES
    ),
    "too-far": Problem(
        409,
        _("Too far ahead"),
        _("The clinic does not take bookings this far ahead yet."),
        _("Choose an earlier time."),
        ALTERNATIVES,
    ),
    "outside-hours": Problem(
        409,
        _("Outside the doctor’s hours"),
        _("The doctor’s published hours do not include this time."),
        _("Choose another time."),
        ALTERNATIVES,
    ),
    "start-not-offered": Problem(
        409,
        _("Start time not offered"),
        _("The clinic does not offer appointments at exactly this time."),
        _("Choose one of the offered times."),
        ALTERNATIVES,
    ),
    "customer-busy": Problem(
        409,
        _("Overlapping appointment"),
        _("This overlaps another appointment at this clinic."),
        _("Choose another time."),
        ALTERNATIVES,
    ),
    "too-many-appointments": Problem(
        409,
        _("Too many appointments"),
        _("This clinic’s limit for upcoming appointments has been reached."),
        _("Cancel one first, or contact the clinic."),
        {"alternatives": []},
    ),
    "too-many-holds": Problem(
        409,
        _("Too many times on hold"),
        _("This clinic’s limit for times on hold has been reached."),
        _("Confirm or cancel one of them first."),
        {"alternatives": []},
    ),
    "too-many-bookings": Problem(
        409,
        _("Too many bookings without signing in"),
        _("Too much of this clinic’s time is on hold for bookings that are not confirmed yet."),
        _("Try again in a few minutes, sign in, or contact the clinic."),
        {"alternatives": [], "limit": "holds"},
        wordings={
            "day": (
                _(
                    "Too much time has been booked in the last 24 hours from your network or for this email address "
                    "or phone number."
                ),
                _("Try again tomorrow, sign in, or contact the clinic."),
            )
        },
    ),
    "taken": Problem(
        409,
        _("That time is taken"),
        _("Someone else has already booked this time."),
        _("Choose another time."),
        ALTERNATIVES,
    ),
    "address-required": Problem(
        409,
        _("Address required"),
        _(
            "The customers of this booking must have one email address or mobile number, which the code to confirm it "
            "is sent to. A landline number can’t receive it."
        ),
        _("Register the customer with an email address or a mobile number, or book for each customer separately."),
        {"alternatives": []},
    ),
    # confirming a hold
    "code-required": Problem(
        409,
        _("Code required"),
        _("The customer must confirm their email address or phone number with the code that we sent them."),
        _("Send the code, or request a new one."),
        wordings=dict.fromkeys(
            ("patient", "link", "stranger"),
            (
                _("Confirm your email address or phone number with the code that we sent you."),
                _("Enter the code, or request a new one."),
            ),
        ),
    ),
    "wrong-confirmation-code": Problem(
        409,
        _("Wrong code"),
        _("This code is wrong. Attempts left: {attemptsLeft}."),
        _("Check the latest message, or request a new code."),
        {"attemptsLeft": 4},
    ),
    "new-code-required": Problem(
        409,
        _("New code required"),
        _("This code can no longer be used, for example because of too many wrong attempts."),
        _("Request a new code."),
    ),
    "too-many-codes": Problem(
        409,
        _("Too many codes"),
        _("No more codes can be sent for this booking."),
        _("Book again, and check the email address or phone number."),
    ),
    "payment-required": Problem(
        409,
        _("Payment required"),
        _("This appointment is booked once its deposit has been paid."),
        _("Pay on the page that the booking’s `payment` links to, before the hold expires."),
        wordings=dict.fromkeys(
            ("patient", "link", "stranger"),
            (
                _("This appointment is booked once its deposit has been paid."),
                _("Pay before the hold expires."),
            ),
        ),
    ),
    # appointments
    "fixed-length": Problem(
        409,
        _("Length can’t be changed"),
        _("Rescheduling an appointment does not change its length."),
        _("Leave out the end time, or contact the clinic."),
    ),
    "hold-expired": Problem(
        409,
        _("Hold expired"),
        _("This time was on hold, and the hold has expired."),
        _("Choose a time and book again."),
    ),
    "wrong-status": Problem(
        409,
        _("Not possible in the current status"),
        _("An appointment cannot change from “{appointmentStatus}” to “{wanted}”."),
        _("Load the appointment again. The documentation lists the allowed status changes."),
        {"appointmentStatus": "cancelled", "wanted": "arrived"},
        at_desk=_("The appointment’s status does not allow this, or has changed since you opened it. Check it first."),
    ),
    "too-late": Problem(
        409,
        "Too late to reschedule or cancel",
        _("Appointments at this clinic can be rescheduled or cancelled up to {hours} hours before they start."),
        _("Contact the clinic."),
        {"minutes": 1440, "hours": 24, "phone": "+493012345678"},
    ),
    "nothing-to-undo": Problem(
        409,
        _("Nothing to undo"),
        _("The last change to this appointment cannot be undone."),
        _("Changes by the clinic’s staff can be undone until the end of the day."),
    ),
    "no-rebooking-needed": Problem(
        409,
        _("No rebooking needed"),
        _("This appointment is within its doctor’s hours, or it has already ended."),
        _("Reschedule it as usual if it has to change."),
    ),
    "changed-since": Problem(
        409,
        _("Changed since then"),
        _("Someone else has changed this appointment since then, so the change can no longer be undone."),
        _("Open the appointment to see its current state."),
    ),
    "already-started": Problem(
        409,
        _("Appointment already started"),
        _("This appointment has already started."),
        _("Contact the clinic."),
    ),
    "not-started": Problem(
        409,
        _("Not started yet"),
        _("An appointment can be completed only on its day, and marked as a no-show only after it has started."),
        _("Wait until it has started, or cancel it."),
    ),
    # video visits
    "not-a-video-visit": Problem(
        409,
        _("Not a video visit"),
        _("This appointment does not take place by video."),
        _("Only video visits can have guests."),
    ),
    "room-exists": Problem(
        409,
        _("Room already exists"),
        _("This video visit already has a room, or Appoint is creating one."),
        _("To start the call again, end it first."),
    ),
    "no-video-visits": Problem(
        409,
        _("No video visits"),
        _("This clinic has no video visits, so it cannot offer online appointment types."),
        _("First choose a provider under Settings › Video visits."),
    ),
    "types-still-online": Problem(
        409,
        _("Online appointment types are still offered"),
        _("Patients can still book these types online: {types}."),
        _("First change them to in person, or remove them."),
        {"types": "Video visit"},
    ),
    "no-contact-details": Problem(
        409,
        _("No contact details"),
        _("The patient has no email address or phone number for messages."),
        _("Add one to the patient’s details, or copy the link and send it yourself."),
    ),
    "wrong-signature": Problem(
        403,
        _("Wrong signature"),
        _("The request is not signed with the expected secret, or it is too old."),
        _("Check the webhook secret and the address of the webhook."),
    ),
    "too-many-guests": Problem(
        409,
        _("Too many guests"),
        _("A video visit can have at most {most} guests."),
        _("Remove a guest first."),
        {"most": 5},
    ),
}
