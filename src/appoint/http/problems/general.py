"""Problems that can occur with any request."""

from typing import Final

from ...kit.i18n import translatable as _
from .documents import Problem

GENERAL: Final[dict[str, Problem]] = {
    "malformed-json": Problem(
        400,
        _("Invalid JSON"),
        _("The request body is not a single JSON document."),
        _("Send valid JSON in UTF-8 without duplicate keys."),
    ),
    "invalid-request": Problem(
        400,
        _("Invalid request"),
        _("Something in the request is missing, unknown or out of range."),
        _("Correct the fields listed in “errors”."),
    ),
    "unauthorized": Problem(
        401,
        _("Authentication required"),
        _("You need to sign in or send a valid token."),
        _("Sign in, or send a token as “Authorization: Bearer …”."),
    ),
    "wrong-credentials": Problem(
        401,
        _("Wrong email address or password"),
        _("The email address, password or code is incorrect."),
        _("Try again, or reset your password."),
    ),
    "totp-required": Problem(
        401,
        _("Code required"),
        _("This account requires a code as well as the password."),
        _("Enter the six digits from your authenticator app (in the API: “totp”)."),
    ),
    "passkey-required": Problem(
        401,
        _("Passkey required"),
        _("This account requires a passkey as well as the password."),
        _("Sign in with your passkey, or enter one of your recovery codes."),
    ),
    "passkey-refused": Problem(
        401,
        _("Passkey not accepted"),
        _("This passkey is not registered here, or you took more than 5 minutes."),
        _("Try again, or sign in with your password."),
    ),
    "wrong-code": Problem(
        401,
        _("Invalid code"),
        _("This code is wrong, has already been used or has expired."),
        _("Check the latest message, or request a new code."),
    ),
    "forbidden": Problem(
        403,
        _("No access"),
        _("You don’t have permission to do this."),
        _("Ask someone at the clinic who has access."),
        wordings={
            "patient": (
                _("Only the clinic’s staff can do this."),
                _("If you need something that you can’t do online, contact the clinic."),
            ),
            "link": (
                _("This link only lets you see, reschedule and cancel one appointment."),
                _("If you need anything else, contact the clinic."),
            ),
            "key": (
                _("This API key doesn’t have the permission that this operation needs."),
                _("A manager at the clinic can grant it under “API keys”, if keys can have it."),
            ),
        },
    ),
    "network-refused": Problem(
        403,
        _("Not from this network"),
        _("Access is limited to certain networks, and yours is not one of them."),
        _("Connect to the clinic’s network, or ask a manager for help."),
    ),
    "second-factor-required": Problem(
        403,
        _("Second factor required"),
        _("Your clinic or Appoint’s operator requires a second factor, and you signed in without one."),
        _("Set up a passkey or an authenticator app on your account page, or sign in with it."),
    ),
    "proof-required": Problem(
        403,
        _("Confirm that it’s you"),
        _("You last entered your password more than 10 minutes ago."),
        _("Enter it again, then repeat what you were doing. Patients sign in again with a new code."),
    ),
    "not-found": Problem(
        404,
        _("Not found"),
        _("This does not exist, or you don’t have access to it."),
        _("Check the address and the IDs in the request."),
    ),
    "method-not-allowed": Problem(
        405,
        _("Method not allowed"),
        _("This address does not support this HTTP method."),
        _("Use one of the methods in the Allow header."),
    ),
    "version-mismatch": Problem(
        412,
        _("The resource has changed"),
        _("The version in If-Match is not the current one."),
        _("Load the current version, then make your change again."),
        at_desk=_(
            "Someone else has saved a change since you opened this. Reload the page, then make your change again."
        ),
    ),
    "body-too-large": Problem(
        413,
        _("Request too large"),
        _("The request body is larger than this address accepts."),
        _("Send less data in each request."),
    ),
    "unsupported-media-type": Problem(
        415,
        _("Unsupported content type"),
        _("The body is in an unsupported format."),
        _("Send application/json; for PATCH, application/merge-patch+json also works."),
    ),
    "idempotency-key-reused": Problem(
        422,
        _("Idempotency key already used"),
        _("This Idempotency-Key has already been used with a different request."),
        _("Use a new key for each new request."),
    ),
    "version-required": Problem(
        428,
        _("Version required"),
        _("This clinic requires a version with every change."),
        _("In If-Match, send the ETag of the version you read."),
    ),
    "too-many-requests": Problem(
        429,
        _("Too many requests"),
        _("Too many requests in a short time."),
        _("Wait the number of seconds given in Retry-After."),
    ),
    "in-queue": Problem(
        429,
        _("In the queue"),
        _("A lot of people want to book right now, so there is a queue."),
        _("Send the request again after the number of seconds in Retry-After, with the cookie that you received."),
        facts={"place": 120, "estimatedSeconds": 300},
    ),
    "internal-error": Problem(
        500,
        _("Something went wrong"),
        _("This is a problem on our side."),
        _("Please try again with the same Idempotency-Key. If it happens again, tell us the request ID."),
    ),
    "unavailable": Problem(
        503,
        _("Temporarily unavailable"),
        _("Part of the service is temporarily unavailable."),
        _("Please try again shortly. If you send the same Idempotency-Key, nothing will be done twice."),
    ),
}
