"""What the crowd did, as rows in the order in which they are written."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import models

from bureau.accounts.models import User
from bureau.audit.models import Entry
from vouchers.actions.ledger import Kind, Move
from vouchers.demo.campaigns import DemoCampaign
from vouchers.demo.people import Claimant
from vouchers.models import (
    Account,
    DistrictCap,
    DrawnVoucher,
    Lot,
    Participation,
    QueueTicket,
    Redemption,
    StockShard,
    Tier,
    Transfer,
    Voucher,
)
from vouchers.queries import validity_of

State = Voucher.State
DAY = timedelta(days=1)


@dataclass
class Holding:
    """A voucher and the person who has it."""

    voucher: Voucher
    by: Claimant


@dataclass
class Rows:
    """The past of one campaign."""

    made: DemoCampaign
    tickets: list[QueueTicket] = field(default_factory=list)
    held: list[Holding] = field(default_factory=list)
    drawn: list[DrawnVoucher] = field(default_factory=list)
    redemptions: list[Redemption] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    happened: list[tuple[datetime, str, models.Model, User | None]] = field(
        default_factory=list
    )

    def __post_init__(self) -> None:
        campaign = self.made.campaign
        self.accounts = {
            (one.kind, one.tier_id, one.merchant_id): one
            for one in Account.objects.filter(campaign=campaign)
        }
        self.in_all: Counter[int] = Counter()
        """Vouchers by person."""
        self.in_tier: Counter[tuple[int, int]] = Counter()
        """Vouchers by person and tier."""
        self.back: Counter[int] = Counter()
        """Vouchers that are in the pool again, by tier."""

    def may_claim(self, who: Claimant, tier: Tier) -> bool:
        return self.in_tier[who.user.pk, tier.pk] < tier.per_person

    def claim(self, who: Claimant, lot: Lot, at: datetime, way: str) -> Voucher:
        """A voucher of a person, under the rules that held then."""
        tier, campaign = lot.tier, self.made.campaign
        terms = self.made.terms_at(at)
        validity = validity_of(terms, claimed_at=at)
        self.in_all[who.user.pk] += 1
        self.in_tier[who.user.pk, tier.pk] += 1
        voucher = Voucher(
            campaign=campaign,
            tier=tier,
            lot=lot,
            terms=terms,
            person=who.user,
            number_of_person=self.in_all[who.user.pk],
            number_in_tier=self.in_tier[who.user.pk, tier.pk],
            most_in_tier=tier.per_person,
            face_fen=tier.face_fen,
            threshold_fen=tier.threshold_fen,
            way=way,
            claimed_at=at,
            usable_from=validity.usable_from,
            expires_at=validity.expires_at,
            device="" if way == Voucher.Way.DRAW else who.device,
            network="" if way == Voucher.Way.DRAW else who.network,
        )
        self.held.append(Holding(voucher, who))
        self.move(
            Move.CLAIM,
            self.account(Kind.POOL),
            self.account(Kind.LIVE, tier=tier),
            voucher,
            at,
            by=who.user,
        )
        self.note(at, "vouchers.voucher.claimed", voucher, who.user)
        return voucher

    def account(
        self, kind: str, *, tier: Tier | None = None, merchant_id: int | None = None
    ) -> Account:
        return self.accounts[kind, tier.pk if tier else None, merchant_id]

    def move(
        self,
        kind: str,
        debit: Account,
        credit: Account,
        voucher: Voucher,
        at: datetime,
        *,
        redemption: Redemption | None = None,
        by: User | None = None,
    ) -> None:
        self.transfers.append(
            Transfer(
                campaign=self.made.campaign,
                kind=kind,
                debit=debit,
                credit=credit,
                amount_fen=voucher.face_fen,
                at=at,
                voucher=voucher,
                redemption=redemption,
                by=by,
            )
        )

    def note(
        self, at: datetime, event: str, subject: models.Model, by: User | None
    ) -> None:
        self.happened.append((at, event, subject, by))

    def expire(self, voucher: Voucher) -> None:
        """The sweep of the next minute found it, as the rules say."""
        at = voucher.expires_at + timedelta(seconds=30)
        voucher.state, voucher.expired_at = State.EXPIRED, at
        live = self.account(Kind.LIVE, tier=voucher.tier)
        lapsed, pool = self.account(Kind.LAPSED), self.account(Kind.POOL)
        self.move(Move.EXPIRE, live, lapsed, voucher, at)
        if voucher.terms.recycles:
            self.back[voucher.tier_id] += 1
            self.move(Move.RECYCLE, lapsed, pool, voucher, at)
        self.note(at, "vouchers.voucher.expired", voucher, None)

    def save(self) -> None:
        self.transfers.sort(key=lambda one: one.at)
        Voucher.objects.bulk_create(one.voucher for one in self.held)
        QueueTicket.objects.bulk_create(self.tickets)
        DrawnVoucher.objects.bulk_create(self.drawn)
        Redemption.objects.bulk_create(self.redemptions)
        Transfer.objects.bulk_create(self.transfers)
        self._save_stock()
        self._save_sums()
        Entry.objects.bulk_create(
            Entry(
                event=event,
                subject_type=subject._meta.label_lower,
                subject_id=subject.pk,
                actor=by,
                actor_name=str(by) if by else "",
                occurred_at=at,
            )
            for at, event, subject, by in sorted(self.happened, key=lambda row: row[0])
        )

    def _save_stock(self) -> None:
        """Past rounds gave away all they had."""
        given: dict[int, list[datetime]] = defaultdict(list)
        out: Counter[int] = Counter()
        for one in self.held:
            given[one.voucher.lot_id].append(one.voucher.claimed_at)
            out[one.voucher.tier_id] += 1
        for lot in [lot for lots in self.made.lots.values() for lot in lots]:
            if lot.pk in given:
                lot.laid_out = len(given[lot.pk])
                lot.sold_out_at = max(given[lot.pk])
                lot.save(update_fields=["laid_out", "sold_out_at"])
                StockShard.objects.bulk_create(
                    StockShard(lot=lot, shard=n, remaining=0)
                    for n in range(StockShard.SHARDS)
                )
        for tier in self.made.tiers:
            tier.released = out[tier.pk] - self.back[tier.pk]
            tier.save(update_fields=["released"])

    def _save_sums(self) -> None:
        by_merchant: Counter[int] = Counter()
        by_district: Counter[int] = Counter()
        for one in self.redemptions:
            if one.state == Redemption.State.DONE:
                by_merchant[one.merchant_id] += one.discount_fen
                by_district[one.district_id or 0] += one.discount_fen
        parts = Participation.objects.filter(campaign=self.made.campaign)
        for part in parts:
            part.redeemed_fen = by_merchant[part.merchant_id]
        Participation.objects.bulk_update(parts, ["redeemed_fen"])
        for cap in DistrictCap.objects.filter(campaign=self.made.campaign):
            cap.redeemed_fen = by_district[cap.district_id]
            cap.save(update_fields=["redeemed_fen"])
