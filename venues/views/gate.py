from __future__ import annotations

import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from bureau.accounts.models import User
from bureau.common import clock, codes
from bureau.common.errors import DomainError
from bureau.common.frames import answer_frame
from venues import actions
from venues.errors.gate import PassNeedsDigits, VenueFull
from venues.forms import CountForm, GateForm
from venues.models import Admission, Crossing, EntryPass, Gate, Venue
from venues.models.rules import PriceGroup
from venues.queries.gate import (
    crossings_by_hour,
    crowd_of,
    doors_of,
    holder_of,
    latest_let_in,
    morning_of,
    standing_lines_of,
)
from venues.views.posts import door_chosen, on_duty, person, posts

LATEST = 30
_PAGES = {"desk": "venues:desk", "offline": "venues:gate-offline"}


# --- The address in the QR code -------------------------------------------------------


@never_cache
@require_safe
def scanned(request: HttpRequest, code: str) -> HttpResponse:
    """Whoever points a phone at a pass lands here.

    The holder sees the pass, a member of the venue's staff the gate, and anybody else
    a page without a word about whose pass it is.
    """
    shown = get_object_or_404(
        EntryPass.objects.select_related("booking", "companion"),
        code=codes.normalise(code),
    )
    if isinstance(request.user, User):
        if shown.companion and shown.companion.user_id == request.user.pk:
            return redirect("venues:together", shown.booking.number)
        if shown.booking.booked_by_id == request.user.pk:
            if shown.state == EntryPass.State.REVOKED:
                return redirect(shown.booking)
            return redirect("venues:pass", shown.booking.number)
        if Venue.objects.worked_at_by(request.user).exists():
            text = request.build_absolute_uri()
            return redirect(f"{reverse('venues:gate')}?{urlencode({'code': text})}")
    return render(request, "venues/scanned.html")


# --- The gate -------------------------------------------------------------------------


@dataclass(frozen=True)
class Check:
    """What the gate found out: green with a token, or red with a reason."""

    entry_pass: EntryPass | None = None
    token: str = ""
    refusal: DomainError | None = None
    left: Crossing | None = None

    @property
    def is_full(self) -> bool:
        """Only staff who say why can let in beyond the number of people allowed."""
        return isinstance(self.refusal, VenueFull)

    @property
    def is_unfinished(self) -> bool:
        """Nobody is refused yet: only half of the pass was typed."""
        return isinstance(self.refusal, PassNeedsDigits)


@dataclass(frozen=True)
class Post:
    """Who stands at which door of which venue, and how they work there."""

    person: User
    venue: Venue
    door: Gate | None
    is_way_out: bool
    lets_in_at_once: bool
    has_several: bool
    """Whether there are other venues where this person works."""


def _post(request: HttpRequest, venue: Venue, *, has_several: bool) -> Post:
    return Post(
        person=person(request),
        venue=venue,
        door=door_chosen(request, venue),
        is_way_out=request.session.get("gate_mode") == "out",
        lets_in_at_once=request.session.get("gate_mode") == "quick",
        has_several=has_several,
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def gate(request: HttpRequest) -> HttpResponse:
    """Scan or type a pass and see whom it lets in, or count out who leaves.

    A check changes nothing, unless the post lets in at once. A pass scanned by a
    phone's own camera arrives as `?code=`, and is never more than checked.
    """
    duty = on_duty(request)
    if duty.venue is None:
        return render(request, "venues/gate_venue.html", {"venues": posts(request)})
    post = _post(request, duty.venue, has_several=duty.has_several)
    asked = request.POST if request.method == "POST" else request.GET
    form = GateForm(asked if "code" in asked else None)
    check = Check()
    if form.is_valid():
        text = form.cleaned_data["code"]
        if request.method == "POST" and post.is_way_out:
            check = _let_out(post, text)
        elif request.method == "POST" and post.lets_in_at_once:
            return _let_in(request, post, text)
        else:
            check = _check(post, text)
    return _show(request, post, form=form, check=check)


def _check(post: Post, text: str) -> Check:
    try:
        entry_pass = actions.check_pass(text=text, venue=post.venue)
    except DomainError as refusal:
        return Check(refusal=refusal)
    return _green(post, entry_pass)


def _green(post: Post, entry_pass: EntryPass) -> Check:
    token = actions.check_token(entry_pass=entry_pass, venue=post.venue, by=post.person)
    return Check(entry_pass=entry_pass, token=token)


def _let_out(post: Post, text: str) -> Check:
    try:
        left = actions.let_out(
            text=text, venue=post.venue, by=post.person, gate=post.door
        )
    except DomainError as refusal:
        return Check(refusal=refusal)
    return Check(left=left)


def _let_in(request: HttpRequest, post: Post, text: str) -> HttpResponse:
    """One read of a hand scanner: checked and in, unless a name has to be compared."""
    try:
        done, _is_new = actions.let_in(
            text=text,
            venue=post.venue,
            by=post.person,
            gate=post.door,
            reader=request.session.session_key or "",
        )
    except VenueFull as full:
        # The pass is good: staff may still say why this person comes in.
        check = _check(post, text)
        full_check = Check(check.entry_pass, check.token, full)
        return _show(request, post, form=GateForm(), check=full_check)
    except DomainError as refusal:
        check = Check(refusal=refusal)
        return _show(request, post, form=GateForm(), check=check)
    if isinstance(done, EntryPass):
        check = _green(post, done)
        return _show(request, post, form=GateForm(), check=check)
    return _to_the_green_card(done)


@never_cache
@require_POST
@login_required
def admit(request: HttpRequest) -> HttpResponse:
    """Let the holder of the pass in that this person checked here a moment ago."""
    duty = on_duty(request)
    if duty.venue is None:
        return redirect("venues:gate")
    post = _post(request, duty.venue, has_several=duty.has_several)
    token = request.POST.get("token", "")
    try:
        admission, _is_new = actions.admit_checked(
            token=token,
            by=post.person,
            venue=post.venue,
            gate=post.door,
            over_limit_because=request.POST.get("over_limit_because", ""),
        )
    except DomainError as refusal:
        check = Check(token=token, refusal=refusal)
        return _show(request, post, form=GateForm(), check=check)
    return _to_the_green_card(admission)


def _to_the_green_card(admission: Admission) -> HttpResponse:
    code = admission.entry_pass.code
    return redirect(f"{reverse('venues:gate')}?{urlencode({'in': code})}")


@never_cache
@require_POST
@login_required
def count(request: HttpRequest) -> HttpResponse:
    """Count people who go in or out without a pass."""
    duty = on_duty(request)
    if duty.venue is None:
        return redirect("venues:gate")
    post = _post(request, duty.venue, has_several=duty.has_several)
    form = CountForm(request.POST)
    if not form.is_valid():
        return redirect("venues:gate")
    given = form.cleaned_data
    try:
        actions.count_people(
            venue=post.venue,
            direction=given["direction"],
            persons=given["persons"] or 1,
            group=given["group"],
            by=post.person,
            gate=post.door,
            request_key=given["request_key"],
            over_limit_because=given["over_limit_because"],
        )
    except DomainError as refusal:
        check = Check(refusal=refusal)
        return _show(request, post, form=GateForm(), check=check, counted=form)
    request.session["gate_group"] = given["group"]
    return redirect("venues:gate")


def _show(
    request: HttpRequest,
    post: Post,
    *,
    form: GateForm,
    check: Check,
    counted: CountForm | None = None,
) -> HttpResponse:
    now = clock.now()
    today = clock.at(clock.today(), 0)
    admissions = Admission.objects.filter(venue=post.venue, admitted_at__gte=today)
    latest = latest_let_in(post.venue, since=today, most=LATEST)
    # A question more only where the list does not show them all.
    is_long = len(latest) == LATEST
    hours = crossings_by_hour(post.venue, clock.local_day(morning_of(now)))
    is_answered = bool(check.entry_pass or check.refusal or check.left)
    admitted = _just_in(request, post.venue)
    context: dict[str, Any] = {
        "post": post,
        "venue": post.venue,
        "has_several": post.has_several,
        "doors": doors_of(post.venue),
        "form": _next_form(request, check) if is_answered else form,
        "check": check,
        "counted": counted,
        "admitted": admitted,
        "admitted_name": holder_of(admitted.entry_pass) if admitted else "",
        "let_in": latest,
        "admitted_count": admissions.count() if is_long else len(latest),
        "crowd": crowd_of(post.venue, hours),
        "hours": hours,
        "groups": PriceGroup.choices,
        "group": request.session.get("gate_group", ""),
        "request_key": uuid.uuid4(),
    }
    if check.entry_pass:
        context["holder"] = holder_of(check.entry_pass)
        context["lines"] = standing_lines_of(check.entry_pass)
    status = check.refusal.status if check.refusal else HTTPStatus.OK
    return render(request, "venues/gate.html", context, status=status)


def _next_form(request: HttpRequest, check: Check) -> GateForm:
    """Empty for the next person; a code that lacks its digits waits for them."""
    if not check.is_unfinished:
        return GateForm()
    asked = request.POST if request.method == "POST" else request.GET
    return GateForm(initial={"code": f"{asked['code'].strip()} "})


def _just_in(request: HttpRequest, venue: Venue) -> Admission | None:
    """Who was just let in, for the green card after the tap."""
    code = request.GET.get("in", "")
    if request.method == "POST" or not code:
        return None
    return (
        Admission.objects.filter(venue=venue, entry_pass__code=codes.normalise(code))
        .select_related(
            "entry_pass__booking__booked_by",
            "entry_pass__booking__dependant",
            "entry_pass__companion__user",
        )
        .first()
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def choose_venue(request: HttpRequest) -> HttpResponse:
    """Say where one is on duty, and go on to the page that asked (`?to=desk`)."""
    venues = posts(request)
    to = _PAGES.get(request.GET.get("to", ""), "venues:gate")
    if request.method == "POST":
        venue = venues.filter(code=request.POST.get("venue", "")).first()
        if venue is None:
            raise Http404
        request.session["gate_venue"] = venue.code
        request.session.pop("gate_door", None)
        return redirect(to)
    return render(request, "venues/gate_venue.html", {"venues": venues})


@never_cache
@require_POST
@login_required
def set_up(request: HttpRequest) -> HttpResponse:
    """Say at which door one stands, and what a scan does there."""
    venue = on_duty(request).venue
    door, mode = request.POST.get("door"), request.POST.get("mode")
    if venue and door is not None:
        found = venue.gates.filter(pk=door).first() if door.isdecimal() else None
        request.session["gate_door"] = found.pk if found else None
    if mode in ("check", "quick", "out"):
        request.session["gate_mode"] = mode
    return redirect("venues:gate")


# --- Camera frames --------------------------------------------------------------------


@never_cache
@require_POST
@login_required
def decode(request: HttpRequest) -> HttpResponse:
    """Read the QR code in a small camera frame, for browsers that cannot themselves."""
    posts(request)
    return answer_frame(request)
