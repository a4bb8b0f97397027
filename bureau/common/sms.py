"""Short messages. The sender is a setting: console, page, memory or aliyun.

Never call `send` inside a transaction or a request: a Celery task calls it.
"""

from __future__ import annotations

import base64
import hmac
import json
import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

import requests
from django.conf import settings

from bureau.common import clock
from bureau.common.masking import masked_phone

logger = logging.getLogger(__name__)

ALIYUN_URL = "https://dysmsapi.aliyuncs.com/"
CONNECT_SECONDS, READ_SECONDS = 3.05, 8


class SmsNotSent(Exception):
    """The provider did not take the message now; a later try may succeed."""


class SmsRefused(Exception):
    """The provider will never take this message (a bad number, a bad template)."""


@dataclass(frozen=True)
class Sms:
    phone: str
    text: str
    template: str
    values: Mapping[str, str]


outbox: list[Sms] = []  # what the "memory" sender was given; tests read and clear it


def send(
    phone: str, text: str, *, template: str, values: Mapping[str, str] | None = None
) -> None:
    """Send one message by the sender that `settings.SMS_SENDER` names.

    `text` is what a person reads where the sender takes free text; Aliyun takes our
    `template` (looked up in `settings.SMS_TEMPLATES`) and its `values` instead.
    Raises `SmsNotSent` (try later) or `SmsRefused` (do not).
    """
    _SENDERS[settings.SMS_SENDER](Sms(phone, text, template, values or {}))


def _console(sms: Sms) -> None:
    logger.warning("SMS to %s: %s", sms.phone, sms.text)


def _page(sms: Sms) -> None:
    # The demonstration has no phone to reach: pages show what would be in the message.
    logger.info(
        "SMS to %s (%s) is shown in the page", masked_phone(sms.phone), sms.template
    )


def _memory(sms: Sms) -> None:
    outbox.append(sms)


def _aliyun(sms: Sms) -> None:
    query = aliyun_query(sms, nonce=uuid.uuid4().hex, at=clock.now())
    try:
        answer = requests.post(
            ALIYUN_URL, data=query, timeout=(CONNECT_SECONDS, READ_SECONDS)
        )
        code = answer.json().get("Code", "")
    except (requests.RequestException, ValueError) as error:
        raise SmsNotSent(type(error).__name__) from error
    if code == "OK":
        return
    logger.error("Aliyun refused an SMS to %s: %s", masked_phone(sms.phone), code)
    transient = code.startswith(("isp.", "Throttling", "ServiceUnavailable"))
    raise (SmsNotSent if transient or answer.status_code >= 500 else SmsRefused)(code)


def aliyun_query(sms: Sms, *, nonce: str, at: datetime) -> dict[str, str]:
    """The signed form that Aliyun's SendSms takes (RPC style, signature 1.0)."""
    query = {
        "AccessKeyId": settings.ALIYUN_ACCESS_KEY_ID,
        "Action": "SendSms",
        "Format": "JSON",
        "PhoneNumbers": sms.phone,
        "RegionId": "cn-hangzhou",
        "SignName": settings.SMS_SIGN_NAME,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": nonce,
        "SignatureVersion": "1.0",
        "TemplateCode": settings.SMS_TEMPLATES.get(sms.template, sms.template),
        "TemplateParam": json.dumps(
            dict(sms.values), ensure_ascii=False, separators=(",", ":")
        ),
        "Timestamp": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "Version": "2017-05-25",
    }
    return {**query, "Signature": aliyun_signature(query)}


def aliyun_signature(query: Mapping[str, str], *, method: str = "POST") -> str:
    """HMAC-SHA1 over the sorted, percent-encoded form, as Aliyun documents it."""
    pairs = "&".join(f"{_encoded(k)}={_encoded(v)}" for k, v in sorted(query.items()))
    message = f"{method}&%2F&{_encoded(pairs)}"
    key = f"{settings.ALIYUN_ACCESS_KEY_SECRET}&"
    mac = hmac.new(key.encode(), message.encode(), "sha1").digest()
    return base64.b64encode(mac).decode()


def _encoded(text: str) -> str:
    return quote(text, safe="~")


_SENDERS: dict[str, Callable[[Sms], None]] = {
    "console": _console,
    "page": _page,
    "memory": _memory,
    "aliyun": _aliyun,
}
SENDERS = frozenset(_SENDERS)
