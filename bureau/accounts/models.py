from __future__ import annotations

import hmac
import uuid
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F, Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken, AuthTokenManager

from bureau.accounts.querysets import (
    ConsentQuerySet,
    DependantQuerySet,
    EligibilityQuerySet,
    LoginCodeQuerySet,
    People,
)
from bureau.common.id_numbers import age_on
from bureau.common.masking import masked_phone

SENIOR_FROM_AGE = 60
GUARDIAN_CONSENT_UNDER_AGE = 14
OF_AGE = 18


class Role(models.TextChoices):
    """The groups; what each may do is the table of `manage.py sync_roles`."""

    VENUE_STAFF = "venue_staff", _("venue staff")
    MERCHANT_CLERK = "merchant_clerk", _("merchant clerk")
    MERCHANT_MANAGER = "merchant_manager", _("merchant manager")
    PATROL = "patrol", _("patrol")
    MAINTENANCE = "maintenance", _("maintenance")
    INSPECTOR = "inspector", _("inspector")
    SITE_OPERATOR = "site_operator", _("site operator")
    JUDGE = "judge", _("judge")
    BUREAU_STAFF = "bureau_staff", _("bureau staff")
    CITY_STAFF = "city_staff", _("city staff")
    AUDITOR = "auditor", _("auditor")


class User(AbstractUser):  # type: ignore[django-manager-missing]
    """A person: a citizen (known by mobile number) or staff (known by user name)."""

    phone = models.CharField(
        _("mobile number"), max_length=16, unique=True, null=True, blank=True
    )
    phone_verified_at = models.DateTimeField(
        _("number verified at"), null=True, blank=True
    )
    language = models.CharField(_("language"), max_length=8, default="zh-hans")
    # Kept beside the sealed name, so that lists and the audit trail need not unseal it.
    masked_name = models.CharField(_("masked name"), max_length=40, blank=True)
    deleted_at = models.DateTimeField(_("deleted at"), null=True, blank=True)

    objects: ClassVar[People] = People()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.CheckConstraint(
                condition=Q(deleted_at=None)
                | Q(is_active=False, phone=None, masked_name=""),
                name="accounts_user_deleted_is_anonymous",
            ),
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """What others may read: staff by name, citizens masked."""
        if self.is_staff:
            return self.get_full_name() or self.username
        return self.name_masked or self.username

    @property
    def name_masked(self) -> str:
        """What anybody may read, also of staff: empty where neither is known."""
        return self.masked_name or masked_phone(self.phone)

    def get_full_name(self) -> str:
        """Family name first where the name is written in Chinese."""
        if self.last_name and not self.last_name.isascii():
            return f"{self.last_name}{self.first_name}"
        return super().get_full_name()

    @cached_property
    def role_text(self) -> str:
        """The person's roles, for the audit trail; asked once per request."""
        return ", ".join(sorted(self.groups.values_list("name", flat=True)))

    @property
    def needs_second_factor(self) -> bool:
        """Whether a password alone is not enough: for all that somebody can do here.

        Staff, and who stands at a gate or a desk with a password. Citizens hold the
        phone that their code is sent to, and have no password.
        """
        return self.is_staff or self.is_superuser or self.has_usable_password()

    @property
    def limit_key(self) -> str:
        """Who is counted in Redis, which may outlive a database and its numbers."""
        return f"{self.pk}|{self.date_joined.timestamp()}"

    def has_role(self, *roles: Role) -> bool:
        """Whether the person holds one of the roles (object memberships aside)."""
        names = {group.name for group in self.groups.all()}
        return any(role.value in names for role in roles)

    @property
    def sees_the_city(self) -> bool:
        """Whether a member of staff works for the whole city, and not for districts."""
        return self.is_superuser or self.has_role(Role.CITY_STAFF, Role.AUDITOR)

    @property
    def only_reads(self) -> bool:
        """Whether the person checks others' work, and so does none of it.

        Another role beside it changes nothing about that.
        """
        return self.is_staff and self.has_role(Role.AUDITOR)


class LoginCode(models.Model):
    """The one live sign-in code of a number, and how often it was guessed.

    The code itself is nowhere: it follows from `salt` and a key that is not in the
    database.
    """

    LIFE = timedelta(minutes=5)
    RESEND_AFTER = timedelta(seconds=60)

    phone = models.CharField(_("mobile number"), max_length=16)
    salt = models.BinaryField(_("salt"), max_length=16)
    sent_at = models.DateTimeField(_("sent at"))
    expires_at = models.DateTimeField(_("valid until"))
    used_at = models.DateTimeField(_("used at"), null=True, blank=True)
    wrong_tries = models.PositiveSmallIntegerField(_("wrong tries"), default=0)
    locked_until = models.DateTimeField(_("locked until"), null=True, blank=True)
    keep_until = models.DateTimeField(_("keep until"))

    objects = LoginCodeQuerySet.as_manager()

    class Meta:
        verbose_name = _("sign-in code")
        verbose_name_plural = _("sign-in codes")
        constraints = [
            models.UniqueConstraint(
                fields=["phone"], name="accounts_logincode_one_per_number"
            ),
            models.CheckConstraint(
                condition=Q(sent_at__lt=F("expires_at")),
                name="accounts_logincode_sent_before_it_expires",
            ),
        ]
        indexes = [
            models.Index(fields=["keep_until"], name="accounts_logincode_by_keep"),
        ]

    def __str__(self) -> str:
        return masked_phone(self.phone)

    @property
    def code(self) -> str:
        """The six digits; they follow from the salt and the key."""
        message = b"login-code|" + self.phone.encode() + b"|" + bytes(self.salt)
        mac = hmac.new(settings.FINGERPRINT_KEY.encode(), message, sha256).digest()
        return f"{int.from_bytes(mac[:8], 'big') % 10**6:06}"

    def is_locked_at(self, moment: datetime) -> bool:
        return self.locked_until is not None and moment < self.locked_until


class Token(AbstractAuthToken):  # type: ignore[misc]
    """A signed-in device of the mini-program or a partner; only a hash is kept."""

    public_id = models.UUIDField(_("id"), default=uuid.uuid4, editable=False)
    device = models.CharField(_("device"), max_length=80)

    objects = AuthTokenManager()

    class Meta:
        verbose_name = _("signed-in device")
        verbose_name_plural = _("signed-in devices")
        constraints = [
            models.UniqueConstraint(
                fields=["public_id"], name="accounts_token_public_id_is_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.device} ({self.user})"


class Sex(models.TextChoices):
    MALE = "male", _("male")
    FEMALE = "female", _("female")


class VerifiedIdentity(models.Model):
    """The real name and resident ID of an account: sealed, and found by fingerprint."""

    user = models.OneToOneField(
        User,
        verbose_name=_("user"),
        on_delete=models.CASCADE,
        related_name="identity",
    )
    sealed_name = models.BinaryField(_("sealed name"))
    sealed_id_number = models.BinaryField(_("sealed ID number"))
    fingerprint = models.CharField(_("fingerprint"), max_length=64)
    masked_name = models.CharField(_("masked name"), max_length=40)
    masked_id_number = models.CharField(_("ID number"), max_length=18)
    birth_on = models.DateField(_("date of birth"))
    sex = models.CharField(_("sex"), max_length=8, choices=Sex.choices)
    verified_at = models.DateTimeField(_("verified at"))
    provider = models.CharField(_("verified by"), max_length=40)

    class Meta:
        verbose_name = _("verified identity")
        verbose_name_plural = _("verified identities")
        permissions = [
            ("reveal_verifiedidentity", _("Can see the full name and ID number")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["fingerprint"],
                name="accounts_verifiedidentity_one_person_one_account",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.masked_name} {self.masked_id_number}"

    def age_on(self, day: date) -> int:
        return age_on(day, born_on=self.birth_on)


class Dependant(models.Model):
    """A child, or a parent without a phone, for whom a guardian books."""

    class Relation(models.TextChoices):
        CHILD = "child", _("child")
        PARENT = "parent", _("parent")
        SPOUSE = "spouse", _("spouse")
        OTHER = "other", _("other family")

    guardian = models.ForeignKey(
        User,
        verbose_name=_("guardian"),
        on_delete=models.PROTECT,
        related_name="dependants",
    )
    relation = models.CharField(_("relation"), max_length=8, choices=Relation.choices)
    sealed_name = models.BinaryField(_("sealed name"))
    sealed_id_number = models.BinaryField(_("sealed ID number"))
    fingerprint = models.CharField(_("fingerprint"), max_length=64)
    masked_name = models.CharField(_("masked name"), max_length=40)
    masked_id_number = models.CharField(_("ID number"), max_length=18)
    birth_on = models.DateField(_("date of birth"))
    sex = models.CharField(_("sex"), max_length=8, choices=Sex.choices)
    registered_at = models.DateTimeField(_("registered at"))
    removed_at = models.DateTimeField(_("removed at"), null=True, blank=True)

    objects = DependantQuerySet.as_manager()

    class Meta:
        verbose_name = _("family member")
        verbose_name_plural = _("family members")
        permissions = [
            ("reveal_dependant", _("Can see the full name and ID number")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["guardian", "fingerprint"],
                condition=Q(removed_at=None),
                name="accounts_dependant_registered_once_by_a_guardian",
            ),
        ]

    def __str__(self) -> str:
        return self.masked_name

    def age_on(self, day: date) -> int:
        return age_on(day, born_on=self.birth_on)


class Eligibility(models.Model):
    """A proven reason for another price or quota: disabled, student, military.

    Being 60 or older needs no proof: it follows from the verified ID.
    """

    class Kind(models.TextChoices):
        DISABLED = "disabled", _("disabled person")
        STUDENT = "student", _("student")
        MILITARY = "military", _("military")
        FIRE_SERVICE = "fire_service", _("fire and rescue service")

    class State(models.TextChoices):
        PENDING = "pending", _("being checked")
        APPROVED = "approved", _("approved")
        REFUSED = "refused", _("refused")
        EXPIRED = "expired", _("expired")

    LIVE = (State.PENDING, State.APPROVED)
    TRANSITIONS = {
        State.PENDING: {State.APPROVED, State.REFUSED},
        State.APPROVED: {State.EXPIRED, State.REFUSED},
    }

    user = models.ForeignKey(
        User,
        verbose_name=_("asked by"),
        on_delete=models.PROTECT,
        related_name="eligibilities",
    )
    dependant = models.ForeignKey(
        Dependant,
        verbose_name=_("for"),
        on_delete=models.PROTECT,
        related_name="eligibilities",
        null=True,
        blank=True,
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    state = models.CharField(
        _("state"), max_length=8, choices=State.choices, default=State.PENDING
    )
    expires_on = models.DateField(_("valid until"))
    asked_at = models.DateTimeField(_("asked at"))
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decided_by = models.ForeignKey(
        User,
        verbose_name=_("decided by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    objects = EligibilityQuerySet.as_manager()

    class Meta:
        verbose_name = _("eligibility")
        verbose_name_plural = _("eligibilities")
        permissions = [("review_eligibility", _("Can check certificates"))]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "dependant", "kind"],
                condition=Q(state__in=["pending", "approved"]),
                nulls_distinct=False,
                name="accounts_eligibility_one_live_per_person_and_kind",
            ),
            models.CheckConstraint(
                condition=Q(state="pending", decided_at=None)
                | (~Q(state="pending") & Q(decided_at__isnull=False)),
                name="accounts_eligibility_decided_unless_pending",
            ),
            models.CheckConstraint(
                condition=~Q(state="refused") | ~Q(reason=""),
                name="accounts_eligibility_refused_with_a_reason",
            ),
        ]
        indexes = [
            models.Index(
                fields=["state", "expires_on"], name="accounts_eligibility_by_state"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.dependant or self.user}"

    def is_in_force_on(self, day: date) -> bool:
        return self.state == self.State.APPROVED and day <= self.expires_on


class Consent(models.Model):
    """That a person agreed to a text, which version of it, and when that ended."""

    class Kind(models.TextChoices):
        TERMS = "terms", _("terms of use and privacy notice")
        REAL_NAME = "real_name", _("use of the real name and ID number")
        GUARDIAN = "guardian", _("data of a child under 14")
        CERTIFICATE = "certificate", _("use of a certificate")

    user = models.ForeignKey(
        User,
        verbose_name=_("given by"),
        on_delete=models.PROTECT,
        related_name="consents",
    )
    dependant = models.ForeignKey(
        Dependant,
        verbose_name=_("for"),
        on_delete=models.PROTECT,
        related_name="consents",
        null=True,
        blank=True,
    )
    kind = models.CharField(_("text"), max_length=16, choices=Kind.choices)
    text_version = models.CharField(_("version of the text"), max_length=16)
    given_at = models.DateTimeField(_("given at"))
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "dependant", "kind", "text_version"],
                condition=Q(withdrawn_at=None),
                nulls_distinct=False,
                name="accounts_consent_given_once_per_version",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None) | Q(withdrawn_at__gte=F("given_at")),
                name="accounts_consent_given_before_withdrawn",
            ),
            models.CheckConstraint(
                condition=~Q(kind="guardian") | Q(dependant__isnull=False),
                name="accounts_consent_of_a_guardian_names_the_child",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.text_version}"
