from __future__ import annotations

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from bureau.common.errors import DomainError, TryLater


class BadPhone(DomainError):
    code = "phone_invalid"
    message = _("This is not a mobile number: it has 11 digits and begins with 1.")
    status = HTTPStatus.BAD_REQUEST


class CodeWrong(DomainError):
    code = "code_wrong"
    message = _("The code is not right. You can try %(left)s more times.")
    status = HTTPStatus.BAD_REQUEST


class CodeExpired(DomainError):
    code = "code_expired"
    message = _("This code is no longer valid. Ask for a new one.")
    status = HTTPStatus.BAD_REQUEST


class CodeSpent(DomainError):
    code = "code_spent"
    message = _("This code has already been used. Ask for a new one.")


class CodeNotAsked(DomainError):
    code = "code_not_asked"
    message = _("Ask for a code first.")
    status = HTTPStatus.BAD_REQUEST


class CodeJustSent(TryLater):
    code = "code_just_sent"
    message = _("A code is on its way. You can ask for another one in %(wait)s.")


class NumberLocked(TryLater):
    code = "number_locked"
    message = _(
        "Too many wrong codes. Signing in with this number is locked for %(wait)s."
    )


class AccountClosed(DomainError):
    code = "account_closed"
    message = _("This account is closed. Please call the bureau.")
    status = HTTPStatus.FORBIDDEN


class OneTimePasswordNeeded(DomainError):
    code = "otp_needed"
    message = _("This account also asks for the code of the authenticator app.")
    status = HTTPStatus.FORBIDDEN


class OneTimePasswordWrong(DomainError):
    code = "otp_wrong"
    message = _("The code of the authenticator app is not right.")
    status = HTTPStatus.BAD_REQUEST


class StaffMustSetUpApp(DomainError):
    code = "otp_not_set_up"
    message = _("Staff set up an authenticator app in the browser first.")
    status = HTTPStatus.FORBIDDEN


class BadIdentity(DomainError):
    """The number itself is wrong: a shape, a check digit, a date that never was."""

    code = "id_number_invalid"
    message = _("This ID number is not right. Please compare it with the card.")
    status = HTTPStatus.BAD_REQUEST


class IdentityNotConfirmed(DomainError):
    code = "identity_not_confirmed"
    message = _("The name and the ID number do not belong together.")


class IdentityCheckAway(DomainError):
    code = "identity_check_away"
    message = _("The identity check does not answer at the moment. Try again later.")
    status = HTTPStatus.SERVICE_UNAVAILABLE


class IdentityTaken(DomainError):
    code = "identity_taken"
    message = _(
        "This person already has an account with another number. "
        "Sign in with that number, or call the bureau."
    )


class AlreadyVerified(DomainError):
    code = "identity_already_verified"
    message = _("Your real name is already confirmed.")


class IdentityNeeded(DomainError):
    code = "identity_needed"
    message = _("Confirm your own real name first.")
    status = HTTPStatus.FORBIDDEN


class ConsentNeeded(DomainError):
    code = "consent_needed"
    message = _("This needs your consent.")
    status = HTTPStatus.BAD_REQUEST


class GuardianConsentNeeded(ConsentNeeded):
    code = "guardian_consent_needed"
    message = _("For a child under 14 we need your separate consent as guardian.")


class PhoneTaken(DomainError):
    code = "phone_taken"
    message = _("This number has an account already. Find the person by it.")


class PhoneOfAnother(DomainError):
    code = "phone_of_another"
    message = _(
        "This number already signs in to another account. Two accounts cannot be "
        "joined. If the other one is not needed, its owner can delete it first."
    )


class PhoneNotNeeded(DomainError):
    code = "phone_not_needed"
    message = _(
        "A number is added here only for people who were registered by their ID card "
        "and have no number yet."
    )


class IdCardNotSeen(DomainError):
    code = "id_card_not_seen"
    message = _("Compare the ID card with the person first.")
    status = HTTPStatus.BAD_REQUEST


class NameNeeded(DomainError):
    code = "name_needed"
    message = _("Please give the name.")
    status = HTTPStatus.BAD_REQUEST


class NumberUnknown(DomainError):
    code = "number_unknown"
    message = _("Give a mobile number of 11 digits or an ID number of 18.")
    status = HTTPStatus.BAD_REQUEST


class DependantKnown(DomainError):
    code = "dependant_known"
    message = _("You have already registered this person.")


class DependantIsSelf(DomainError):
    code = "dependant_is_self"
    message = _("This is your own ID number.")


class TooManyDependants(DomainError):
    code = "too_many_dependants"
    message = _("You can register at most %(limit)s people.")


class NotADependant(DomainError):
    code = "dependant_unknown"
    message = _("We do not know this person among your family.")
    status = HTTPStatus.NOT_FOUND


class EligibilityLive(DomainError):
    code = "eligibility_live"
    message = _("This proof is already being checked, or is still valid.")


class EligibilityChanged(DomainError):
    code = "eligibility_changed"
    message = _("Someone else has just decided this. Load the page again.")


class CertificateOutOfDate(DomainError):
    code = "certificate_out_of_date"
    message = _("The certificate has run out. Please use a valid one.")
    status = HTTPStatus.BAD_REQUEST


class ReasonNeeded(DomainError):
    code = "reason_needed"
    message = _("Please give a reason.")
    status = HTTPStatus.BAD_REQUEST


class AccountStillNeeded(DomainError):
    code = "account_still_needed"
    message = _("The account cannot be deleted yet: %(why)s")


class StaffAccount(DomainError):
    code = "staff_account"
    message = _("A staff account is closed by the administrator.")
    status = HTTPStatus.FORBIDDEN
