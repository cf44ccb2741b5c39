"""Problems with clinics, doctors, customers, schedules, slots, notifications and webhooks."""

from typing import Any, Final

from ...kit.i18n import translatable as _
from .documents import Problem

AFFECTED_APPOINTMENTS: Final[dict[str, Any]] = {
    "count": 1,
    "appointments": [
        {
            "id": "00000001-0197-818c-8c22-0201f9661508",
            "version": 1,
            "createdAt": "2027-02-01T10:15:00Z",
            "updatedAt": "2027-02-01T10:15:00Z",
            "bookingId": "00000001-0197-80c6-8cdb-0bf82d28ab11",
            "clinicId": 1,
            "doctorId": "00000001-0197-8cb1-8c0b-0be260bd516d",
            "customerId": "01978a5c-7d3e-7a63-84f7-074d226b3d5d",
            "appointmentTypeId": None,
            "startTime": "2027-03-01T08:30:00Z",
            "endTime": "2027-03-01T09:00:00Z",
            "timeZone": "Europe/Berlin",
            "status": "booked",
            "holdExpiresAt": None,
            "cancelReason": None,
            "needsRebooking": False,
            "price": None,
            "notes": None,
            "overrides": [],
            "overrideReason": None,
        }
    ],
}

RECORDS: Final[dict[str, Problem]] = {
    # clinics, doctors, customers
    "queues-off": Problem(
        409,
        _("No queues"),
        _("Queues are turned off on this site."),
        _("The site’s operator can turn them on with APPOINT_QUEUE."),
    ),
    "queue-open": Problem(
        409,
        _("The queue is open"),
        _("People from the previous opening are still waiting."),
        _("End the queue before you announce another opening."),
    ),
    "clinic-moved": Problem(
        421,
        _("This clinic’s pages have moved"),
        _("The clinic has a new address, and what you entered was not sent."),
        _("Open the page again. You will be taken to the new address."),
    ),
    "clinic-in-use": Problem(
        409,
        _("The clinic is in use"),
        _("Active doctors: {doctors}; active time slots: {timeSlots}."),
        _("Deactivate them first, or at the same time as the clinic."),
        {"doctors": 3, "timeSlots": 2},
    ),
    "live-appointments": Problem(
        409,
        _("Upcoming appointments"),
        "Upcoming appointments: {count}.",
        _("Reschedule or cancel them first."),
        {"count": 4},
    ),
    "slots-published": Problem(
        409,
        _("Hours already published"),
        _("The clinic has published hours that this change would shift."),
        _("First remove all published hours from today onwards."),
    ),
    "slug-taken": Problem(
        409,
        _("URL name already in use"),
        _("Another clinic already uses this URL name."),
        _("Choose another URL name."),
    ),
    "doctor-has-appointments": Problem(
        409,
        _("Doctor has upcoming appointments"),
        _("Upcoming appointments with this doctor: {count}."),
        _("Reschedule or cancel them first."),
        {"count": 4},
    ),
    "customer-has-appointments": Problem(
        409,
        _("Customer has upcoming appointments"),
        _("This customer’s upcoming appointments: {count}."),
        _("Reschedule or cancel them first."),
        {"count": 4},
    ),
    "customer-erased": Problem(
        409,
        _("Customer erased"),
        _("This customer’s data has been permanently erased."),
        _("If they return, register them as a new customer."),
    ),
    "customer-elsewhere": Problem(
        409,
        _("Registered elsewhere"),
        _("This person registered in another part of this platform, and only a copy of their details is here."),
        _("Make the change where they registered. It will arrive here within seconds."),
    ),
    "address-needs-code": Problem(
        409,
        _("New address needs a code"),
        _("A new email address or phone number applies once you have entered the code sent to it."),
        _("Change it under “Change your details” (/my/details)."),
    ),
    "address-corrected": Problem(
        409,
        _("Address corrected recently"),
        _(
            "A clinic has corrected your email address or phone number. To protect your data, you can export or erase"
            " it from {until}."
        ),
        _("If you cannot wait, ask the clinic."),
        {"until": "2027-03-15"},
    ),
    "record-number-taken": Problem(
        409,
        _("Record number already in use"),
        _("Another patient at this clinic already has this record number."),
        _("Choose another record number."),
    ),
    "joined-appointments-overlap": Problem(
        409,
        _("Appointments at the same time"),
        _("The two records have upcoming appointments at the same time, but one person can attend only one."),
        _("Cancel or reschedule one of them, then join the records."),
    ),
    "too-many-joined": Problem(
        409,
        _("Too many joined records"),
        _("One person can have at most {n} joined records."),
        _("Check whether they all belong to the same person."),
        {"n": 20},
    ),
    "too-many-wards": Problem(
        409,
        _("Too many people"),
        _("One person can book for at most {n} others."),
        _("Stop booking for someone else first."),
        {"n": 20},
    ),
    "already-guardian": Problem(
        409,
        _("Already a guardian"),
        _("This person can already book for the patient."),
        _("To change the end date, end it and add it again."),
    ),
    "not-joined": Problem(
        409,
        _("Records are not joined"),
        _("This record is not joined with any other."),
        _("Reload the patient."),
    ),
    "which-clinic": Problem(
        409, _("Clinic required"), _("There is more than one clinic, or none."), _("Specify the clinic with clinicId.")
    ),
    # schedules and slots
    "time-slots-intersect": Problem(
        409,
        _("Overlapping time slots"),
        _("This overlaps another time slot at the clinic."),
        _("Choose another time."),
    ),
    "time-slot-in-use": Problem(
        409,
        _("Time slot in use"),
        _("Weekly hours that use this time slot: {doctorSlots}."),
        _("Remove them first."),
        {"doctorSlots": 2},
    ),
    "schedule-lines-overlap": Problem(
        409,
        _("Overlapping weekly hours"),
        _("The doctor already has weekly hours on that weekday at that time."),
        _("Change one of them so that they don’t overlap."),
    ),
    "slots-overlap": Problem(
        409,
        _("Overlapping hours"),
        _("The doctor already has published hours at that time."),
        _("Change the start or end of those hours instead."),
    ),
    "slot-has-appointments": Problem(
        409,
        _("Slot has appointments"),
        _("There are appointments in this slot."),
        _("Reschedule or cancel them first."),
    ),
    "appointments-in-the-way": Problem(
        409,
        "Affected appointments",
        _("Appointments during this time: {count}."),
        _("Reschedule or cancel them first, or keep them and rebook them later."),
        AFFECTED_APPOINTMENTS,
    ),
    "appointments-stranded": Problem(
        409,
        "Affected appointments",
        _("Appointments outside the new hours: {count}."),
        _("Reschedule or cancel them first, or keep them and rebook them later."),
        AFFECTED_APPOINTMENTS,
    ),
    # notifications and webhooks
    "not-resendable": Problem(
        409,
        _("Cannot be sent again"),
        _("A message with the status “{notificationStatus}” cannot be sent again."),
        _("Only sent or failed messages can be sent again."),
        {"notificationStatus": "queued"},
    ),
    "too-many-webhooks": Problem(
        409,
        _("Too many webhooks"),
        _("The limit of {most} webhooks has been reached."),
        _("Remove one you no longer need first."),
        {"most": 20},
    ),
}
