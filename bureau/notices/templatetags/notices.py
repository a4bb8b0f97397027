"""`{% load notices %}`: `{% unread_notices request.user as count %}`."""

from __future__ import annotations

from django import template
from django.contrib.auth.models import AnonymousUser

from bureau.accounts.models import User
from bureau.notices import queries

register = template.Library()


@register.simple_tag
def unread_notices(user: User | AnonymousUser) -> int:
    """How many messages wait for a person; 0 for a visitor."""
    return queries.unread_count(user) if isinstance(user, User) else 0
