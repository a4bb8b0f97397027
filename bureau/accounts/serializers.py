from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from bureau.accounts.models import Dependant, Eligibility, Token, User
from bureau.common.masking import masked_phone


class CodeInput(serializers.Serializer[Any]):
    phone = serializers.CharField(
        max_length=20, help_text=_("A mainland mobile number; +86 is fine.")
    )


class CodeOutput(serializers.Serializer[Any]):
    phone = serializers.CharField(help_text=_("The number, masked."))
    expires_in = serializers.IntegerField(help_text=_("Seconds the code is valid."))
    resend_in = serializers.IntegerField(
        help_text=_("Seconds until another code may be asked for.")
    )
    demo_code = serializers.CharField(
        required=False, help_text=_("The code itself, in a demonstration only.")
    )


class TokenInput(serializers.Serializer[Any]):
    phone = serializers.CharField(max_length=20)
    code = serializers.CharField(max_length=12)
    device = serializers.CharField(
        max_length=80, help_text=_("A name by which the person knows the device.")
    )
    otp = serializers.CharField(
        max_length=16,
        required=False,
        default="",
        help_text=_("The authenticator app's code, for staff who have one."),
    )


class TokenOutput(serializers.ModelSerializer[Token]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    expires_at = serializers.DateTimeField(source="expiry", read_only=True)
    signed_in_at = serializers.DateTimeField(source="created", read_only=True)
    is_current = serializers.SerializerMethodField()

    class Meta:
        model = Token
        fields = ["id", "device", "signed_in_at", "expires_at", "is_current"]
        read_only_fields = fields

    def get_is_current(self, token: Token) -> bool:
        """Whether this request was made with it."""
        current = self.context.get("current")
        return isinstance(current, Token) and current.pk == token.pk


class NewTokenOutput(TokenOutput):
    token = serializers.SerializerMethodField()

    class Meta(TokenOutput.Meta):
        fields = ["token", *TokenOutput.Meta.fields]
        read_only_fields = fields

    def get_token(self, token: Token) -> str:  # noqa: ARG002
        """Shown this once; send it as `Authorization: Token …`."""
        return str(self.context["token"])


class PersonOutput(serializers.ModelSerializer[User]):
    name = serializers.CharField(source="display_name", read_only=True)
    phone = serializers.SerializerMethodField()
    is_verified = serializers.SerializerMethodField()
    groups = serializers.SerializerMethodField()
    roles = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ["name", "phone", "language", "is_verified", "groups", "roles"]
        read_only_fields = fields

    def get_phone(self, user: User) -> str:
        return masked_phone(user.phone)

    def get_is_verified(self, user: User) -> bool:  # noqa: ARG002
        return bool(self.context["is_verified"])

    def get_groups(self, user: User) -> list[str]:  # noqa: ARG002
        return sorted(self.context["groups"])

    def get_roles(self, user: User) -> list[str]:
        return sorted(group.name for group in user.groups.all())


class IdentityInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=40)
    id_number = serializers.CharField(max_length=22)
    agreed = serializers.BooleanField()


class DependantInput(IdentityInput):
    relation = serializers.ChoiceField(choices=Dependant.Relation.choices)
    guardian_consent = serializers.BooleanField(required=False, default=False)


class DependantOutput(serializers.ModelSerializer[Dependant]):
    name = serializers.CharField(source="masked_name", read_only=True)
    id_number = serializers.CharField(source="masked_id_number", read_only=True)

    class Meta:
        model = Dependant
        fields = ["id", "name", "id_number", "relation", "birth_on", "sex"]
        read_only_fields = fields


class EligibilityInput(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=Eligibility.Kind.choices)
    dependant = serializers.PrimaryKeyRelatedField(
        queryset=Dependant.objects.filter(removed_at=None), required=False, default=None
    )
    expires_on = serializers.DateField()
    certificate = serializers.FileField()
    agreed = serializers.BooleanField()


class EligibilityOutput(serializers.ModelSerializer[Eligibility]):
    class Meta:
        model = Eligibility
        fields = [
            "id",
            "kind",
            "dependant",
            "state",
            "expires_on",
            "asked_at",
            "reason",
        ]
        read_only_fields = fields
