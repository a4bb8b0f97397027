"""How forms look: `{{ form }}` and `{{ field.as_field_group }}` use our components."""

from __future__ import annotations

from django.forms.renderers import TemplatesSetting


class ComponentRenderer(TemplatesSetting):
    form_template_name = "components/form.html"
    field_template_name = "components/field.html"
