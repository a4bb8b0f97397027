from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from allauth.mfa.admin import AuthenticatorAdmin as AllauthAuthenticatorAdmin
from allauth.mfa.models import Authenticator
from allauth.usersessions.admin import UserSessionAdmin as AllauthUserSessionAdmin
from allauth.usersessions.models import UserSession
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.forms import Form, ModelForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from bureau.accounts import actions
from bureau.accounts.errors import BadPhone, EligibilityChanged
from bureau.accounts.forms import ApproveForm, RefuseForm, RevealForm
from bureau.accounts.models import (
    Consent,
    Dependant,
    Eligibility,
    Role,
    Token,
    User,
    VerifiedIdentity,
)
from bureau.common import masking
from bureau.common.errors import DomainError
from bureau.common.staff_tables import Badge, StaffTable
from bureau.common.words import listed

STATE_COLOURS = {
    Eligibility.State.PENDING: "info",
    Eligibility.State.APPROVED: "success",
    Eligibility.State.REFUSED: "danger",
    Eligibility.State.EXPIRED: "warning",
}


def _staff(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - the admin lets nobody else in
    return request.user


class _ByPhone(StaffTable):
    """Search by a whole number in any spelling; a part of one finds nobody."""

    phone_lookup = "phone"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        try:
            phone = actions.normal_phone(search_term)
        except BadPhone:
            return super().get_search_results(request, queryset, search_term)
        return queryset.filter(**{self.phone_lookup: phone}), False


class _LookOnly(_ByPhone):
    """Staff see masked rows; what is changed, the person or an action changes."""

    def has_add_permission(self, request: HttpRequest, *_args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, *_args: Any) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, *_args: Any) -> bool:
        return False

    def ask(
        self,
        request: HttpRequest,
        *,
        form: Form,
        title: Any,
        submit: Any,
        act: Callable[[dict[str, Any]], HttpResponse],
    ) -> HttpResponse:
        """A small form on its own page; a refusal is shown on it."""
        status = HTTPStatus.OK
        if request.method == "POST":
            status = HTTPStatus.BAD_REQUEST
            if form.is_valid():
                try:
                    return act(form.cleaned_data)
                except DomainError as refusal:
                    form.add_error(None, str(refusal))
                    status = refusal.status
        context = {"form": form, "title": title, "submit": submit}
        return self.page(request, context, status=status)

    def page(
        self, request: HttpRequest, context: dict[str, Any], *, status: int = 200
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "revealed": None,
            "subtitle": None,
            **context,
        }
        return render(request, "accounts/admin_form.html", context, status=status)


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User], _ByPhone):
    """Staff accounts are made and changed here; of citizens little is shown."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = [
        "display_name",
        "masked_phone",
        "roles",
        "is_staff",
        "is_active",
        "date_joined",
    ]
    list_display_links = ["display_name"]
    list_filter = ["is_staff", "is_active", "groups"]
    search_fields = ["=username", "last_name", "first_name"]
    search_help_text = _("User name, staff name, or a whole mobile number")
    date_hierarchy = "date_joined"
    ordering = ["-date_joined", "-pk"]
    readonly_fields = ["masked_phone", "last_login", "date_joined", "deleted_at"]
    fieldsets = [
        (None, {"fields": ["username", "password", "is_active"]}),
        (_("Person"), {"fields": ["last_name", "first_name", "email", "masked_phone"]}),
        (_("Roles"), {"fields": ["is_staff", "is_superuser", "groups"]}),
        (_("Dates"), {"fields": ["last_login", "date_joined", "deleted_at"]}),
    ]
    add_fieldsets = [
        (
            None,
            {
                "classes": ["wide"],
                "fields": [
                    "username",
                    "last_name",
                    "first_name",
                    "usable_password",
                    "password1",
                    "password2",
                ],
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Who works for districts looks up colleagues; citizens, the city's staff."""
        rows = super().get_queryset(request).prefetch_related("groups")
        return rows if _staff(request).sees_the_city else rows.filter(is_staff=True)

    def opens_every_row(self, request: HttpRequest) -> bool:
        return super().opens_every_row(request) and _staff(request).sees_the_city

    def get_readonly_fields(
        self, request: HttpRequest, obj: User | None = None
    ) -> list[str]:
        """Only a superuser hands out roles, or staff could promote themselves."""
        fixed = list(super().get_readonly_fields(request, obj))
        if not _staff(request).is_superuser:
            fixed += ["is_superuser", "groups"]
        return fixed

    def has_change_permission(
        self, request: HttpRequest, obj: User | None = None
    ) -> bool:
        """A superuser, and a citizen's account, are no business of other staff."""
        if not super().has_change_permission(request, obj):
            return False
        mine = _staff(request).is_superuser
        return mine or obj is None or (obj.is_staff and not obj.is_superuser)

    def has_delete_permission(
        self,
        request: HttpRequest,
        obj: User | None = None,
    ) -> bool:
        """Staff who leave are made inactive; citizens delete their own account."""
        return False

    def save_model(
        self,
        request: HttpRequest,
        obj: User,
        form: ModelForm[User],
        change: bool,  # noqa: FBT001
    ) -> None:
        if not change:
            obj.is_staff = True
        actions.save_staff_account(
            user=obj, changed=form.changed_data, by=_staff(request)
        )

    @display(description=_("name"), ordering="username")
    def display_name(self, user: User) -> str:
        return user.display_name

    @display(description=_("mobile number"))
    def masked_phone(self, user: User) -> str:
        return masking.masked_phone(user.phone)

    @display(description=_("roles"))
    def roles(self, user: User) -> str:
        # Prefetched: `role_text` would ask once a row.
        names = dict(Role.choices)
        groups = sorted(group.name for group in user.groups.all())
        return listed(names.get(group, group) for group in groups)


admin.site.unregister(Group)


@admin.register(Group)
class RoleAdmin(DjangoGroupAdmin, StaffTable):
    """Roles are a list in the code, their permissions a table (`sync_roles`)."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Group | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Group | None = None
    ) -> bool:
        return False


class _Revealing(_LookOnly):
    """Rows with a sealed name and number, which are shown against a reason."""

    actions_detail = ["reveal"]
    reveal_permission = ""

    def has_reveal_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return _staff(request).has_perm(self.reveal_permission)

    def unseal(self, row: Any, *, reason: str, by: User) -> actions.Revealed:
        raise NotImplementedError

    @action(
        description=_("Show name and number"),
        url_path="reveal",
        permissions=["reveal"],
        icon="visibility",
    )
    def reveal(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = get_object_or_404(self.get_queryset(request), pk=object_id)

        def show(given: dict[str, Any]) -> HttpResponse:
            revealed = self.unseal(row, reason=given["reason"], by=_staff(request))
            context = {"title": str(row), "revealed": revealed}
            return self.page(request, context)

        return self.ask(
            request,
            form=RevealForm(request.POST or None),
            title=_("Show name and number"),
            submit=_("Show"),
            act=show,
        )


@admin.register(VerifiedIdentity)
class VerifiedIdentityAdmin(_Revealing):
    list_display = ["masked_name", "masked_id_number", "sex", "verified_at", "provider"]
    list_filter = ["sex", "provider"]
    search_fields = ["=user__username"]
    search_help_text = _("A whole mobile number")
    phone_lookup = "user__phone"
    date_hierarchy = "verified_at"
    ordering = ["-pk"]
    fields = [
        "user",
        "masked_name",
        "masked_id_number",
        "birth_on",
        "sex",
        "verified_at",
        "provider",
    ]
    reveal_permission = "accounts.reveal_verifiedidentity"

    def unseal(
        self, row: VerifiedIdentity, *, reason: str, by: User
    ) -> actions.Revealed:
        return actions.reveal_identity(identity=row, reason=reason, by=by)


@admin.register(Dependant)
class DependantAdmin(_Revealing):
    list_display = [
        "masked_name",
        "masked_id_number",
        "relation",
        "guardian",
        "registered_at",
        "removed_at",
    ]
    list_filter = ["relation", ("removed_at", admin.EmptyFieldListFilter)]
    list_select_related = ["guardian"]
    search_fields = ["=guardian__username"]
    search_help_text = _("The guardian's whole mobile number")
    phone_lookup = "guardian__phone"
    date_hierarchy = "registered_at"
    ordering = ["-pk"]
    fields = [
        "guardian",
        "relation",
        "masked_name",
        "masked_id_number",
        "birth_on",
        "sex",
        "registered_at",
        "removed_at",
    ]
    reveal_permission = "accounts.reveal_dependant"

    def unseal(self, row: Dependant, *, reason: str, by: User) -> actions.Revealed:
        return actions.reveal_dependant(dependant=row, reason=reason, by=by)


@admin.register(Eligibility)
class EligibilityAdmin(_LookOnly):
    """The queue: oldest first among those that wait."""

    list_display = ["kind", "person", "state_label", "expires_on", "asked_at"]
    list_filter = ["state", "kind"]
    list_select_related = ["user", "dependant"]
    search_fields = ["=user__username"]
    search_help_text = _("A whole mobile number")
    phone_lookup = "user__phone"
    date_hierarchy = "asked_at"
    ordering = ["-state", "asked_at", "pk"]
    fields = [
        "kind",
        "person",
        "certificate",
        "expires_on",
        "state",
        "asked_at",
        "decided_at",
        "decided_by",
        "reason",
    ]
    readonly_fields = ["person", "certificate"]
    actions_detail = ["approve", "refuse"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Eligibility]:
        """Who works for districts sees what waits, and what they have decided."""
        rows: QuerySet[Eligibility] = super().get_queryset(request)
        return rows.filter(
            pk__in=Eligibility.objects.checked_by(_staff(request)).values("pk")
        )

    def has_review_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return _staff(request).has_perm("accounts.review_eligibility")

    @display(description=_("person"))
    def person(self, row: Eligibility) -> str:
        if row.dependant:
            return f"{row.dependant} ({row.user})"
        return str(row.user)

    @display(description=_("state"), label=STATE_COLOURS, ordering="state")
    def state_label(self, row: Eligibility) -> Badge:
        return Badge(row.state, row.get_state_display())

    @display(description=_("certificate"))
    def certificate(self, row: Eligibility) -> str:
        """Pictures belong to the app above; here is the way to them."""
        found: dict[str, str | int] = {
            "subject_type": row._meta.label_lower,
            "subject_id": row.pk,
        }
        try:
            address = f"{reverse('admin:photos_photo_changelist')}?{urlencode(found)}"
        except NoReverseMatch:
            return ""
        return format_html('<a href="{}">{}</a>', address, _("Look at the picture"))

    @action(
        description=_("Approve"),
        url_path="approve",
        permissions=["review"],
        icon="check",
    )
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._asked(request, object_id)
        if row is None:
            return self._answered_by_another(request)

        def do(given: dict[str, Any]) -> HttpResponse:
            actions.approve_eligibility(
                eligibility=row, expires_on=given["expires_on"], by=_staff(request)
            )
            return self._to_queue(request, _("Approved."))

        initial = {"expires_on": row.expires_on}
        return self.ask(
            request,
            form=ApproveForm(request.POST or None, initial=initial),
            title=_("Approve: %(what)s") % {"what": row},
            submit=_("Approve"),
            act=do,
        )

    @action(
        description=_("Refuse"), url_path="refuse", permissions=["review"], icon="block"
    )
    def refuse(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._asked(request, object_id)
        if row is None:
            return self._answered_by_another(request)

        def do(given: dict[str, Any]) -> HttpResponse:
            actions.refuse_eligibility(
                eligibility=row, reason=given["reason"], by=_staff(request)
            )
            return self._to_queue(request, _("Refused."))

        return self.ask(
            request,
            form=RefuseForm(request.POST or None),
            title=_("Refuse: %(what)s") % {"what": row},
            submit=_("Refuse"),
            act=do,
        )

    def _asked(self, request: HttpRequest, object_id: str) -> Eligibility | None:
        """None for an answer to what a colleague has just answered."""
        row = self.get_queryset(request).filter(pk=object_id).first()
        if row is None and request.method != "POST":
            raise Http404
        return row

    def _answered_by_another(self, request: HttpRequest) -> HttpResponse:
        """The same for what never was: nobody counts certificates by their numbers."""
        messages.error(request, str(EligibilityChanged()))
        return redirect("admin:accounts_eligibility_changelist")

    def _to_queue(self, request: HttpRequest, text: Any) -> HttpResponse:
        messages.success(request, text)
        queue = reverse("admin:accounts_eligibility_changelist")
        return redirect(f"{queue}?state__exact=pending")


@admin.register(Consent)
class ConsentAdmin(_LookOnly):
    list_display = ["user", "kind", "text_version", "given_at", "withdrawn_at"]
    list_filter = ["kind", "text_version"]
    list_select_related = ["user"]
    search_fields = ["=user__username"]
    search_help_text = _("A whole mobile number")
    phone_lookup = "user__phone"
    date_hierarchy = "given_at"
    ordering = ["-pk"]


@admin.register(Token)
class TokenAdmin(_LookOnly):
    """A lost phone: staff sign it out."""

    list_display = ["device", "user", "created", "expiry"]
    list_select_related = ["user"]
    search_fields = ["=user__username", "device"]
    search_help_text = _("A whole mobile number, or a device")
    phone_lookup = "user__phone"
    ordering = ["-created", "pk"]
    fields = ["device", "user", "created", "expiry"]
    actions = ["sign_out"]

    def has_sign_out_permission(self, request: HttpRequest) -> bool:
        return _staff(request).has_perm("accounts.delete_token")

    @admin.action(description=_("Sign out"), permissions=["sign_out"])
    def sign_out(self, request: HttpRequest, queryset: QuerySet[Token]) -> None:
        for token in queryset.select_related("user"):
            actions.revoke_token(token=token, by=_staff(request))
        self.message_user(request, _("Signed out."))


# allauth's own tables show the key of a session and the secret of an app: with either
# of them a superuser would act under another person's name, and nothing would tell.
admin.site.unregister([UserSession, Authenticator])


@admin.register(UserSession)
class UserSessionAdmin(AllauthUserSessionAdmin, _LookOnly):
    fields = ["user", "created_at", "last_seen_at", "ip", "user_agent"]
    phone_lookup = "user__phone"


@admin.register(Authenticator)
class AuthenticatorAdmin(AllauthAuthenticatorAdmin, _LookOnly):
    """Whose phone is lost sets up another one, once the old app is deleted here."""

    fields = ["user", "type", "created_at", "last_used_at"]
    phone_lookup = "user__phone"

    def has_delete_permission(
        self, request: HttpRequest, obj: Authenticator | None = None
    ) -> bool:
        return _staff(request).has_perm("mfa.delete_authenticator")
