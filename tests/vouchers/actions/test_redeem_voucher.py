"""A voucher is taken off a bill once, by who may, where it may, as its rules say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from bureau.audit.models import Entry
from bureau.common import clock, codes
from bureau.common.errors import DomainError
from bureau.notices.models import Notice
from tests import make as city
from tests.promises import broken_promises
from tests.vouchers import make
from tests.vouchers.counter import Counter, counter, digits, shown
from vouchers import actions
from vouchers.models import (
    Campaign,
    DistrictCap,
    Member,
    Merchant,
    Participation,
    Redemption,
    RefusedScan,
    Voucher,
)
from vouchers.queries import balances_of

pytestmark = pytest.mark.django_db


def refused(counter: Counter, code: str, /, **given: Any) -> DomainError:
    """The refusal with its words; nothing has moved, and the scan is noted."""
    before = Redemption.objects.count()
    with pytest.raises(DomainError) as caught:
        counter.redeem(**given)
    assert caught.value.code == code
    assert str(caught.value)
    assert Redemption.objects.count() == before
    assert RefusedScan.objects.filter(code=code).exists()
    assert broken_promises(of="vouchers") == []
    return caught.value


def test_what_a_redemption_leaves_behind() -> None:
    at = counter()
    voucher = at.voucher()
    done = at.redeem(voucher)
    voucher.refresh_from_db()
    assert voucher.state == Voucher.State.REDEEMED
    assert (done.bill_fen, done.discount_fen, done.paid_fen) == (530_00, 200_00, 330_00)
    assert (done.merchant, done.shop, done.clerk) == (at.merchant, at.shop, at.clerk)
    assert done.sport == "badminton"
    money = balances_of(at.campaign)
    assert money.payable == {at.merchant.pk: 200_00}
    assert money.live == {at.lot.tier_id: 0}
    entry = Entry.objects.get(event="vouchers.voucher.redeemed", subject_id=done.pk)
    assert entry.actor == at.clerk.person
    notice = Notice.objects.get(recipient=voucher.person)
    assert notice.kind == "vouchers.redeemed"
    assert notice.context["shop"] == at.shop.name
    part = Participation.objects.get(campaign=at.campaign, merchant=at.merchant)
    assert part.redeemed_fen == 200_00
    assert broken_promises(of="vouchers") == []


def test_a_look_up_spends_nothing_and_its_token_redeems() -> None:
    at = counter()
    voucher = at.voucher()
    offer = at.look_up(shown(voucher))
    assert (offer.face_fen, offer.threshold_fen) == (200_00, 500_00)
    voucher.refresh_from_db()
    assert voucher.state == Voucher.State.LIVE
    assert at.redeem(text=offer.token).voucher == voucher


def test_typed_digits_are_as_good_as_a_scan() -> None:
    at = counter()
    assert at.redeem(text=digits(at.voucher())).discount_fen == 200_00


def test_the_same_request_is_the_same_redemption() -> None:
    at = counter()
    voucher, key = at.voucher(), uuid4()
    first = at.redeem(voucher, request_key=key)
    later = clock.now() + timedelta(hours=1)
    again = at.redeem(text=shown(voucher), request_key=key, at=later)
    assert first == again
    assert Redemption.objects.count() == 1


def test_a_request_number_does_not_stand_for_two_redemptions() -> None:
    at = counter()
    key = uuid4()
    at.redeem(request_key=key)
    with pytest.raises(DomainError) as caught:
        at.redeem(request_key=key)
    assert caught.value.code == "request_key_reused"


def test_not_a_voucher_of_ours() -> None:
    at = counter()
    for text in ("", "hello", "https://x/v/", "/p/ABCDEFGHJKMN", "0" * 12, "\0", "字"):
        refused(at, "voucher_unknown", text=text)


def test_a_code_without_its_digits() -> None:
    at = counter()
    refused(at, "voucher_needs_digits", text=at.voucher().code)


@pytest.mark.parametrize("steps", [2, 3, 20, 100])
def test_a_screenshot(steps: int) -> None:
    at = counter()
    voucher = at.voucher()
    refused(at, "voucher_stale", text=shown(voucher, steps_ago=steps))
    refused(at, "voucher_stale", text=digits(voucher, steps_ago=steps))


def test_a_forged_proof() -> None:
    at = counter()
    voucher, other = at.voucher(), at.voucher()
    text = shown(other).replace(other.code, voucher.code)
    refused(at, "voucher_forged", text=text)


def test_whoever_guesses_digits_is_stopped_and_can_still_scan() -> None:
    at = counter()
    voucher = at.voucher()
    wrong = f"{voucher.code} 000000"
    good = digits(voucher)
    if good.endswith("000000"):
        wrong = f"{voucher.code} 000001"
    for _ in range(20):
        refused(at, "voucher_forged", text=wrong)
    refused(at, "too_many_wrong_codes", text=good)
    assert at.redeem(text=shown(voucher)).pk


def test_an_old_check() -> None:
    at = counter()
    token = at.look_up(shown(at.voucher())).token
    later = clock.now() + timedelta(minutes=4)
    refused(at, "voucher_check_too_old", text=token, at=later)


def test_a_check_of_another_clerk() -> None:
    at = counter()
    token = at.look_up(shown(at.voucher())).token
    refused(at, "voucher_check_too_old", text=token, member=at.manager)


def test_used_says_when_and_where() -> None:
    at = counter()
    voucher = at.voucher()
    done = at.redeem(voucher)
    no = refused(at, "voucher_used", text=shown(voucher))
    assert no.values == {"at": clock.at_text(done.redeemed_at), "shop": at.shop.name}


def test_expired_says_when() -> None:
    at = counter()
    voucher = at.voucher()
    end = voucher.expires_at
    no = refused(at, "voucher_expired", text=shown(voucher, end), at=end)
    assert no.values == {"at": clock.at_text(end - timedelta(seconds=1))}
    last = end - timedelta(microseconds=1)
    assert at.redeem(voucher, at=last).pk


def test_not_before_it_is_usable() -> None:
    at = counter()
    tomorrow = clock.now() + timedelta(days=1)
    voucher = at.voucher(usable_from=tomorrow)
    no = refused(at, "voucher_not_yet_usable", text=shown(voucher))
    assert no.values == {"at": clock.at_text(tomorrow)}
    assert at.redeem(voucher, at=tomorrow).pk


@pytest.mark.parametrize(
    ("state", "code"), [("lost", "voucher_lost"), ("void", "voucher_void")]
)
def test_lost_and_cancelled(state: str, code: str) -> None:
    at = counter()
    voucher = at.voucher()
    Voucher.objects.filter(pk=voucher.pk).update(state=state)
    with pytest.raises(DomainError) as caught:
        at.redeem(voucher)
    assert caught.value.code == code


def test_a_merchant_that_does_not_take_part() -> None:
    at = counter()
    Participation.objects.all().delete()
    refused(at, "merchant_not_taking_part", voucher=at.voucher())


def test_a_merchant_that_takes_part_no_more() -> None:
    at = counter(part={"until": clock.now() - timedelta(seconds=1)})
    refused(at, "merchant_not_taking_part", voucher=at.voucher())


def test_a_suspended_merchant() -> None:
    at = counter()
    Merchant.objects.update(state="suspended", reason="收据不实")
    refused(at, "merchant_suspended", voucher=at.voucher())


def test_a_shop_that_is_closed() -> None:
    at = counter(shop={"is_open": False})
    refused(at, "shop_closed", voucher=at.voucher())


def test_a_clerk_of_another_shop() -> None:
    at = counter()
    at.clerk.shops.add(make.shop(at.merchant))
    refused(at, "clerk_not_at_shop", voucher=at.voucher())


def test_a_shop_of_another_merchant() -> None:
    at, other = counter(), counter()
    with pytest.raises(DomainError) as caught:
        at.redeem(shop=other.shop)
    assert caught.value.code == "clerk_not_at_shop"


def test_a_clerk_who_was_removed_a_moment_ago() -> None:
    at = counter()
    Member.objects.filter(pk=at.clerk.pk).update(left_at=clock.now())
    refused(at, "clerk_not_at_work", voucher=at.voucher())


def test_a_blocked_device() -> None:
    at = counter()
    now = clock.now()
    device = at.clerk.devices.create(
        key_hash="0" * 64,
        name="till",
        first_seen_at=now,
        last_seen_at=now,
        blocked_at=now,
    )
    refused(at, "device_blocked", voucher=at.voucher(), device=device)


def test_a_device_of_somebody_else() -> None:
    at = counter()
    now = clock.now()
    device = at.manager.devices.create(
        key_hash="0" * 64, name="till", first_seen_at=now, last_seen_at=now
    )
    refused(at, "device_blocked", voucher=at.voucher(), device=device)


def test_a_sport_that_the_voucher_is_not_good_for() -> None:
    at = counter(tier={"sports": ["tennis"]})
    no = refused(at, "sport_not_covered", voucher=at.voucher())
    assert "sports" in no.values


def test_which_of_the_covered_sports_has_to_be_said() -> None:
    both = ["badminton", "tennis"]
    at = counter(tier={"sports": both}, sports=both)
    voucher = at.voucher()
    refused(at, "sport_needed", voucher=voucher)
    refused(at, "sport_not_covered", voucher=voucher, sport="football")
    assert at.look_up(shown(voucher)).sports == both
    assert at.redeem(voucher, sport="tennis").sport == "tennis"


def test_a_sport_that_the_shop_does_not_offer() -> None:
    at = counter()
    refused(at, "sport_not_here", voucher=at.voucher(), sport="football")


def test_a_permit_out_of_date() -> None:
    yesterday = clock.today() - timedelta(days=1)
    at = counter(sports=["swimming"], permit_number="1", permit_until=yesterday)
    voucher = at.voucher()
    refused(at, "permit_out_of_date", voucher=voucher)
    Merchant.objects.update(permit_until=clock.today())
    assert at.redeem(voucher).sport == "swimming"


@pytest.mark.parametrize("bill", [0, -1, -530_00, 530.5, "53000", None, True])
def test_a_bill_that_is_no_amount(bill: Any) -> None:
    at = counter()
    refused(at, "bill_not_an_amount", voucher=at.voucher(), bill_fen=bill)


def test_a_huge_bill() -> None:
    at = counter()
    voucher = at.voucher()
    refused(at, "bill_too_large", voucher=voucher, bill_fen=100_000_01)
    refused(at, "bill_too_large", voucher=voucher, bill_fen=10**30)
    assert at.redeem(voucher, bill_fen=100_000_00).pk


def test_below_the_threshold_by_how_much() -> None:
    at = counter()
    voucher = at.voucher()
    no = refused(at, "bill_below_threshold", voucher=voucher, bill_fen=499_99)
    assert no.values == {"short": "0.01", "threshold": "500"}
    assert at.redeem(voucher, bill_fen=500_00).paid_fen == 300_00


def test_a_bill_that_the_voucher_covers_whole() -> None:
    at = counter(tier={"face_fen": 10_00, "threshold_fen": 10_00})
    assert at.redeem(bill_fen=10_00).paid_fen == 0


def test_outside_the_daily_hours() -> None:
    at = counter(terms={"redeems_from": 600, "redeems_until": 1320, "valid_days": 30})
    day = clock.today() + timedelta(days=1)
    voucher = at.voucher()
    for minute in (0, 599, 1320, 1439):
        then = clock.at(day, minute)
        no = refused(at, "outside_hours", text=shown(voucher, then), at=then)
        assert no.values == {"since": "10:00", "until": "22:00"}
    assert at.redeem(voucher, at=clock.at(day, 600)).pk


def test_the_cap_of_a_merchant_says_what_is_left() -> None:
    at = counter(part={"cap_fen": 500_00})
    at.redeem()
    at.redeem()
    voucher = at.voucher()
    no = refused(at, "merchant_cap_reached", voucher=voucher)
    assert no.values == {"left": "100"}
    voucher.refresh_from_db()
    assert voucher.state == Voucher.State.LIVE


def test_the_cap_of_the_rules_holds_where_the_merchant_has_none() -> None:
    at = counter(terms={"merchant_cap_fen": 200_00})
    at.redeem()
    no = refused(at, "merchant_cap_reached", voucher=at.voucher())
    assert no.values == {"left": "0"}


def test_the_cap_of_a_district() -> None:
    at = counter()
    cap = DistrictCap.objects.create(
        campaign=at.campaign, district=at.shop.district, cap_fen=300_00
    )
    at.redeem()
    no = refused(at, "district_cap_reached", voucher=at.voucher())
    assert no.values == {"left": "100"}
    cap.refresh_from_db()
    assert cap.redeemed_fen == 200_00


def test_a_closed_campaign() -> None:
    at = counter()
    voucher = at.voucher()
    Campaign.objects.update(state="closed", closed_at=clock.now())
    with pytest.raises(DomainError) as caught:
        at.redeem(voucher)
    assert caught.value.code == "campaign_closed"


def test_what_a_redemption_asks_of_the_database(
    django_assert_max_num_queries: Any,
) -> None:
    at = counter()
    voucher = at.voucher()
    member = Member.objects.select_related("person", "merchant").get(pk=at.clerk.pk)
    at.redeem(member=member)  # statements are prepared
    with django_assert_max_num_queries(10):
        actions.redeem_voucher(
            text=shown(voucher),
            bill_fen=530_00,
            member=member,
            shop=at.shop,
            request_key=uuid4(),
        )


def test_a_cap_that_is_laid_later_counts_what_was_redeemed_before() -> None:
    at = counter()
    at.redeem()
    staff = city.user(is_staff=True)
    here = at.shop.district.pk
    lay = partial(actions.set_district_caps, campaign=at.campaign, by=staff)
    with pytest.raises(DomainError) as caught:
        lay(caps={here: 199_99})
    assert caught.value.code == "cap_below_redeemed"
    lay(caps={here: 399_99})
    assert DistrictCap.objects.get().redeemed_fen == 200_00
    assert refused(at, "district_cap_reached", voucher=at.voucher()).values == {
        "left": "199.99"
    }


def test_a_screenshot_older_than_a_minute_redeems_in_none_of_ten_thousand_tries() -> (
    None
):
    """All steps from 2 to 51 ago, of a hundred vouchers, scanned and typed.

    Codes and clock are fixed: six digits of two steps are the same once in a million.
    """
    now = datetime(2026, 11, 22, 4, 0, 1, tzinfo=UTC)
    step = codes.step_at(now)
    tries = alive = 0
    for n in range(100):
        voucher = Voucher(code=f"{n:012}")
        key = voucher.key
        for ago in range(2, 52):
            for of in (codes.proof_of, codes.digits_of):
                proof = of(voucher.code, key=key, step=step - ago)
                tries += 1
                alive += codes.is_live(voucher.code, proof, key=key, at=now)
        shown_now = codes.proof_of(voucher.code, key=key, step=step - 1)
        assert codes.is_live(voucher.code, shown_now, key=key, at=now)
    assert (tries, alive) == (10_000, 0)
