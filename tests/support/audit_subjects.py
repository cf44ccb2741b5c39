"""The subjects in each mutating operation's audit entry."""

from collections.abc import Mapping
from typing import Any, Final

SUBJECTS: Final[Mapping[str, tuple[str, ...]]] = {
    "arriveAppointment": ("appointmentId",),
    "askToRebook": ("appointmentId",),
    "beginTotp": (),
    "bookAppointment": ("content.id",),
    "revokeManageLink": ("appointmentId",),
    "cancelStrangerAppointments": ("appointmentId",),
    "cancelAppointment": ("appointmentId",),
    "cancelAppointments": ("appointmentId",),
    "enterRoomForAppointment": ("appointmentId",),
    "moveAppointments": ("appointmentId",),
    "undoStep": ("appointmentId",),
    "cancelBooking": ("bookingId",),
    "changeClinicsHours": (),
    "changeDoctorsHours": ("doctorId",),
    "changePassword": ("actor",),
    "checkInAppointment": ("appointmentId",),
    "confirmAppointment": ("appointmentId",),
    "confirmBooking": ("content.appointments",),
    "createAbsence": ("content.id",),
    "createAdminToken": ("content.id",),
    "createApiKey": ("content.id",),
    "createAppointmentType": ("content.id",),
    "createBookingSlot": ("content.id",),
    "createClinic": ("content.id",),
    "createCustomer": ("content.id",),
    "createDoctor": ("content.id",),
    "createDoctorSlot": ("doctorId", "content.id"),
    "createPatient": ("content.id",),
    "createProvider": ("content.id",),
    "createTimeSlot": ("content.id",),
    "deactivateClinic": (),
    "disableAccount": ("userId",),
    "disableUser": ("userId",),
    "enableAccount": ("userId",),
    "enableUser": ("userId",),
    "endSession": ("sessionId",),
    "eraseCustomer": ("customerId",),
    "fulfilAppointment": ("appointmentId",),
    "generateBookingSlots": (),
    "inviteUser": ("content.id",),
    "inviteUserAgain": ("userId",),
    "joinPatients": ("customerId", "otherId"),
    "makeBooking": ("content.appointments",),
    "openInEmergency": ("content.id", "customerId"),
    "patchAbsence": ("absenceId",),
    "patchAccount": (),
    "patchApiKey": ("apiKeyId",),
    "patchAppointment": ("appointmentId",),
    "patchAppointmentType": ("id",),
    "patchClinic": ("content.id",),
    "patchCustomer": ("customerId",),
    "patchDoctor": ("doctorId",),
    "patchPatient": ("customerId",),
    "patchUser": ("userId",),
    "patchWebhook": ("webhookId",),
    "previewMessageTemplate": ("kind", "channel", "locale"),
    "proveIdentity": (),
    "removeAbsence": ("absenceId",),
    "removeApiKey": ("apiKeyId",),
    "removeAppointmentType": ("id",),
    "removeBookingSlot": ("bookingSlotId",),
    "removeCustomer": ("customerId",),
    "removeDoctor": ("doctorId",),
    "removeDoctorSlot": ("doctorSlotId",),
    "removeMessageTemplate": ("kind", "channel", "locale"),
    "removeTimeSlot": ("timeSlotId",),
    "removeTotp": (),
    "removeUser": ("userId",),
    "removeWebhook": ("webhookId",),
    "replaceAppointmentType": ("id",),
    "replaceBookingSlot": ("bookingSlotId",),
    "replaceClinic": ("content.id",),
    "replaceCustomer": ("customerId",),
    "replaceDoctor": ("doctorId",),
    "replaceDoctorSlot": ("doctorSlotId",),
    "replaceMessageTemplate": ("kind", "channel", "locale", "content.id"),
    "replaceNotificationPreferences": ("customerId",),
    "replaceSchedule": ("doctorId",),
    "replaceTimeSlot": ("timeSlotId",),
    "replayWebhook": ("webhookId",),
    "rescheduleAppointment": ("appointmentId",),
    "resendNotification": ("notificationId",),
    "replaceSignInRules": ("clinicId",),
    "replaceStaffNetworks": ("clinicId",),
    "resetPassword": (),
    "revokeAdminToken": ("adminTokenId",),
    "revokeAdministrator": ("userId",),
    "reviewEmergencyAccess": ("accessId",),
    "rotateApiKey": ("apiKeyId",),
    "rotateWebhookSecret": ("webhookId",),
    "sendSignInCode": (),
    "separatePatient": ("customerId", "otherId"),
    "setProviderSchedule": ("providerId",),
    "signIn": ("content.account.userId",),
    "signOut": (),
    "signOutAccount": ("userId",),
    "signOutEverywhere": (),
    "signOutUser": ("userId",),
    "testWebhook": ("webhookId",),
    "unarriveAppointment": ("appointmentId",),
    "undoAppointmentStep": ("appointmentId",),
}
"""`content.…` refers to a member of the response, and `actor` to the caller's id. The others are path parameters."""


def expected_subjects(name: str, *, parameters: Mapping[str, Any], content: Mapping[str, Any], actor: str) -> list[str]:
    subjects: list[str] = []
    for subject in SUBJECTS[name]:
        if subject == "actor":
            subjects.append(actor.partition(":")[2])
        elif subject == "content.appointments":
            subjects += [appointment["id"] for appointment in content["appointments"]]
        elif subject.startswith("content."):
            value: Any = content
            for member in subject.split(".")[1:]:
                value = value[member]
            subjects.append(str(value))
        else:
            subjects.append(str(parameters[subject]))
    return subjects
