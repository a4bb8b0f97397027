"""The window and the telephone: find a person, book, take cash, print, pay out."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from http import HTTPStatus
from io import BytesIO
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)
from openpyxl import Workbook  # type: ignore[import-untyped]

from bureau.accounts import actions as accounts
from bureau.accounts.forms import PhoneForm
from bureau.accounts.models import LoginCode, User
from bureau.accounts.queries import eligible_groups, identity_of
from bureau.common import clock, codes
from bureau.common.errors import DomainError
from bureau.common.http import client_ip
from bureau.common.sports import Sport
from bureau.payments.models import CashMovement, Payment, Refund
from venues import actions, queries
from venues.actions.sessions import MOST_PLACES
from venues.actions.slots import PickedSlot, resolve_picks
from venues.errors import DeskVisitOver, PriceChanged, SlotTaken
from venues.forms import (
    AttachPhoneForm,
    DeskBookForm,
    FindForm,
    RegisterForm,
    read_day,
    read_picks,
)
from venues.models import Booking, BookingLine, EntryPass, OpenSession, Venue
from venues.models.rules import PriceGroup
from venues.queries.desk import CashSheet, cash_sheet, refunds_to_pay_out
from venues.queries.sessions import sessions_of_day, ticket_price
from venues.views.posts import person, posts, venue_chosen

VISIT = timedelta(minutes=30)
"""How long a person who was found stays open on a desk's screen."""
_SALT = "venues.desk.visit"
DAYS = 14
LATEST = 20


def _venue(request: HttpRequest) -> Venue | None:
    return venue_chosen(request, posts(request))


def _elsewhere() -> HttpResponse:
    return redirect(f"{reverse('venues:gate-venue')}?to=desk")


# --- Who is at the window -------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def desk(request: HttpRequest) -> HttpResponse:
    """Find somebody by a number; whoever is not known can be registered at once."""
    venue = _venue(request)
    if venue is None:
        return _elsewhere()
    form = FindForm(request.POST if request.method == "POST" else None)
    register: RegisterForm | None = None
    refusal: DomainError | None = None
    if form.is_valid():
        number = form.cleaned_data["number"]
        try:
            found = accounts.find_person(number=number, by=person(request))
        except DomainError as said_no:
            refusal = said_no
        else:
            if found:
                return redirect("venues:desk-person", _visit(request, found))
            register = RegisterForm(initial={"number": number})
    return _show_desk(request, venue, form, register, refusal)


@never_cache
@require_POST
@login_required
def register(request: HttpRequest) -> HttpResponse:
    """Open an account by name and number, and go on to the courts."""
    venue = _venue(request)
    if venue is None:
        return _elsewhere()
    form = RegisterForm(request.POST)
    refusal: DomainError | None = None
    if form.is_valid():
        given = form.cleaned_data
        try:
            made = accounts.register_person(
                name=given["name"],
                number=given["number"],
                agreed=given["agreed"],
                by=person(request),
            )
        except DomainError as said_no:
            refusal = said_no
        else:
            return redirect("venues:desk-person", _visit(request, made))
    find = FindForm(initial={"number": request.POST.get("number", "")[:30]})
    return _show_desk(request, venue, find, form, refusal)


def _show_desk(
    request: HttpRequest,
    venue: Venue,
    form: FindForm,
    register_form: RegisterForm | None,
    refusal: DomainError | None,
) -> HttpResponse:
    today = clock.at(clock.today(), 0)
    latest = (
        Booking.objects.filter(venue=venue, channel="desk", created_at__gte=today)
        .select_related("booked_by")
        .order_by("-created_at", "-pk")
    )
    context = {
        "venue": venue,
        "has_several": posts(request).count() > 1,
        "form": form,
        "register": register_form,
        "refusal": refusal,
        "latest": latest[:LATEST],
        "to_pay_out": refunds_to_pay_out(venue).count(),
    }
    status = refusal.status if refusal else HTTPStatus.OK
    return render(request, "venues/desk.html", context, status=status)


def _visit(request: HttpRequest, found: User) -> str:
    """The person in the address, so that two windows never mix two people up."""
    return signing.dumps(
        {"person": found.pk, "staff": person(request).pk}, salt=_SALT, compress=True
    )


def _visitor(request: HttpRequest, visit: str) -> User:
    """Who is served; raises `DeskVisitOver` after a while, and for other staff."""
    try:
        who = signing.loads(visit, salt=_SALT, max_age=VISIT)
    except signing.BadSignature as wrong:
        raise DeskVisitOver from wrong
    if who["staff"] != person(request).pk:
        raise DeskVisitOver
    found = User.objects.filter(pk=who["person"], is_active=True).first()
    if found is None:
        raise DeskVisitOver
    return found


def _visit_over(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    messages.warning(request, str(refusal))
    return redirect("venues:desk")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def desk_phone(request: HttpRequest, visit: str) -> HttpResponse:
    """Ask somebody without a number for theirs, and send a code to it."""
    if _venue(request) is None:
        return _elsewhere()
    try:
        visitor = _visitor(request, visit)
    except DeskVisitOver as over:
        return _visit_over(request, over)
    form = PhoneForm(request.POST if request.method == "POST" else None)
    status: int = HTTPStatus.OK
    if form.is_valid():
        try:
            sent = accounts.send_code_to_attach(
                person=visitor,
                phone=form.cleaned_data["phone"],
                network=client_ip(request),
            )
        except DomainError as refusal:
            form.add_error(None, str(refusal))
            status = refusal.status
        else:
            code_form = AttachPhoneForm(initial={"phone": sent.phone})
            return _show_phone(request, visit, visitor, code_form, sent=sent)
    return _show_phone(request, visit, visitor, form, status=status)


@never_cache
@require_POST
@login_required
def desk_phone_code(request: HttpRequest, visit: str) -> HttpResponse:
    """The person read the code aloud: the number is theirs to sign in with."""
    if _venue(request) is None:
        return _elsewhere()
    try:
        visitor = _visitor(request, visit)
    except DeskVisitOver as over:
        return _visit_over(request, over)
    form = AttachPhoneForm(request.POST)
    status: int = HTTPStatus.BAD_REQUEST
    if form.is_valid():
        given = form.cleaned_data
        try:
            accounts.attach_phone(
                person=visitor,
                phone=given["phone"],
                code=given["code"],
                id_card_seen=given["id_card_seen"],
                network=client_ip(request),
                by=person(request),
            )
        except DomainError as refusal:
            form.add_error(None, str(refusal))
            status = refusal.status
        else:
            messages.success(request, _("The number was added."))
            return redirect("venues:desk-person", visit)
    return _show_phone(request, visit, visitor, form, status=status)


def _show_phone(
    request: HttpRequest,
    visit: str,
    visitor: User,
    form: PhoneForm | AttachPhoneForm,
    *,
    sent: LoginCode | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    context = {
        "visit": visit,
        "visitor": visitor,
        "identity": identity_of(visitor),
        "form": form,
        "asks_for_code": isinstance(form, AttachPhoneForm),
        "demo_code": sent.code if sent and settings.SMS_SENDER == "page" else "",
    }
    return render(request, "venues/desk_phone.html", context, status=status)


# --- The courts -----------------------------------------------------------------------


@never_cache
@require_safe
@login_required
def desk_person(request: HttpRequest, visit: str) -> HttpResponse:
    """The person (masked) and the courts of a day, those kept for the desk included."""
    venue = _venue(request)
    if venue is None:
        return _elsewhere()
    try:
        visitor = _visitor(request, visit)
    except DeskVisitOver as refusal:
        return _visit_over(request, refusal)
    now, today = clock.now(), clock.today()
    groups = eligible_groups(visitor, on=today)
    sports = queries.house_rules(venue, today=today).sports
    sport = request.GET.get("sport") or (sports[0] if sports else "")
    if sport and sport not in sports:
        raise Http404
    on = read_day(request.GET.get("on", "")) or today
    changed = _changed_booking(request, venue, visitor)
    context: dict[str, Any] = {
        "venue": venue,
        "visit": visit,
        "visitor": visitor,
        "identity": identity_of(visitor),
        "groups": [label for code, label in PriceGroup.choices if code in groups],
        "sports": [(code, Sport(code).label) for code in sports],
        "sport": sport,
        "on": on,
        "days": [today + timedelta(days=n) for n in range(DAYS)],
        "changed": changed,
        "sessions": []
        if changed
        else sessions_of_day(venue, on, at=now, groups=groups),
        "coming": Booking.objects.filter(venue=venue, booked_by=visitor)
        .upcoming_at(now)
        .order_by("starts_at", "pk"),
    }
    if sport:
        grid = queries.day_grid(
            venue,
            sport=sport,
            on=on,
            at=now,
            groups=groups,
            channel=Booking.Channel.DESK,
        )
        context["grid"] = grid
        context["rows"] = [row for row in grid.rows if row.starts_at > now]
    return render(request, "venues/desk_person.html", context)


def _changed_booking(
    request: HttpRequest, venue: Venue, visitor: User
) -> Booking | None:
    """The booking whose slots are exchanged, when the page is asked to do that."""
    if not (number := request.GET.get("change", "")):
        return None
    mine = Booking.objects.filter(venue=venue, booked_by=visitor)
    found: Booking = get_object_or_404(mine, number=codes.normalise(number))
    return found


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def desk_book(request: HttpRequest, visit: str) -> HttpResponse:
    """The price at the person's own rate; one tap takes the cash and the court."""
    venue = _venue(request)
    if venue is None:
        return _elsewhere()
    try:
        visitor = _visitor(request, visit)
    except DeskVisitOver as refusal:
        return _visit_over(request, refusal)
    changed = _changed_booking(request, venue, visitor)
    said_no: DomainError | None = None
    if request.method == "POST":
        try:
            booking = _take(request, venue, visitor, changed)
        except DomainError as refusal:
            said_no = refusal
        else:
            if booking:
                return redirect("venues:desk-booking", booking.number)
    return _show_book(
        request, visit, served=(venue, visitor), changed=changed, refusal=said_no
    )


def _show_book(
    request: HttpRequest,
    visit: str,
    *,
    served: tuple[Venue, User],
    changed: Booking | None,
    refusal: DomainError | None,
) -> HttpResponse:
    venue, visitor = served
    leaving: list[BookingLine] = []
    slots: list[PickedSlot] = []
    # A changed price is a question to the person, not the end of the road.
    if refusal is None or isinstance(refusal, PriceChanged):
        try:
            leaving, slots = _summary(request, venue, visitor, changed)
        except DomainError as said_no:
            refusal = said_no
    total = sum(slot.offer.price.fen for slot in slots)
    now = clock.now()
    credit = sum(line.booking.refund_of(line, at=now) for line in leaving)
    context = {
        "venue": venue,
        "visit": visit,
        "visitor": visitor,
        "slots": slots,
        "total_fen": total,
        "credit_fen": credit,
        "to_pay_fen": max(0, total - credit),
        "back_fen": max(0, credit - total),
        "changed": changed,
        "refusal": refusal,
        "form": DeskBookForm(
            initial={"quoted_fen": total, "request_key": uuid.uuid4()}
        ),
        "grid_url": _back_to_grid(visit, slots, changed),
    }
    status = refusal.status if refusal else HTTPStatus.OK
    return render(request, "venues/desk_book.html", context, status=status)


def _take(
    request: HttpRequest, venue: Venue, visitor: User, changed: Booking | None
) -> Booking | None:
    form = DeskBookForm(request.POST)
    if not form.is_valid():
        return None
    given = form.cleaned_data
    picks = read_picks(request.GET.getlist("slot"))
    if changed:
        actions.change_at_desk(
            booking=changed,
            picks=picks,
            quoted_fen=given["quoted_fen"],
            request_key=given["request_key"],
            by=person(request),
        )
        return changed
    return actions.book_at_desk(
        venue=venue,
        picks=picks,
        quoted_fen=given["quoted_fen"],
        request_key=given["request_key"],
        person=visitor,
        way="link" if given["way"] == "link" else "cash",
        by=person(request),
    )


def _summary(
    request: HttpRequest, venue: Venue, visitor: User, changed: Booking | None
) -> tuple[list[BookingLine], list[PickedSlot]]:
    """(what is given up, what is taken) as the action will see it."""
    now = clock.now()
    picks = read_picks(request.GET.getlist("slot"))
    if changed:
        standing = changed.lines.filter(state="standing").values_list("pk", flat=True)
        return actions.exchange_of(
            changed, list(standing), picks, at=now, channel=Booking.Channel.DESK
        )
    slots = resolve_picks(
        venue,
        picks,
        at=now,
        groups=eligible_groups(visitor, on=clock.local_day(now)),
        channel=Booking.Channel.DESK,
    )
    wanted = [w for slot in slots for w in slot.wanted]
    if queries.is_taken(wanted, at=now):
        raise SlotTaken
    return [], slots


def _back_to_grid(visit: str, slots: list[PickedSlot], changed: Booking | None) -> str:
    url = reverse("venues:desk-person", args=[visit])
    asked = []
    if slots:
        day = clock.local_day(slots[0].offer.starts_at)
        asked += [f"on={day}", f"sport={slots[0].bookable.sport}"]
    if changed:
        asked.append(f"change={changed.number}")
    return f"{url}?{'&'.join(asked)}#slots" if asked else url


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def desk_tickets(request: HttpRequest, visit: str, pk: int) -> HttpResponse:
    """Places in an open session at the person's own price, sold until its end."""
    venue = _venue(request)
    if venue is None:
        return _elsewhere()
    try:
        visitor = _visitor(request, visit)
    except DeskVisitOver as refusal:
        return _visit_over(request, refusal)
    rows = OpenSession.objects.select_related("venue", "bookable").filter(venue=venue)
    shown = get_object_or_404(rows, pk=pk)
    places = _places_asked(request)
    said_no: DomainError | None = None
    form = DeskBookForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        given = form.cleaned_data
        try:
            booking = actions.sell_tickets(
                session=shown,
                places=places,
                quoted_fen=given["quoted_fen"],
                request_key=given["request_key"],
                person=visitor,
                way="link" if given["way"] == "link" else "cash",
                by=person(request),
            )
        except DomainError as refusal:
            said_no = refusal
        else:
            return redirect("venues:desk-booking", booking.number)
    groups = eligible_groups(visitor, on=clock.today())
    price = ticket_price(shown, places, groups=groups)
    context = {
        "venue": venue,
        "visit": visit,
        "visitor": visitor,
        "session": shown,
        "places": places,
        "choices": range(1, MOST_PLACES + 1),
        "total_fen": price.fen,
        "refusal": said_no,
        "form": DeskBookForm(
            initial={"quoted_fen": price.fen, "request_key": uuid.uuid4()}
        ),
    }
    status = said_no.status if said_no else HTTPStatus.OK
    return render(request, "venues/desk_tickets.html", context, status=status)


def _places_asked(request: HttpRequest) -> int:
    asked = request.GET.get("places", "1")
    is_number = asked.isascii() and asked.isdigit() and len(asked) == 1
    return min(max(int(asked), 1), MOST_PLACES) if is_number else 1


# --- A booking of this venue ----------------------------------------------------------


def _booking(request: HttpRequest, number: str) -> Booking:
    """A booking of the venues where this person works; another one is not there."""
    mine = Booking.objects.filter(venue__in=Venue.objects.worked_at_by(person(request)))
    rows = mine.select_related("venue", "booked_by", "dependant")
    found: Booking = get_object_or_404(rows, number=codes.normalise(number))
    return found


@never_cache
@require_safe
@login_required
def desk_booking(request: HttpRequest, number: str) -> HttpResponse:
    """Receipt, pass and what can still be done about a booking."""
    posts(request)
    shown = _booking(request, number)
    return _show_booking(request, shown, None)


def _show_booking(
    request: HttpRequest, shown: Booking, refusal: DomainError | None
) -> HttpResponse:
    now = clock.now()
    lines = list(
        shown.lines.filter(state="standing")
        .select_related("bookable")
        .order_by("starts_at", "pk")
    )
    paid = Payment.objects.for_owner(shown)
    due = paid.payable_at(now).first()
    may_give_back = shown.can_be_given_back_at(now) and not due
    context = {
        "booking": shown,
        "venue": shown.venue,
        "visit": _visit(request, shown.booked_by),
        "lines": lines,
        "state": shown.shown_state_at(now),
        "entry_pass": EntryPass.objects.live()
        .filter(booking=shown, companion=None)
        .first(),
        "receipts": CashMovement.objects.filter(payment__in=paid)
        .select_related("moved_by")
        .order_by("pk"),
        "due": due,
        "can_cancel": may_give_back,
        "can_change": may_give_back
        and shown.state == Booking.State.CONFIRMED
        and not any(line.session_id for line in lines),
        "comes_back_fen": sum(shown.refund_of(line, at=now) for line in lines)
        if shown.state == Booking.State.CONFIRMED
        else 0,
        "refusal": refusal,
    }
    status = refusal.status if refusal else HTTPStatus.OK
    return render(request, "venues/desk_booking.html", context, status=status)


@never_cache
@require_POST
@login_required
def desk_cash_in(request: HttpRequest, number: str) -> HttpResponse:
    """Somebody with a payment link, or an unpaid hold, pays in cash after all."""
    shown = _booking(request, number)
    try:
        actions.take_cash_for(booking=shown, by=person(request))
    except DomainError as refusal:
        return _show_booking(request, shown, refusal)
    return redirect("venues:desk-booking", shown.number)


@never_cache
@require_POST
@login_required
def desk_cancel(request: HttpRequest, number: str) -> HttpResponse:
    """The person gives it back, on the terms that were promised with the booking."""
    shown = _booking(request, number)
    told = request.POST.get("expected_fen", "")
    try:
        actions.cancel_booking(
            booking=shown,
            by=person(request),
            expected_fen=int(told) if told.isascii() and told.isdigit() else None,
        )
    except DomainError as refusal:
        return _show_booking(request, shown, refusal)
    messages.success(request, _("Cancelled."))
    return redirect("venues:desk-booking", shown.number)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def desk_paper(request: HttpRequest, number: str) -> HttpResponse:
    """The pass on paper, A6 or 80 mm; the POST is what makes paper good at the gate."""
    shown = _booking(request, number)
    if request.method == "POST":
        try:
            actions.print_pass(booking=shown, by=person(request))
        except DomainError as refusal:
            return _show_booking(request, shown, refusal)
        return redirect("venues:desk-paper", shown.number)
    entry_pass = _paper_of(shown)
    receipts = CashMovement.objects.filter(
        payment__in=Payment.objects.for_owner(shown), refund=None
    )
    context = {
        "booking": shown,
        "venue": shown.venue,
        "entry_pass": entry_pass,
        "code": codes.grouped(entry_pass.code),
        "lines": shown.lines.filter(state="standing")
        .select_related("bookable")
        .order_by("starts_at", "pk"),
        "opens_at": queries.gate_opens_at(shown),
        "receipts": receipts.order_by("pk"),
    }
    return render(request, "venues/desk_paper.html", context)


@never_cache
@require_safe
@login_required
def desk_paper_qr(request: HttpRequest, number: str) -> HttpResponse:
    entry_pass = _paper_of(_booking(request, number))
    address = reverse("venues:scanned", args=[entry_pass.code])
    svg = codes.qr_svg(f"{settings.PUBLIC_URL}{address}")
    return HttpResponse(svg, content_type="image/svg+xml")


def _paper_of(shown: Booking) -> EntryPass:
    printed = EntryPass.objects.live().filter(
        booking=shown, companion=None, printed_at__isnull=False
    )
    found: EntryPass = get_object_or_404(printed)
    return found


# --- The drawer -----------------------------------------------------------------------


@never_cache
@require_safe
@login_required
def desk_cash(request: HttpRequest) -> HttpResponse:
    """What was taken and paid out on a day, by whom; and what waits to be paid out."""
    venue = _venue(request)
    if venue is None:
        return _elsewhere()
    return _show_cash(request, venue, None)


def _show_cash(
    request: HttpRequest, venue: Venue, refusal: DomainError | None
) -> HttpResponse:
    on = _day(request)
    today = clock.today()
    context = {
        "venue": venue,
        "sheet": cash_sheet(venue, on),
        "on": on,
        "yesterday": on - timedelta(days=1),
        "tomorrow": on + timedelta(days=1) if on < today else None,
        "to_pay_out": refunds_to_pay_out(venue),
        "refusal": refusal,
    }
    status = refusal.status if refusal else HTTPStatus.OK
    return render(request, "venues/desk_cash.html", context, status=status)


@never_cache
@require_POST
@login_required
def desk_pay_out(request: HttpRequest, number: str) -> HttpResponse:
    """Confirm that the cash of a refund was put into the person's hand."""
    venue = _venue(request)
    if venue is None:
        return _elsewhere()
    refund = get_object_or_404(Refund.objects.select_related("payment"), number=number)
    try:
        actions.pay_out_refund(refund=refund, venue=venue, by=person(request))
    except DomainError as refusal:
        return _show_cash(request, venue, refusal)
    messages.success(request, _("Paid out."))
    return redirect("venues:desk-cash")


@never_cache
@require_safe
@login_required
def desk_cash_xlsx(request: HttpRequest) -> HttpResponse:
    venue = _venue(request)
    if venue is None:
        return _elsewhere()
    sheet = cash_sheet(venue, _day(request))
    answer = HttpResponse(
        _as_xlsx(venue, sheet),
        content_type=(
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        ),
    )
    name = f"cash-{venue.code}-{sheet.on}.xlsx"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _as_xlsx(venue: Venue, sheet: CashSheet) -> bytes:
    book = Workbook()
    page = book.active
    page.title = _("Cash")
    page.append([_("Cash of a day"), venue.display_name, sheet.on.isoformat()])
    page.append([])
    page.append([_("Staff"), _("Cash taken"), _("Paid out"), _("In the drawer")])
    for drawer in sheet.drawers:
        page.append(
            [
                _plain(drawer.person.display_name),
                drawer.taken_fen / 100,
                drawer.paid_out_fen / 100,
                drawer.left_fen / 100,
            ]
        )
    page.append(
        [
            _("Total"),
            sheet.taken_fen / 100,
            sheet.paid_out_fen / 100,
            sheet.left_fen / 100,
        ]
    )
    page.append([])
    page.append([_("Receipt"), _("Time"), _("Yuan"), _("For"), _("By")])
    for movement in sheet.movements:
        page.append(
            [
                movement.number,
                f"{movement.moved_at.astimezone(clock.CHINA):%H:%M}",
                movement.fen / 100,
                _plain(movement.payment.title),
                _plain(movement.moved_by.display_name),
            ]
        )
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _plain(text: str) -> str:
    """No cell begins with what a spreadsheet would run."""
    return f"'{text}" if text[:1] in "=+-@" else text


def _day(request: HttpRequest) -> date:
    today = clock.today()
    asked = read_day(request.GET.get("on", "")) or today
    return min(asked, today)
