from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import Http404, QueryDict
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import APIException
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bureau.audit import actions
from bureau.audit.actions import Answer
from bureau.audit.errors import IdempotencyKeyMalformed
from bureau.common.errors import DomainError

KEY = re.compile(r"[0-9A-Za-z_.\-]{8,128}")
KEPT_HEADERS = ("Location",)
# For `@extend_schema(parameters=[IDEMPOTENCY_KEY])` of a view that is `idempotent`.
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="8 to 128 characters. The same key gets the first answer for 48 hours.",
)
Handler = Callable[..., Response]


def idempotent(handler: Handler) -> Handler:
    """Let `post` of an API view honour `Idempotency-Key`.

    The same key with the same body gets the first answer again, marked with
    `Idempotent-Replay: true`; with another body it gets 422 `idempotency_key_reused`.
    Without the header nothing changes. Answers are kept for 48 hours.
    """

    @wraps(handler)
    def answer_once(
        view: APIView, request: Request, *args: Any, **kwargs: Any
    ) -> Response:
        key = request.headers.get("Idempotency-Key")
        if key is None or not request.user.is_authenticated:
            return handler(view, request, *args, **kwargs)
        if not KEY.fullmatch(key):
            raise IdempotencyKeyMalformed

        def work() -> Answer:
            return _answer(view, lambda: handler(view, request, *args, **kwargs))

        answer = actions.answer_once(
            user=request.user,
            key=key,
            method=request.method or "",
            path=request.get_full_path(),
            fingerprint=_fingerprint(request.data),
            work=work,
        )
        headers = dict(answer.headers)
        if answer.is_replay:
            headers["Idempotent-Replay"] = "true"
        return Response(answer.body, status=answer.status, headers=headers)

    return answer_once


def _answer(view: APIView, work: Callable[[], Response]) -> Answer:
    try:
        with transaction.atomic():
            response = work()
    except (DomainError, APIException, Http404, PermissionDenied) as refusal:
        response = view.handle_exception(refusal)
    body = json.loads(JSONRenderer().render(response.data) or b"null")
    headers = {n: response[n] for n in KEPT_HEADERS if response.has_header(n)}
    return Answer(response.status_code, body, headers)


def _fingerprint(data: Any) -> str:
    if isinstance(data, QueryDict):
        data = {name: data.getlist(name) for name in data}
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, default=_plain)
    return sha256(text.encode()).hexdigest()


def _plain(value: Any) -> str:
    if not isinstance(value, UploadedFile):
        return str(value)
    digest = sha256()
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)
    return digest.hexdigest()
