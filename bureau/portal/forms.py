from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from bureau.common.sports import Sport


class SampleForm(forms.Form):
    """One field of each kind, for the page that shows all components."""

    name = forms.CharField(label=_("Name"), help_text=_("As on the identity card."))
    phone = forms.RegexField(
        r"1\d{10}",
        label=_("Mobile number"),
        error_messages={"invalid": _("A mobile number has 11 digits.")},
    )
    sport = forms.ChoiceField(label=_("Sport"), choices=Sport.choices, required=False)
    way = forms.ChoiceField(
        label=_("How do you pay?"),
        choices=[("wechat", "WeChat"), ("alipay", "Alipay")],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(label=_("Note"), widget=forms.Textarea, required=False)
    agree = forms.BooleanField(label=_("I agree"), help_text=_("You can take it back."))

    def clean(self) -> None:
        self.add_error(None, _("This sample is never valid."))
