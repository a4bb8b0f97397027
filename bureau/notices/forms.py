from __future__ import annotations

from typing import Any

from django import forms
from django.utils.text import format_lazy

from bureau.notices.queries import Wish


class PreferencesForm(forms.Form):
    """One check box for each kind and channel that can be turned off."""

    def __init__(self, *args: Any, wishes: list[Wish], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pairs: dict[str, tuple[str, str]] = {}
        for wish in wishes:
            name = f"{wish.kind.name}:{wish.channel}"
            self._pairs[name] = (wish.kind.name, wish.channel.value)
            self.fields[name] = forms.BooleanField(
                label=format_lazy("{} · {}", wish.kind.label, wish.channel.label),
                required=False,
                initial=wish.is_wanted,
            )

    def muted(self) -> set[tuple[str, str]]:
        """What the person does not want."""
        return {
            pair
            for name, pair in self._pairs.items()
            if not self.cleaned_data.get(name, False)
        }
