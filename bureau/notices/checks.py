from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.template import TemplateDoesNotExist
from django.template.loader import get_template

from bureau.notices.models import all_kinds


@register("notices")
def every_kind_has_its_texts(**_kwargs: Any) -> list[CheckMessage]:
    missing: list[CheckMessage] = []
    for kind in all_kinds():
        for name in kind.texts:
            try:
                get_template(name)
            except TemplateDoesNotExist:
                missing.append(
                    Error(f"{kind.name} has no template {name}", id="notices.E001")
                )
    return missing
