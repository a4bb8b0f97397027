from __future__ import annotations

from django.conf import settings
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import get_language
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bureau.accounts import actions, queries
from bureau.accounts.http import SignedInApiRequest
from bureau.accounts.models import Dependant, Eligibility, LoginCode, Token, User
from bureau.accounts.serializers import (
    CodeInput,
    CodeOutput,
    DependantInput,
    DependantOutput,
    EligibilityInput,
    EligibilityOutput,
    IdentityInput,
    NewTokenOutput,
    PersonOutput,
    TokenInput,
    TokenOutput,
)
from bureau.common import clock
from bureau.common.http import client_ip
from bureau.common.masking import masked_phone
from bureau.common.parsers import JSONParser


class DeviceTokens(KnoxTokenScheme):  # type: ignore[no-untyped-call]
    """How the API's description says that a token signs in."""

    target_class = "bureau.accounts.adapter.TokenAuthentication"


class LoginCodes(APIView):
    authentication_classes = ()
    permission_classes = [AllowAny]

    @extend_schema(
        summary="Ask for a sign-in code",
        description="Sends six digits to the number by SMS. The answer is the same for "
        "known and new numbers. 400 `phone_invalid`; 429 `code_just_sent`, "
        "`number_locked`, `too_often`; 503 `temporarily_unavailable`.",
        request=CodeInput,
        responses={201: CodeOutput},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        given = CodeInput(data=request.data)
        given.is_valid(raise_exception=True)
        row = actions.send_code(
            phone=given.validated_data["phone"], network=client_ip(request)
        )
        body = {
            "phone": masked_phone(row.phone),
            "expires_in": int(LoginCode.LIFE.total_seconds()),
            "resend_in": int(LoginCode.RESEND_AFTER.total_seconds()),
        }
        if settings.SMS_SENDER == "page":
            body["demo_code"] = row.code
        return Response(body, status=status.HTTP_201_CREATED)


class Tokens(APIView):
    def get_authenticators(self) -> list[object]:  # type: ignore[override]
        # An old token in the header must not keep anyone from getting a new one.
        if getattr(self.request, "method", "") == "POST":
            return []
        return list(super().get_authenticators())

    def get_permissions(self) -> list[BasePermission]:
        is_door = self.request.method == "POST"
        return [AllowAny() if is_door else IsAuthenticated()]

    @extend_schema(
        summary="Trade a code for a token",
        description="Signs a device in; the account is made if the number is new. "
        "400 `code_wrong`, `code_expired`, `code_not_asked`, `otp_wrong`; 403 "
        "`otp_needed`, `account_closed`; 409 `code_spent`; 429 `number_locked`, "
        "`too_often`.",
        request=TokenInput,
        responses={201: NewTokenOutput},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        given = TokenInput(data=request.data)
        given.is_valid(raise_exception=True)
        row, token = actions.sign_device_in(
            **given.validated_data,
            network=client_ip(request),
            language=get_language() or settings.LANGUAGE_CODE,
        )
        output = NewTokenOutput(row, context={"token": token, "current": row})
        return Response(output.data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="List the signed-in devices",
        responses={200: TokenOutput(many=True)},
    )
    def get(self, request: SignedInApiRequest) -> Response:
        rows = Token.objects.filter(user=request.user).order_by("-created", "pk")
        output = TokenOutput(rows, many=True, context={"current": request.auth})
        return Response(output.data)

    @extend_schema(
        operation_id="auth_token_revoke_own",
        summary="Sign this device out",
        request=None,
        responses={204: None},
    )
    def delete(self, request: SignedInApiRequest) -> Response:
        if isinstance(request.auth, Token):
            actions.revoke_token(token=request.auth, by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class OneToken(APIView):
    @extend_schema(
        operation_id="auth_token_revoke",
        summary="Sign another device out",
        request=None,
        responses={204: None},
    )
    def delete(self, request: SignedInApiRequest, public_id: str) -> Response:
        token = get_object_or_404(Token, user=request.user, public_id=public_id)
        actions.revoke_token(token=token, by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Me(APIView):
    @extend_schema(summary="Who I am", responses={200: PersonOutput})
    def get(self, request: SignedInApiRequest) -> Response:
        context = {
            "is_verified": queries.is_verified(request.user),
            "groups": queries.eligible_groups(request.user, on=clock.today()),
        }
        return Response(PersonOutput(request.user, context=context).data)


class Identity(APIView):
    @extend_schema(
        summary="Confirm my real name",
        description="400 `id_number_invalid`, `consent_needed`; 409 `identity_taken`, "
        "`identity_already_verified`, `identity_not_confirmed`.",
        request=IdentityInput,
        responses={204: None},
    )
    def post(self, request: SignedInApiRequest) -> Response:
        given = IdentityInput(data=request.data)
        given.is_valid(raise_exception=True)
        actions.verify_identity(**given.validated_data, by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Dependants(generics.ListAPIView[Dependant]):
    serializer_class = DependantOutput

    def get_queryset(self) -> QuerySet[Dependant]:
        if getattr(self, "swagger_fake_view", False):
            return Dependant.objects.none()
        assert isinstance(self.request.user, User)  # noqa: S101 - IsAuthenticated
        return Dependant.objects.visible_to(self.request.user)

    @extend_schema(
        summary="Register a family member",
        description="400 `id_number_invalid`, `guardian_consent_needed`; 403 "
        "`identity_needed`; 409 `dependant_known`, `dependant_is_self`, "
        "`too_many_dependants`.",
        request=DependantInput,
        responses={201: DependantOutput},
    )
    def post(self, request: SignedInApiRequest) -> Response:
        given = DependantInput(data=request.data)
        given.is_valid(raise_exception=True)
        row = actions.register_dependant(**given.validated_data, by=request.user)
        return Response(DependantOutput(row).data, status=status.HTTP_201_CREATED)


class OneDependant(APIView):
    @extend_schema(
        summary="Remove a family member", request=None, responses={204: None}
    )
    def delete(self, request: SignedInApiRequest, pk: int) -> Response:
        row = get_object_or_404(Dependant.objects.visible_to(request.user), pk=pk)
        actions.remove_dependant(dependant=row, by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Eligibilities(generics.ListAPIView[Eligibility]):
    serializer_class = EligibilityOutput
    parser_classes = [MultiPartParser, FormParser, JSONParser]

    def get_queryset(self) -> QuerySet[Eligibility]:
        if getattr(self, "swagger_fake_view", False):
            return Eligibility.objects.none()
        assert isinstance(self.request.user, User)  # noqa: S101 - IsAuthenticated
        return Eligibility.objects.visible_to(self.request.user)

    @extend_schema(
        summary="Hand in a certificate",
        description="400 `certificate_out_of_date`, `consent_needed`; 403 "
        "`identity_needed`; 404 `dependant_unknown`; 409 `eligibility_live`.",
        request={"multipart/form-data": EligibilityInput},
        responses={201: EligibilityOutput},
    )
    def post(self, request: SignedInApiRequest) -> Response:
        given = EligibilityInput(data=request.data)
        given.is_valid(raise_exception=True)
        row = actions.ask_for_eligibility(**given.validated_data, by=request.user)
        return Response(EligibilityOutput(row).data, status=status.HTTP_201_CREATED)
