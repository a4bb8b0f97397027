"""A round is called off: nothing more is given away, and what people have stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from bureau.accounts.models import User
from bureau.audit.models import Entry
from bureau.common import clock
from bureau.common.errors import DomainError
from bureau.draws.models import Draw
from bureau.notices.models import Notice
from tests import make as city
from tests.promises import broken_promises
from tests.vouchers import make
from tests.vouchers.counter import counter
from vouchers import actions
from vouchers.actions.round_draws import announce_round_draw
from vouchers.errors.claiming import RoundOver
from vouchers.models import Lot, Round
from vouchers.queries import balances_of
from vouchers.queries.calling_off import calling_off
from vouchers.queries.offers import Phase, phase_of

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def refusal_of(act: Any) -> str:
    with pytest.raises(DomainError) as caught:
        act()
    return caught.value.code


def off(of: Round, by: User, reason: str = "台风") -> Round:
    row = actions.call_off_round(round=of, reason=reason, by=by)
    actions.tell_of_called_off_rounds(at=clock.now())
    return row


def told() -> set[User]:
    rows = Notice.objects.filter(kind="vouchers.round_called_off")
    return {row.recipient for row in rows.select_related("recipient")}


@pytest.fixture
def staff() -> User:
    return city.user(is_staff=True)


def test_what_is_left_goes_back_and_what_people_have_stays(staff: User) -> None:
    at = counter()
    mine, lot = at.voucher(), at.lot
    waits = city.verified()
    actions.join_queue(round=lot.round, by=waits)
    before = balances_of(at.campaign).pool
    plan = calling_off(lot.round)
    assert (plan.usable, plan.waiting) == (1, 1)
    row = off(lot.round, staff)
    assert (row.called_off_for, row.ended_at) == ("台风", row.called_off_at)
    lot.tier.refresh_from_db()
    assert lot.tier.released == 1
    assert balances_of(at.campaign).pool == before
    assert at.redeem(mine).discount_fen == mine.face_fen
    assert told() == {waits}
    noted = Entry.objects.get(event="vouchers.round.called_off")
    assert noted.detail["left"] == {str(lot.tier_id): plan.on_offer}
    assert broken_promises(of="vouchers") == []


def test_nobody_claims_any_more(staff: User) -> None:
    lot = make.lot()
    ticket = actions.join_queue(round=lot.round, by=(who := city.verified()))
    off(lot.round, staff)
    lot = Lot.objects.get(pk=lot.pk)
    claim = lambda: actions.claim_voucher(lot=lot, by=who, ticket=ticket)  # noqa: E731
    assert refusal_of(claim) == "voucher_round_over"
    join = lambda: actions.join_queue(round=lot.round, by=city.verified())  # noqa: E731
    assert refusal_of(join) == "voucher_round_over"
    assert phase_of(lot.round, at=clock.now()) == Phase.OVER


def test_who_comes_too_late_reads_why(staff: User) -> None:
    lot = make.lot()
    off(lot.round, staff, reason="台风")
    lot = Lot.objects.get(pk=lot.pk)

    with pytest.raises(RoundOver, match="called off"):
        actions.join_queue(round=lot.round, by=city.verified())


def test_a_round_that_has_not_opened_never_opens(staff: User) -> None:
    opens = clock.now() + DAY
    round_ = make.round_of(opens_at=opens)
    lot = Lot.objects.create(round=round_, tier=make.tier(round_.campaign), amount=5)
    assert calling_off(round_).on_offer == 5
    off(round_, staff)
    assert actions.lay_out_rounds(at=opens) == 0
    lot.refresh_from_db()
    assert lot.laid_out is None
    assert phase_of(Round.objects.get(pk=round_.pk), at=opens) == Phase.OVER
    assert broken_promises(of="vouchers") == []


def test_a_draw_is_void_with_it_and_who_entered_is_told(staff: User) -> None:
    now = clock.now()
    round_ = make.round_of(
        way="draw", opens_at=now - DAY, closes_at=now + DAY, draws_at=now + 2 * DAY
    )
    tier = make.tier(round_.campaign)
    Lot.objects.create(round=round_, tier=tier, amount=3)
    announce_round_draw(round=round_, by=staff, at=now - DAY)
    entered = city.verified()
    actions.enter_round_draw(round=round_, tier=tier, by=entered, at=now)
    off(round_, staff, reason="规则有误")
    draw = Draw.objects.get(voucher_round=round_)
    assert (draw.state, draw.void_reason) == (Draw.State.VOID, "规则有误")
    assert told() == {entered}
    again = Round.objects.get(pk=round_.pk)
    enter = lambda: actions.enter_round_draw(  # noqa: E731
        round=again, tier=tier, by=city.verified(), at=now
    )
    assert refusal_of(enter) == "voucher_round_over"
    assert broken_promises(of="vouchers") == []


def test_everybody_is_told_once(staff: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vouchers.actions.calling_off.BATCH", 2)
    lot = make.lot()
    waiting = {city.verified() for _n in range(5)}
    for who in waiting:
        actions.join_queue(round=lot.round, by=who)
    row = actions.call_off_round(round=lot.round, reason="x", by=staff)
    assert actions.tell_of_called_off_rounds(at=clock.now()) == 5
    assert actions.tell_of_called_off_rounds(at=clock.now()) == 0
    assert told() == waiting
    row.refresh_from_db()
    assert row.told_at is not None


def test_it_has_a_reason_and_is_final(staff: User) -> None:
    lot = make.lot()
    act = lambda: off(lot.round, staff, reason=" ")  # noqa: E731
    assert refusal_of(act) == "voucher_calling_off_needs_reason"
    off(lot.round, staff)
    assert refusal_of(lambda: off(lot.round, staff)) == "voucher_round_not_running"


def test_all_that_is_left_of_a_campaign(staff: User) -> None:
    campaign = make.campaign()
    tiers = [make.tier(campaign, face_fen=face) for face in (100_00, 200_00)]
    rounds = [make.lot(tier).round for tier in tiers]

    def call() -> list[Round]:
        return actions.call_off_campaign(campaign=campaign, reason="预算收回", by=staff)

    assert {row.pk for row in call()} == {row.pk for row in rounds}
    assert refusal_of(call) == "voucher_round_not_running"
    report = actions.prepare_closing_report(campaign=campaign, by=staff)
    actions.close_campaign(report=report, by=city.user())
    assert balances_of(campaign).returned == campaign.appropriated_fen
    assert broken_promises(of="vouchers") == []


def test_staff_see_first_what_it_means(admin_client: Client) -> None:
    at = counter()
    address = f"/admin/vouchers/campaign/{at.campaign.pk}/call-off/"
    page = admin_client.get(address).content.decode()
    assert "vouchers will not be given away" in page
    assert admin_client.post(address, {"reason": ""}).status_code == 422
    given = {"round": at.lot.round_id, "reason": "系统故障"}
    assert admin_client.post(address, given, follow=True).status_code == 200
    row = Round.objects.get(pk=at.lot.round_id)
    assert row.called_off_for == "系统故障"
    for path in (row.get_absolute_url(), at.campaign.get_absolute_url()):
        page = Client().get(path).content.decode()
        assert "This round is called off." in page
        assert "系统故障" in page
