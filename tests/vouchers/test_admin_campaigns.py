"""Staff make a campaign on its pages: draft, money, plan, rules, check, publish."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook  # type: ignore[import-untyped]
from pytest_django import Settings

from bureau.accounts.models import Role
from bureau.common import clock
from tests import make as city
from tests.venues.test_admin import client_of, staff
from tests.vouchers import make
from vouchers.models import Appropriation, Campaign, Lot, Terms, Tier

pytestmark = pytest.mark.django_db
LIST = "/admin/vouchers/campaign/"


@pytest.fixture(autouse=True)
def no_second_factor(settings: Settings) -> None:
    settings.STAFF_MFA_REQUIRED = False


@pytest.fixture
def office() -> Client:
    return client_of(staff(Role.CITY_STAFF))


def page(campaign: Campaign, name: str) -> str:
    return f"{LIST}{campaign.pk}/{name}/"


def day(ahead: int) -> str:
    return (clock.today() + timedelta(days=ahead)).isoformat()


def filled(answer: Any) -> dict[str, Any]:
    """What the forms of a page would send if nobody touched them."""
    sent: dict[str, Any] = {}
    forms = [answer.context[name] for name in ("form",) if name in answer.context]
    if shown := answer.context.get("page"):
        forms = [shown.texts, shown.tiers, shown.rounds, shown.caps]
    for form in forms:
        members = (
            [form.management_form, *form.forms] if hasattr(form, "forms") else [form]
        )
        for one in members:
            for bound in one:
                value = bound.value()
                if bound.field.__class__.__name__ == "SplitDateTimeField":
                    parts = bound.field.widget.decompress(value) if value else ["", ""]
                    sent[f"{bound.html_name}_0"] = str(parts[0] or "")
                    sent[f"{bound.html_name}_1"] = str(parts[1] or "")
                elif value is True:
                    sent[bound.html_name] = "on"
                elif value is not None and value is not False:
                    sent[bound.html_name] = value
    return sent


def drafted(office: Client) -> Campaign:
    office.post(f"{LIST}draft/", {"slug": "sports-2026", "name": "体育消费券"})
    return Campaign.objects.get(slug="sports-2026")


def wrong_in(answer: Any) -> list[Any]:
    shown = answer.context["page"]
    return [
        part.errors for part in (shown.texts, shown.tiers, shown.rounds, shown.caps)
    ]


def funded(office: Client, yuan: str = "100000") -> Campaign:
    campaign = drafted(office)
    sent = {"document": "济财教[2026]12号", "amount_fen": yuan}
    office.post(page(campaign, "appropriate"), sent)
    return campaign


TIER = {
    "tiers-0-face_fen": "200",
    "tiers-0-threshold_fen": "500",
    "tiers-0-count": "500",
    "tiers-0-per_person": "1",
}


def planned(office: Client, **given: str) -> Campaign:
    """A campaign with one tier and one rush, as staff would make it."""
    campaign = funded(office)
    url = page(campaign, "plan")
    answer = office.post(url, {**filled(office.get(url)), **TIER})
    assert answer.status_code == 302, wrong_in(answer)
    tier = campaign.tiers.get()
    rush = {
        "rounds-0-number": "1",
        "rounds-0-way": "rush",
        "rounds-0-opens_at_0": day(2),
        "rounds-0-opens_at_1": "10:00",
        "rounds-0-closes_at_0": day(3),
        "rounds-0-closes_at_1": "22:00",
        f"rounds-0-lot_{tier.pk}": "500",
    }
    answer = office.post(url, {**filled(office.get(url)), **rush, **given})
    assert answer.status_code == 302, wrong_in(answer)
    return campaign


def ruled(office: Client, **given: str) -> Campaign:
    campaign = planned(office, **given)
    url = page(campaign, "rules")
    answer = office.post(url, {**filled(office.get(url)), "valid_days": "7"})
    assert answer.status_code == 302, answer.context["form"].errors
    return campaign


def publish(office: Client, campaign: Campaign, **given: str) -> Any:
    url = page(campaign, "check")
    read = office.get(url).context
    keys = [one.key for one in read["found"]]
    sent = {"confirmed": keys, "seen": read["seen"], "has_read": "on"}
    return office.post(url, {**sent, **given})


def test_a_campaign_is_made_on_its_pages(office: Client) -> None:
    campaign = ruled(office)
    assert office.get(LIST).status_code == 200
    assert campaign.tiers.get().face_fen == 200_00
    assert Lot.objects.get(round__campaign=campaign).amount == 500
    shown = office.get(f"{LIST}{campaign.pk}/change/").text
    assert "济财教[2026]12号" in shown
    assert "200 off from 500 × 500" in shown
    assert "good for 7 days after the day" in shown

    assert publish(office, campaign).status_code == 302
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.PUBLISHED
    assert campaign.terms.get().published_at is not None
    assert Client().get(campaign.get_absolute_url()).status_code == 200


def test_a_draft_is_previewed_by_staff_alone(office: Client) -> None:
    campaign = ruled(office)
    url = f"/vouchers/{campaign.slug}/preview/"
    assert "nobody else sees this" in office.get(url).text
    for other in (Client(), client_of(city.citizen())):
        assert other.get(url).status_code == 404
        assert other.get(campaign.get_absolute_url()).status_code == 404


def test_saving_a_page_again_changes_nothing(office: Client) -> None:
    campaign = ruled(office)
    url = page(campaign, "plan")
    before = list(Lot.objects.values_list("pk", "amount"))
    assert office.post(url, filled(office.get(url))).status_code == 302
    assert list(Lot.objects.values_list("pk", "amount")) == before


def test_a_struck_out_tier_takes_its_lots_along(office: Client) -> None:
    campaign = planned(office)
    url = page(campaign, "plan")
    sent = filled(office.get(url)) | {"tiers-0-DELETE": "on"}
    assert office.post(url, sent).status_code == 302
    assert not Tier.objects.exists()
    assert not Lot.objects.exists()


def test_more_than_there_is_cannot_be_promised(office: Client) -> None:
    campaign = planned(office)
    url = page(campaign, "plan")
    sent = filled(office.get(url)) | {"tiers-0-count": "6000"}
    answer = office.post(url, sent)
    assert answer.status_code == 422
    assert "The tiers promise 1,200,000 yuan; 100,000 are appropriated." in answer.text
    assert campaign.tiers.get().count == 500


@pytest.mark.parametrize("wrong", ["0", "-5", "", "1.5", "x", "9" * 30])
def test_wrong_numbers_are_told_where_they_stand(office: Client, wrong: str) -> None:
    campaign = planned(office)
    url = page(campaign, "plan")
    sent = filled(office.get(url)) | {"tiers-0-count": wrong}
    answer = office.post(url, sent)
    assert answer.status_code == 422
    assert answer.context["page"].tiers.errors[0]["count"]


def test_a_contradiction_stops_publishing(office: Client) -> None:
    campaign = planned(office)  # nobody said how long a voucher is good
    answer = office.get(page(campaign, "check"))
    assert "Must be mended" in answer.text
    assert "Publish the campaign" not in answer.text
    assert publish(office, campaign).status_code == 422
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.DRAFT


def test_what_was_changed_after_it_was_read_is_not_published(office: Client) -> None:
    campaign = ruled(office)
    read = office.get(page(campaign, "check")).context["seen"]
    colleague = client_of(staff(Role.CITY_STAFF))
    url = page(campaign, "rules")
    colleague.post(url, {**filled(colleague.get(url)), "valid_days": "90"})
    answer = publish(office, campaign, seen=read)
    assert answer.status_code == 422
    assert "Somebody else has changed the rules meanwhile." in answer.text
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.DRAFT
    assert publish(office, campaign).status_code == 302


def test_a_plan_without_a_word_in_it_is_refused(office: Client) -> None:
    assert office.post(page(planned(office), "plan"), {}).status_code == 422


def test_a_warning_has_to_be_read(office: Client) -> None:
    campaign = ruled(office)  # no merchant takes part
    url = page(campaign, "check")
    answer = office.post(url, {"has_read": "on"})
    assert "Please read and confirm first:" in answer.text
    assert "No merchant takes part yet." in answer.text
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.DRAFT


def test_the_draws_of_rounds_are_announced(office: Client) -> None:
    campaign = ruled(
        office,
        **{
            "rounds-0-way": "draw",
            "rounds-0-draws_at_0": day(4),
            "rounds-0-draws_at_1": "21:30",
        },
    )
    lottery = {"round1-kl8_issue": "2026330", "round1-d3_issue": "2026330"}
    assert publish(office, campaign, **lottery).status_code == 302
    draw = campaign.rounds.get().draw
    assert draw is not None
    assert draw.says["beacons"] == ["fc-kl8:2026330", "fc-3d:2026330"]
    pool = draw.pools.get()
    tier = campaign.tiers.get()
    assert (pool.prefix, pool.quota) == (tier.pool_prefix, 500)
    assert draw.draw_id in office.get(f"{LIST}{campaign.pk}/change/").text


def test_published_rules_change_with_a_reason_and_a_preview(office: Client) -> None:
    campaign = ruled(office)
    publish(office, campaign)
    url = page(campaign, "rules")
    sent = filled(office.get(url)) | {"valid_days": "10", "reason": "Too short"}
    preview = office.post(url, sent)
    assert "good for 10 days after the day" in preview.text
    assert campaign.terms.count() == 1
    keys = re.findall(r'name="confirmed" value="([^"]+)"', preview.text)
    answer = office.post(url, sent | {"publish": "1", "confirmed": keys})
    assert answer.status_code == 302
    assert campaign.terms.published().newest().valid_days == 10
    shown = Client().get(campaign.get_absolute_url()).text
    assert "Too short" in shown

    late = office.post(url, sent | {"publish": "1", "valid_days": "12"})
    assert "Somebody else has changed the rules meanwhile" in late.text


def test_a_published_round_gets_more_and_keeps_its_moment(office: Client) -> None:
    campaign = ruled(office)
    publish(office, campaign)
    rush = campaign.rounds.get()
    odd = rush.opens_at.replace(microsecond=123)  # as the demonstration makes them
    campaign.rounds.update(opens_at=odd)
    url = page(campaign, "plan")
    tier = campaign.tiers.get()
    before = filled(office.get(url))
    fewer = office.post(url, before | {f"rounds-0-lot_{tier.pk}": "400"})
    assert "do not become fewer" in str(fewer.context["form"].errors)
    fewer = office.post(url, before | {"tiers-0-count": "450"})
    assert "500 vouchers are given away" in str(fewer.context["form"].errors)
    sent = filled(office.get(url)) | {"rounds-0-opens_at_0": day(5)}
    assert office.post(url, sent).status_code == 302
    assert campaign.rounds.get().opens_at == odd


def test_a_district_looks_and_does_not_write(office: Client) -> None:
    campaign = ruled(office)
    district = client_of(staff(Role.BUREAU_STAFF))
    assert district.get(LIST).status_code == 200
    assert district.get(f"{LIST}{campaign.pk}/change/").status_code == 200
    for name in ("plan", "rules", "appropriate", "check", "import"):
        assert district.get(page(campaign, name)).status_code == 403, name
    assert district.get(f"{LIST}draft/").status_code == 403


@pytest.mark.parametrize("name", ["plan", "rules", "appropriate", "check", "import"])
def test_what_is_not_there_is_not_found(office: Client, name: str) -> None:
    assert office.get(f"{LIST}987654/{name}/").status_code == 404


def test_a_citizen_has_no_business_here() -> None:
    campaign = make.campaign()
    answer = client_of(city.citizen()).get(f"{LIST}{campaign.pk}/change/")
    assert answer.status_code == 302


def test_an_appropriation_is_entered_once(office: Client) -> None:
    campaign = funded(office)
    sent = {"document": " 济财教[2026]12号 ", "amount_fen": "5"}
    answer = office.post(page(campaign, "appropriate"), sent)
    assert "has been entered already" in answer.text
    assert Appropriation.objects.get().amount_fen == 100_000_00
    assert office.get("/admin/vouchers/appropriation/").status_code == 200


@pytest.mark.parametrize("wrong", ["0", "-1", "0.001", "x", "", "1e30", "NaN"])
def test_an_appropriation_is_an_amount_of_money(office: Client, wrong: str) -> None:
    campaign = drafted(office)
    sent = {"document": "12", "amount_fen": wrong}
    assert office.post(page(campaign, "appropriate"), sent).status_code == 422
    assert not Appropriation.objects.exists()


@pytest.mark.parametrize("slug", ["mine", "rounds", "claim", "Ärger", "a b", "x"])
def test_a_short_name_fits_the_address(office: Client, slug: str) -> None:
    answer = office.post(f"{LIST}draft/", {"slug": slug, "name": "x"})
    assert answer.status_code == 422
    assert not Campaign.objects.exists()


def test_the_list_asks_a_constant_number_of_questions(office: Client) -> None:
    make.tier()
    office.get(LIST)
    with CaptureQueriesContext(connection) as few:
        office.get(LIST)
    for _n in range(5):
        make.tier()
    with CaptureQueriesContext(connection) as many:
        office.get(LIST)
    assert len(many) == len(few)


# --- Spreadsheets -----------------------------------------------------------------


def upload(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("plan.xlsx", content)


def test_a_spreadsheet_is_looked_at_then_entered(office: Client) -> None:
    campaign = planned(office)
    more = {"document": "13", "amount_fen": "20000"}
    office.post(page(campaign, "appropriate"), more)
    url = page(campaign, "import")
    template = office.get(url + "?template=1")
    book = load_workbook(BytesIO(template.content))
    book.worksheets[0].append(["小额", 20, 50, 1000, 2, "badminton"])
    opens = datetime.fromisoformat(f"{day(5)} 10:00")
    row: list[Any] = [
        2,
        "rush",
        opens,
        f"{day(6)} 22:00",
        *[None] * 5,
        "20/50 badminton",
        600,
    ]
    book.worksheets[1].append(row)
    made = BytesIO()
    book.save(made)

    looked = office.post(url, {"file": upload(made.getvalue())})
    assert "So it would be" in looked.text, looked.context["said"].wrong
    assert campaign.tiers.count() == 1
    read = {name: looked.context[name] for name in ("looked_at", "seen")}
    sent = {**read, "enter": "1"}
    assert office.post(url, sent).status_code == 302
    assert campaign.tiers.count() == 2
    lot = Lot.objects.get(round__campaign=campaign, round__number=2)
    assert (lot.tier.face_fen, lot.amount) == (20_00, 600)
    assert lot.round.opens_at == opens.replace(tzinfo=clock.CHINA)

    office.post(url, sent)  # once more: nothing new
    assert campaign.tiers.count() == 2
    assert campaign.rounds.count() == 2


def test_wrong_lines_are_told_and_nothing_is_entered(office: Client) -> None:
    campaign = planned(office)
    url = page(campaign, "import")
    book = load_workbook(BytesIO(office.get(url + "?template=1").content))
    tiers: list[list[Any]] = [
        ["", "zwanzig", 50, 10, 1, ""],
        ["", 20, 50, 10.5, 1, ""],
        ["", 20.005, 50, 10, 1, ""],
        ["", 20, 50, 10, 1, "cricket"],
        ["", float("1e300"), 50, 10, 1, ""],
    ]
    for row in tiers:
        book.worksheets[0].append(row)
    rounds: list[list[Any]] = [
        [2, "raffle", "2030-01-01 10:00", None, *[None] * 5, "200/500", 1],
        [2, "rush", "tomorrow", "2030-01-02 10:00", *[None] * 5, "200/500", 1],
        [2, "rush", "2030-01-01 10:00", "2030-01-02 10:00", *[None] * 5, "7/8", 1],
        [2, "rush", None, None, *[None] * 5, "200/500", 1],
        ["two", "rush", None, None, *[None] * 5, "200/500", 1],
    ]
    for row in rounds:
        book.worksheets[1].append(row)
    made = BytesIO()
    book.save(made)
    seen = office.get(url).context["seen"]
    sent = {"file": upload(made.getvalue()), "seen": seen, "enter": "1"}
    answer = office.post(url, sent)
    said = answer.context["said"]
    assert [(one.sheet, one.row) for one in said.wrong] == [
        *[("Tiers", n) for n in range(3, 8)],
        *[("Rounds", n) for n in range(3, 8)],
    ]
    assert "“cricket” is no sport." in answer.text
    assert campaign.tiers.count() == campaign.rounds.count() == 1


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"<html>", b"\x00" * 400_000])
def test_what_is_no_spreadsheet_is_refused(office: Client, content: bytes) -> None:
    campaign = planned(office)
    answer = office.post(page(campaign, "import"), {"file": upload(content)})
    assert answer.status_code == 422


def test_what_comes_back_is_not_trusted(office: Client) -> None:
    campaign = planned(office)
    sent = {"looked_at": "no base64!", "enter": "1"}
    assert office.post(page(campaign, "import"), sent).status_code == 422


def test_rules_are_frozen_by_the_database(office: Client) -> None:
    campaign = ruled(office)
    publish(office, campaign)
    assert Terms.objects.get(campaign=campaign).version == 1
    assert office.get(f"{LIST}{campaign.pk}/history/").status_code == 200


# --- Two people, one page --------------------------------------------------------


def test_who_saves_a_plan_second_is_told_what_changed_and_by_whom(
    office: Client,
) -> None:
    campaign = planned(office)
    url = page(campaign, "plan")
    first, second = (filled(office.get(url)) for _n in range(2))
    zhao = staff(Role.CITY_STAFF)
    colleague = client_of(zhao)
    answer = colleague.post(url, {**first, "tiers-0-count": "450"})
    assert answer.status_code == 302, wrong_in(answer)

    answer = office.post(url, {**second, "rounds-0-lobby_minutes": "20"})
    assert answer.status_code == 422
    (told,) = answer.context["page"].texts.non_field_errors()
    assert f"Tiers ({zhao}" in told
    assert "Rounds" not in told
    assert campaign.tiers.get().count == 450
    assert campaign.rounds.get().lobby_minutes == 15
    again = {**filled(office.get(url)), "rounds-0-lobby_minutes": "20"}
    assert office.post(url, again).status_code == 302


def test_a_plan_that_does_not_say_what_was_seen_is_not_saved(office: Client) -> None:
    campaign = planned(office)
    url = page(campaign, "plan")
    sent = {**filled(office.get(url)), "texts-seen": "", "texts-name": "other"}
    assert office.post(url, sent).status_code == 422
    assert Campaign.objects.get(pk=campaign.pk).name != "other"


def test_who_writes_rules_second_does_not_undo_those_of_the_first(
    office: Client,
) -> None:
    campaign = planned(office)
    url = page(campaign, "rules")
    first, second = (filled(office.get(url)) for _n in range(2))
    assert office.post(url, {**first, "valid_days": "7"}).status_code == 302
    answer = office.post(url, {**second, "valid_days": "9"})
    assert answer.status_code == 422
    assert "Rules" in str(answer.context["form"].non_field_errors())
    assert Terms.objects.get(campaign=campaign).valid_days == 7


def test_a_file_is_entered_only_into_the_plan_it_was_looked_at_with(
    office: Client,
) -> None:
    campaign = planned(office)
    url = page(campaign, "import")
    book = office.get(url, {"template": "1"}).content
    read = office.post(url, {"file": SimpleUploadedFile("a.xlsx", book)}).context
    sent = {"looked_at": read["looked_at"], "seen": read["seen"], "enter": "1"}
    Tier.objects.filter(campaign=campaign).update(count=400)
    answer = office.post(url, sent)
    assert answer.status_code == 422
    assert "Tiers" in str(answer.context["form"].non_field_errors())
    assert Tier.objects.get(campaign=campaign).count == 400
