from __future__ import annotations

from http import HTTPStatus
from typing import Any, cast

from allauth.account.utils import perform_login
from allauth.account.views import LoginView
from allauth.account.views import password_change as allauth_password_change
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import (
    require_GET,
    require_http_methods,
    require_POST,
)

from bureau.accounts import actions, queries
from bureau.accounts.errors import (
    BadPhone,
    CodeExpired,
    CodeJustSent,
    CodeNotAsked,
    CodeSpent,
    NumberLocked,
)
from bureau.accounts.forms import (
    CodeForm,
    DeleteAccountForm,
    DependantForm,
    EligibilityForm,
    PhoneForm,
    ProfileForm,
    RealNameForm,
    StaffLoginForm,
)
from bureau.accounts.http import SignedInRequest
from bureau.accounts.models import (
    Consent,
    Dependant,
    Eligibility,
    LoginCode,
    Token,
)
from bureau.common import clock
from bureau.common.errors import DomainError
from bureau.common.http import client_ip
from bureau.common.masking import masked_phone


def _next_of(request: HttpRequest) -> str:
    """Where the person was going, if that is a place of ours; else nothing."""
    given = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(
        given, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    # A bare word is no path: `redirect` would look for a view of that name.
    return given if is_ours and given.startswith("/") else ""


def _with_next(address: str, following: str) -> str:
    return f"{address}?{urlencode({'next': following})}" if following else address


# --- The citizens' door ------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_post_parameters("code")
def login(request: HttpRequest) -> HttpResponse:
    """Step one asks for the number, step two for the code; both live at one address."""
    following = _next_of(request)
    if request.user.is_authenticated:
        return redirect(following or settings.LOGIN_REDIRECT_URL)
    if request.method == "GET":
        return _ask_for_phone(request, PhoneForm())
    if "code" in request.POST and "send" not in request.POST:
        return _sign_in(request, following)
    return _send_code(request)


def _send_code(request: HttpRequest) -> HttpResponse:
    form = PhoneForm(request.POST)
    if not form.is_valid():
        return _ask_for_phone(request, form, status=HTTPStatus.BAD_REQUEST)
    phone = form.cleaned_data["phone"]
    try:
        row = actions.send_code(phone=phone, network=client_ip(request))
    except CodeJustSent as early:
        # A code is on its way, so the person is best served where it is typed in.
        code_form = CodeForm(initial={"phone": phone})
        return _ask_for_code(
            request,
            code_form,
            phone=actions.normal_phone(phone),
            resend_in=early.values["after"],
            note=str(early),
            status=early.status,
        )
    except DomainError as refusal:
        form.add_error("phone" if isinstance(refusal, BadPhone) else None, str(refusal))
        return _ask_for_phone(request, form, status=refusal.status)
    return _ask_for_code(
        request,
        CodeForm(initial={"phone": row.phone}),
        phone=row.phone,
        resend_in=int(LoginCode.RESEND_AFTER.total_seconds()),
        demo_code=row.code if settings.SMS_SENDER == "page" else "",
    )


def _sign_in(request: HttpRequest, following: str) -> HttpResponse:
    form = CodeForm(request.POST)
    if not form.is_valid():
        phone = form.cleaned_data.get("phone", "")
        if not phone:  # the hidden field was damaged: begin again
            return _ask_for_phone(
                request, PhoneForm(request.POST), status=HTTPStatus.BAD_REQUEST
            )
        return _ask_for_code(request, form, phone=phone, status=HTTPStatus.BAD_REQUEST)
    given = form.cleaned_data
    try:
        user = actions.redeem_code(
            phone=given["phone"],
            code=given["code"],
            network=client_ip(request),
            language=get_language() or settings.LANGUAGE_CODE,
        )
    except (BadPhone, CodeNotAsked, NumberLocked) as refusal:
        phone_form = PhoneForm({"phone": given["phone"]})
        phone_form.add_error(None, str(refusal))
        return _ask_for_phone(request, phone_form, status=refusal.status)
    except DomainError as refusal:
        form.add_error("code", str(refusal))
        return _ask_for_code(
            request,
            form,
            phone=given["phone"],
            # Without a live code the only way on is a new one.
            resend_in=0 if isinstance(refusal, CodeSpent | CodeExpired) else None,
            status=refusal.status,
        )
    response = perform_login(
        request,
        user,
        email_verification="none",
        redirect_url=following or settings.LOGIN_REDIRECT_URL,
    )
    return cast("HttpResponse", response)


def _ask_for_phone(
    request: HttpRequest, form: PhoneForm, *, status: int = HTTPStatus.OK
) -> HttpResponse:
    following = _next_of(request)
    context = {
        "form": form,
        "next": following,
        "staff_url": _with_next(reverse("account_staff_login"), following),
    }
    return render(request, "accounts/login.html", context, status=status)


def _ask_for_code(
    request: HttpRequest,
    form: CodeForm,
    *,
    phone: str,
    resend_in: int | None = None,
    demo_code: str = "",
    note: str = "",
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    following = _next_of(request)
    if resend_in is None:
        resend_in = _seconds_until_resend(phone)
    context = {
        "form": form,
        "phone": phone,
        "masked_phone": masked_phone(phone),
        "resend_in": resend_in,
        "demo_code": demo_code or _demo_code(phone),
        "note": note,
        "next": following,
        "other_number_url": _with_next(reverse("account_login"), following),
    }
    return render(request, "accounts/login_code.html", context, status=status)


def _seconds_until_resend(phone: str) -> int:
    row = LoginCode.objects.filter(phone=phone).first()
    if row is None:
        return 0
    left = row.sent_at + LoginCode.RESEND_AFTER - clock.now()
    return max(0, int(left.total_seconds()))


def _demo_code(phone: str) -> str:
    """The code itself, where the page plays the phone (see accounts.E002)."""
    if settings.SMS_SENDER != "page":
        return ""
    row = LoginCode.objects.filter(phone=phone, used_at=None).first()
    return row.code if row and clock.now() < row.expires_at else ""


# --- Staff -------------------------------------------------------------------------


class StaffLogin(LoginView):  # type: ignore[misc]
    """User name and password; allauth asks for the second factor and locks out."""

    form_class = StaffLoginForm
    template_name = "account/login.html"

    def form_invalid(self, form: StaffLoginForm) -> HttpResponse:
        response = cast("HttpResponse", super().form_invalid(form))
        response.status_code = HTTPStatus.BAD_REQUEST
        return response


staff_login = StaffLogin.as_view()


@require_GET
@never_cache
def admin_login(request: HttpRequest) -> HttpResponse:
    """/admin/ has no door of its own."""
    following = _next_of(request) or "/admin/"
    if not request.user.is_authenticated:
        return redirect(_with_next(reverse("account_staff_login"), following))
    if not request.user.is_staff:
        raise PermissionDenied
    return redirect(following)


@require_GET
def signup(request: HttpRequest) -> HttpResponse:
    """There is one door, and it also makes accounts."""
    return redirect(_with_next(reverse("account_login"), _next_of(request)))


@login_required
def change_password(request: SignedInRequest, **kwargs: Any) -> HttpResponse:
    if not request.user.has_usable_password():
        raise PermissionDenied  # citizens have a code instead
    return cast("HttpResponse", allauth_password_change(request, **kwargs))


# --- My own data -------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@login_required
def profile(request: SignedInRequest) -> HttpResponse:
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        actions.change_language(language=form.cleaned_data["language"], by=request.user)
        messages.success(request, _("Saved."))
        return redirect("accounts:profile")
    context = {
        "form": form,
        "is_verified": queries.is_verified(request.user),
        "groups": queries.eligible_groups(request.user, on=clock.today()),
    }
    return render(request, "accounts/profile.html", context)


@require_http_methods(["GET", "POST"])
@login_required
@sensitive_post_parameters("name", "id_number")
def real_name(request: SignedInRequest) -> HttpResponse:
    following = _next_of(request)
    form = RealNameForm(request.POST or None)
    status = HTTPStatus.OK
    if request.method == "POST":
        try:
            if form.is_valid():
                actions.verify_identity(**form.cleaned_data, by=request.user)
                messages.success(request, _("Your real name is confirmed."))
                return redirect(following or "accounts:real_name")
            status = HTTPStatus.BAD_REQUEST
        except DomainError as refusal:
            form.add_error(_field_of(refusal, form), str(refusal))
            status = refusal.status
    identity = queries.identity_of(request.user)
    context = {"form": form, "identity": identity, "next": following}
    return render(request, "accounts/real_name.html", context, status=status)


@require_http_methods(["GET", "POST"])
@login_required
@sensitive_post_parameters("name", "id_number")
def family(request: SignedInRequest) -> HttpResponse:
    following = _next_of(request)
    form = DependantForm(request.POST or None)
    status = HTTPStatus.OK
    if request.method == "POST":
        try:
            if form.is_valid():
                actions.register_dependant(**form.cleaned_data, by=request.user)
                messages.success(request, _("Registered."))
                return redirect(following or "accounts:family")
            status = HTTPStatus.BAD_REQUEST
        except DomainError as refusal:
            form.add_error(_field_of(refusal, form), str(refusal))
            status = refusal.status
    context = {
        "form": form,
        "next": following,
        "is_verified": queries.is_verified(request.user),
        "dependants": Dependant.objects.of(request.user).order_by("pk"),
    }
    return render(request, "accounts/family.html", context, status=status)


@require_POST
@login_required
def remove_dependant(request: SignedInRequest, pk: int) -> HttpResponse:
    dependant = get_object_or_404(Dependant.objects.visible_to(request.user), pk=pk)
    actions.remove_dependant(dependant=dependant, by=request.user)
    messages.success(request, _("Removed."))
    return redirect("accounts:family")


@require_http_methods(["GET", "POST"])
@login_required
def eligibilities(request: SignedInRequest) -> HttpResponse:
    form = EligibilityForm(
        request.POST or None, request.FILES or None, user=request.user
    )
    status = HTTPStatus.OK
    if request.method == "POST":
        try:
            if form.is_valid():
                actions.ask_for_eligibility(**form.cleaned_data, by=request.user)
                messages.success(
                    request, _("Handed in. We tell you when it has been checked.")
                )
                return redirect("accounts:eligibilities")
            status = HTTPStatus.BAD_REQUEST
        except DomainError as refusal:
            form.add_error(_field_of(refusal, form), str(refusal))
            status = refusal.status
    mine = Eligibility.objects.visible_to(request.user).select_related("dependant")
    context = {
        "form": form,
        "is_verified": queries.is_verified(request.user),
        "groups": queries.eligible_groups(request.user, on=clock.today()),
        "eligibilities": mine.order_by("-pk"),
    }
    return render(request, "accounts/eligibilities.html", context, status=status)


@require_GET
@login_required
def devices(request: SignedInRequest) -> HttpResponse:
    context = {
        "tokens": Token.objects.filter(user=request.user).order_by("-created", "pk"),
        "sessions": UserSession.objects.purge_and_list(request.user),
        "this_session": request.session.session_key,
    }
    return render(request, "accounts/devices.html", context)


@require_POST
@login_required
def revoke_token(request: SignedInRequest, public_id: str) -> HttpResponse:
    token = get_object_or_404(Token, user=request.user, public_id=public_id)
    actions.revoke_token(token=token, by=request.user)
    messages.success(request, _("Signed out."))
    return redirect("accounts:devices")


@require_POST
@login_required
def end_session(request: SignedInRequest, pk: int) -> HttpResponse:
    session = get_object_or_404(UserSession, user=request.user, pk=pk)
    actions.end_session(session=session, by=request.user)
    messages.success(request, _("Signed out."))
    return redirect("accounts:devices")


@require_http_methods(["GET", "POST"])
@login_required
def consents(request: SignedInRequest) -> HttpResponse:
    mine = Consent.objects.visible_to(request.user)
    if request.method == "POST":
        consent = get_object_or_404(mine, pk=_number(request.POST.get("consent")))
        actions.withdraw_consent(consent=consent, by=request.user)
        messages.success(request, _("Withdrawn."))
        return redirect("accounts:consents")
    rows = mine.select_related("dependant").order_by("-pk")
    return render(request, "accounts/consents.html", {"consents": rows})


@require_GET
@login_required
def my_data(request: SignedInRequest) -> HttpResponse:
    return render(request, "accounts/my_data.html", {"form": DeleteAccountForm()})


@require_POST
@login_required
@never_cache
def download_my_data(request: SignedInRequest) -> HttpResponse:
    data = actions.export_personal_data(by=request.user)
    options = {"ensure_ascii": False, "indent": 2}
    response = JsonResponse(data, json_dumps_params=options)
    response["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return response


@require_POST
@login_required
def delete_account(request: SignedInRequest) -> HttpResponse:
    form = DeleteAccountForm(request.POST)
    status: int = HTTPStatus.BAD_REQUEST
    if form.is_valid():
        try:
            actions.delete_account(by=request.user)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
            status = refusal.status
        else:
            logout(request)
            messages.success(request, _("Your account is deleted."))
            return redirect("/")
    return render(request, "accounts/my_data.html", {"form": form}, status=status)


def _field_of(refusal: DomainError, form: Any) -> str | None:
    """Next to which field a refusal is best read."""
    place = {
        "id_number_invalid": "id_number",
        "identity_not_confirmed": "id_number",
        "consent_needed": "agreed",
        "guardian_consent_needed": "guardian_consent",
        "certificate_out_of_date": "expires_on",
    }.get(refusal.code)
    return place if place in form.fields else None


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else 0
