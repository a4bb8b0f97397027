from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from bureau.accounts.models import User
    from vouchers.models import Campaign, Member, Merchant, Participation, Shop


class MerchantQuerySet(models.QuerySet["Merchant"]):
    def approved(self) -> Self:
        return self.filter(state="approved")

    def working(self) -> Self:
        """Approved and still with us, perhaps suspended: its people are at work."""
        return self.filter(state__in=["approved", "suspended"])

    def managed_by(self, user: User) -> Self:
        """Where the person is a manager now, whatever state the business is in."""
        mine = Q(members__person=user, members__left_at=None, members__role="manager")
        return self.filter(mine)

    def permit_ends_by(self, day: date) -> Self:
        """Whose permit for high-risk sports ends on that day or before it."""
        return self.working().filter(permit_until__lte=day)

    def in_districts(self, districts: set[int]) -> Self:
        """With a shop in one of them; each merchant once."""
        return self.filter(
            pk__in=self.filter(shops__district__in=districts).values("pk")
        )


class ShopQuerySet(models.QuerySet["Shop"]):
    def taking_vouchers(self) -> Self:
        """Where vouchers of some campaign can be redeemed (a new shop waits first)."""
        return self.filter(is_open=True, merchant__state="approved")

    def offering(self, sport: str) -> Self:
        return self.filter(sports__contains=[sport])

    def of_campaign(self, campaign: Campaign, *, at: datetime) -> Self:
        """Of merchants that take part in a campaign at a moment."""
        part = Q(
            merchant__participations__campaign=campaign,
            merchant__participations__since__lte=at,
        )
        running = Q(merchant__participations__until=None) | Q(
            merchant__participations__until__gt=at
        )
        return self.filter(part & running)


class MemberQuerySet(models.QuerySet["Member"]):
    def at_work(self) -> Self:
        """Who has joined and has not left."""
        return self.filter(left_at=None, person__isnull=False)

    def of(self, user: User) -> Self:
        return self.at_work().filter(person=user)

    def unsent_at(self, moment: datetime) -> Self:
        """Invited, but the SMS with the link has not gone out; nothing has run out."""
        return self.filter(
            person=None, left_at=None, invite_sent_at=None, invite_until__gt=moment
        )

    def managers(self) -> Self:
        return self.filter(role="manager")


class ParticipationQuerySet(models.QuerySet["Participation"]):
    def running_at(self, moment: datetime) -> Self:
        """Vouchers of their campaigns are taken at that moment."""
        begun = self.filter(since__lte=moment).exclude(campaign__state="draft")
        return begun.filter(Q(until=None) | Q(until__gt=moment))
