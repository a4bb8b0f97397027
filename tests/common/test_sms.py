from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest
from pytest_django import Settings

from bureau.common import sms
from bureau.common.sms import Sms, SmsNotSent, SmsRefused, aliyun_query


@pytest.fixture(autouse=True)
def _aliyun(settings: Settings) -> None:
    settings.SMS_SENDER = "aliyun"
    settings.ALIYUN_ACCESS_KEY_ID = "testid"
    settings.ALIYUN_ACCESS_KEY_SECRET = "testsecret"
    settings.SMS_SIGN_NAME = "济宁体育"
    settings.SMS_TEMPLATES = {"login_code": "SMS_1"}


def test_the_signature_is_aliyuns(settings: Settings) -> None:
    """The worked example of Aliyun's signature page (there with GET)."""
    query = {
        "AccessKeyId": "testid",
        "Action": "DescribeRegions",
        "Format": "XML",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf",
        "SignatureVersion": "1.0",
        "Timestamp": "2016-02-23T12:46:24Z",
        "Version": "2014-05-26",
    }

    assert sms.aliyun_signature(query, method="GET") == "OLeaidS1JvxuMvnyHOwuJ+uX5qY="


def test_our_names_become_theirs() -> None:
    message = Sms("13812341234", "…", "login_code", {"code": "123456"})

    query = aliyun_query(
        message, nonce="n", at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    )

    assert query["TemplateCode"] == "SMS_1"
    assert query["TemplateParam"] == '{"code":"123456"}'
    assert query["SignName"] == "济宁体育"
    assert query["Timestamp"] == "2026-01-02T03:04:05Z"
    assert query["Signature"]


class Aliyun(BaseHTTPRequestHandler):
    answer = b'{"Code":"OK"}'
    status = 200
    asked: list[dict[str, list[str]]] = []

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        self.asked.append(parse_qs(self.rfile.read(size).decode()))
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def aliyun(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Aliyun]]:
    """A real HTTP server that plays Aliyun."""
    server = HTTPServer(("127.0.0.1", 0), Aliyun)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    monkeypatch.setattr(sms, "ALIYUN_URL", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setattr(Aliyun, "asked", [])
    yield Aliyun
    server.shutdown()
    thread.join(timeout=10)
    server.server_close()


def send() -> None:
    sms.send("13812341234", "…", template="login_code", values={"code": "123456"})


def test_a_message_goes_out(aliyun: type[Aliyun]) -> None:
    send()

    assert aliyun.asked[0]["PhoneNumbers"] == ["13812341234"]


@pytest.mark.parametrize(
    ("answer", "status", "refusal"),
    [
        (b'{"Code":"isv.MOBILE_NUMBER_ILLEGAL"}', 200, SmsRefused),
        (b'{"Code":"isp.SYSTEM_ERROR"}', 200, SmsNotSent),
        (b'{"Code":"Throttling.User"}', 400, SmsNotSent),
        (b"<html>Bad gateway</html>", 502, SmsNotSent),
    ],
)
def test_what_may_succeed_later_is_told_apart(
    aliyun: type[Aliyun],
    monkeypatch: pytest.MonkeyPatch,
    answer: bytes,
    status: int,
    refusal: type[Exception],
) -> None:
    monkeypatch.setattr(aliyun, "answer", answer)
    monkeypatch.setattr(aliyun, "status", status)

    with pytest.raises(refusal):
        send()


def test_nobody_there_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sms, "ALIYUN_URL", "http://127.0.0.1:1/")

    with pytest.raises(SmsNotSent):
        send()


@pytest.mark.parametrize("sender", ["console", "page"])
def test_the_other_senders_need_nothing(settings: Settings, sender: str) -> None:
    settings.SMS_SENDER = sender

    send()
