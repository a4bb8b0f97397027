from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from bureau.accounts.actions.second_factor import spend_code
from bureau.accounts.models import Dependant, Eligibility, User

_PHONE = forms.TextInput(
    attrs={
        "inputmode": "numeric",
        "type": "tel",
        "autocomplete": "tel-national",
        "maxlength": 20,
    }
)
_CODE = forms.TextInput(
    attrs={
        "class": "input--code",
        "inputmode": "numeric",
        "pattern": "[0-9]*",
        "autocomplete": "one-time-code",
        "maxlength": 6,
        "autofocus": True,
    }
)


class PhoneForm(forms.Form):
    phone = forms.CharField(label=_("Mobile number"), max_length=20, widget=_PHONE)


class CodeForm(forms.Form):
    phone = forms.CharField(max_length=20, widget=forms.HiddenInput)
    code = forms.CharField(
        label=_("SMS code"),
        help_text=_("6 digits, valid for 5 minutes."),
        max_length=12,
        widget=_CODE,
    )
    agreed = forms.BooleanField(
        label=_("I agree to the terms of use and the privacy notice"),
        error_messages={"required": _("Please agree, so that we may sign you in.")},
    )

    def clean_code(self) -> str:
        # Some phones paste "123 456".
        return "".join(self.cleaned_data["code"].split())


class StaffLoginForm(LoginForm):  # type: ignore[misc]
    """allauth's own, in our words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("User name")
        self.fields["password"].label = _("Password")
        self.fields["password"].help_text = ""
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)


class _FactorInOurWords:
    """allauth's own calls it a code, and so do the counters their vouchers'."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["code"]
        field.label = _("Authenticator code")
        field.widget.attrs.pop("placeholder", None)


class _FactorOnce(_FactorInOurWords):
    """A code opens one door (actions/second_factor.py)."""

    user: User

    def clean_code(self) -> str:
        code = str(super().clean_code())  # type: ignore[misc]
        if not spend_code(self.user, code):
            raise get_adapter().validation_error("incorrect_code")
        return code


class ActivateFactorForm(_FactorOnce, ActivateTOTPForm):  # type: ignore[misc]
    """The first code of an app shows that it has the secret."""


class FactorForm(_FactorOnce, AuthenticateForm):  # type: ignore[misc]
    """The second step of signing in."""


class FactorAgainForm(_FactorOnce, ReauthenticateForm):  # type: ignore[misc]
    """Asked before something that matters."""


class ProfileForm(forms.ModelForm[User]):
    language = forms.ChoiceField(
        label=_("Language of messages"), choices=settings.LANGUAGES
    )

    class Meta:
        model = User
        fields = ["language"]


_ID_NUMBER = forms.TextInput(
    attrs={"autocomplete": "off", "autocapitalize": "characters", "maxlength": 22}
)


class RealNameForm(forms.Form):
    name = forms.CharField(
        label=_("Name as on the ID card"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    id_number = forms.CharField(
        label=_("Resident ID number"), max_length=22, widget=_ID_NUMBER
    )
    agreed = forms.BooleanField(
        label=_("I agree that the name and ID number are checked and kept encrypted")
    )


class DependantForm(RealNameForm):
    relation = forms.ChoiceField(label=_("Relation"), choices=Dependant.Relation)
    guardian_consent = forms.BooleanField(
        label=_("As guardian I consent to the use of this child's data"),
        help_text=_("Needed for a child under 14."),
        required=False,
    )

    field_order = ["relation", "name", "id_number", "agreed", "guardian_consent"]


class EligibilityForm(forms.Form):
    kind = forms.ChoiceField(label=_("Kind"), choices=Eligibility.Kind)
    dependant = forms.ModelChoiceField(
        label=_("For"),
        queryset=Dependant.objects.none(),
        required=False,
        empty_label=_("myself"),
    )
    expires_on = forms.DateField(
        label=_("Certificate valid until"),
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    certificate = forms.FileField(
        label=_("Photo of the certificate"),
        widget=forms.FileInput(attrs={"accept": "image/*"}),
    )
    agreed = forms.BooleanField(
        label=_("I agree that staff look at this picture to check it")
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["dependant"]
        assert isinstance(choice, forms.ModelChoiceField)  # noqa: S101 - as declared
        choice.queryset = Dependant.objects.of(user).order_by("pk")


class DeleteAccountForm(forms.Form):
    sure = forms.BooleanField(
        label=_("I know that this cannot be undone, and that I will be signed out")
    )


class ApproveForm(forms.Form):
    expires_on = forms.DateField(
        label=_("Valid until, as on the certificate"), widget=UnfoldAdminDateWidget
    )


class RefuseForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason, as the person will read it"),
        max_length=200,
        widget=UnfoldAdminTextareaWidget,
    )


class RevealForm(forms.Form):
    reason = forms.CharField(
        label=_("Why you need to see it"),
        help_text=_("The reason is kept with your name."),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
    )
