from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_GET,
    require_http_methods,
    require_POST,
)

from bureau.accounts.http import SignedInRequest
from bureau.common.errors import DomainError
from bureau.common.pagination import page_of
from bureau.notices import actions, queries
from bureau.notices.forms import PreferencesForm
from bureau.notices.models import Notice

PER_PAGE = 20


@never_cache
@require_GET
@login_required
def inbox(request: SignedInRequest) -> HttpResponse:
    mine = Notice.objects.visible_to(request.user).newest_first()
    page = page_of(mine, request, per_page=PER_PAGE)
    context = {
        "page": page,
        "letters": queries.letters(page.object_list),
        "unread": queries.unread_count(request.user),
    }
    return render(request, "notices/inbox.html", context)


@require_POST
@login_required
def read(request: SignedInRequest, notice_id: int) -> HttpResponse:
    """Mark one message as read, and open what it is about."""
    notices = Notice.objects.visible_to(request.user).filter(pk=notice_id)
    notice = notices.first()
    if notice is None:
        raise Http404
    actions.mark_read(notices=notices, by=request.user)
    return redirect(queries.letter_of(notice).url or "notices:inbox")


@require_POST
@login_required
def read_all(request: SignedInRequest) -> HttpResponse:
    actions.mark_read(notices=Notice.objects.all(), by=request.user)
    messages.success(request, _("All messages are marked as read."))
    return redirect("notices:inbox")


@never_cache
@require_http_methods(["GET", "POST"])
@login_required
def preferences(request: SignedInRequest) -> HttpResponse:
    """Choose what comes by SMS and e-mail; the inbox has everything."""
    wishes = queries.wishes_of(request.user)
    # With no box ticked the API of forms would see no data: no box is an answer too.
    answer = request.POST if request.method == "POST" else None
    form = PreferencesForm(answer, wishes=wishes)
    if form.is_valid():
        try:
            actions.set_mutes(user=request.user, muted=form.muted())
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Your choice is saved."))
            return redirect("notices:preferences")
    context = {"form": form, "necessary": queries.necessary_kinds()}
    return render(request, "notices/preferences.html", context)
