"""What happens by itself, and why. Times are Asia/Shanghai."""

from __future__ import annotations

from typing import Any

from celery.schedules import crontab

SCHEDULE: dict[str, dict[str, Any]] = {
    # Numbers that asked for a code are forgotten a day later: we have no use for them.
    "accounts-sweep-login-codes": {
        "task": "bureau.accounts.tasks.sweep_login_codes",
        "schedule": crontab(hour="4", minute="10"),
    },
    # A certificate runs out at midnight. Prices see that at once; lists and staff here.
    "accounts-expire-eligibilities": {
        "task": "bureau.accounts.tasks.expire_eligibilities",
        "schedule": crontab(hour="0", minute="5"),
    },
    # A court that nobody paid for should be free again within half a minute.
    "payments-close-expired": {
        "task": "bureau.payments.tasks.sweep_expired",
        "schedule": 30,
    },
    # A provider was silent, or a worker died between the commit and the call.
    "payments-send-refunds": {
        "task": "bureau.payments.tasks.sweep_refunds",
        "schedule": 60,
    },
    # A lost callback: the payer stands at the counter, so look at young ones often.
    "payments-reconcile-young": {
        "task": "bureau.payments.tasks.reconcile",
        "schedule": 600,
        "kwargs": {"hours": 2},
    },
    # Providers' books are complete the next morning: compare three days, both ways.
    "payments-reconcile-daily": {
        "task": "bureau.payments.tasks.reconcile",
        "schedule": crontab(hour="10", minute="20"),
        "kwargs": {"hours": 72},
    },
    # The proof that every promise holds; staff read it in the morning.
    "audit-prove": {
        "task": "bureau.audit.tasks.prove",
        "schedule": crontab(hour="3", minute="30"),
    },
    # First answers to repeated requests serve 48 hours.
    "audit-forget-old-answers": {
        "task": "bureau.audit.tasks.forget_old_answers",
        "schedule": crontab(minute="25"),
    },
    # Warnings, overdue deadlines and escalations: a minute late is early enough.
    "workdays-tick-deadlines": {
        "task": "bureau.workdays.tasks.tick_deadlines",
        "schedule": 60,
    },
    # A year was published, but the worker died before the deadlines were recomputed.
    "workdays-recompute-stale-deadlines": {
        "task": "bureau.workdays.tasks.recompute_stale_deadlines",
        "schedule": crontab(hour="2", minute="40"),
    },
    # A picture was written, and then its transaction was rolled back.
    "photos-forget-orphans": {
        "task": "bureau.photos.tasks.forget_orphans",
        "schedule": crontab(hour="4", minute="40"),
    },
    # Lists are frozen at their announced minute, and drawn as soon as all is known.
    "draws-advance": {
        "task": "bureau.draws.tasks.advance_draws",
        "schedule": 60,
    },
    # Messages that a crash or a silent provider left behind.
    "notices-sweep-deliveries": {
        "task": "bureau.notices.tasks.sweep_deliveries",
        "schedule": 60,
    },
    # A reminder that comes a minute late still says "in two hours".
    "venues-send-reminders": {
        "task": "venues.tasks.send_reminders",
        "schedule": 60,
    },
    # Lists and the map should not count floor that nobody pays for; booking itself
    # takes lapsed holds over without it.
    "venues-expire-holds": {
        "task": "venues.tasks.expire_holds",
        "schedule": 30,
    },
    # The old slots stand meanwhile, but nobody else can have the new ones.
    "venues-expire-changes": {
        "task": "venues.tasks.expire_changes",
        "schedule": 30,
    },
    # Most floor is offered in the moment in which it is freed; this finds the rest,
    # well within the minute that we promise.
    "venues-offer-to-lines": {
        "task": "venues.tasks.offer_to_lines",
        "schedule": 20,
    },
    # A line whose time has begun waits for nothing any more.
    "venues-close-lines": {
        "task": "venues.tasks.close_lines",
        "schedule": 60,
    },
    # A court that nobody came to should serve others while the time lasts.
    "venues-release-no-shows": {
        "task": "venues.tasks.release_no_shows",
        "schedule": 60,
    },
    # The next day's sessions take their floor before its courts can be booked; refunds
    # of a session that was called off go on after a crash.
    "venues-lay-out-sessions": {
        "task": "venues.tasks.lay_out_sessions",
        "schedule": 600,
    },
    # A worker died while it called off the bookings of a closed hall.
    "venues-finish-closures": {
        "task": "venues.tasks.finish_closures",
        "schedule": 60,
    },
    # A worker died while it booked the dates of a club's season.
    "venues-finish-approvals": {
        "task": "venues.tasks.finish_approvals",
        "schedule": 60,
    },
    # Each club is told once of each; every hour of the day, so that one that fails is
    # made up for, and nobody's telephone rings at night.
    "venues-remind-of-invoices": {
        "task": "venues.tasks.remind_of_invoices",
        "schedule": crontab(minute="20", hour="9-19"),
    },
    # Requests open and close at their minute; courts that were drawn are handed out
    # when a worker died between the draw and that.
    "venues-advance-ballots": {
        "task": "venues.tasks.advance_ballots",
        "schedule": 60,
    },
    # The hour is full; gates without network may still report it, and are corrected.
    "venues-export-hours": {
        "task": "venues.tasks.export_hours",
        "schedule": crontab(minute="7"),
    },
    # A receiver that was away is back, or a worker died while it handed over.
    "venues-send-exports": {
        "task": "venues.tasks.send_exports",
        "schedule": 300,
    },
    # The stock of a rush is laid out a minute before it opens; what a round leaves over
    # goes back when it is over.
    "vouchers-lay-out-rounds": {
        "task": "vouchers.tasks.lay_out_rounds",
        "schedule": 15,
    },
    # Vouchers that nobody took who was called are offered to the next of the waiting
    # room; whoever taps then does it, too.
    "vouchers-call-queues": {
        "task": "vouchers.tasks.call_queues",
        "schedule": 5,
    },
    # Drawn vouchers are handed out at once; this goes on after a crash.
    "vouchers-hand-out-drawn": {
        "task": "vouchers.tasks.hand_out_drawn",
        "schedule": 60,
    },
    # Nobody can use them any more, whatever this does; but the next round wants them.
    "vouchers-expire": {
        "task": "vouchers.tasks.expire_vouchers",
        "schedule": 60,
    },
    # By day: nobody's telephone rings at night for 20 yuan.
    "vouchers-remind-of-expiry": {
        "task": "vouchers.tasks.remind_of_expiry",
        "schedule": crontab(minute="*/10", hour="8-21"),
    },
    # A new permit takes weeks; each last day is told once, even after a failed day.
    "vouchers-warn-of-permits": {
        "task": "vouchers.tasks.warn_of_permits",
        "schedule": crontab(minute="40", hour="9-18"),
    },
    # The queue was away when somebody was invited; an outbox has its own sweep.
    "vouchers-resend-invitations": {
        "task": "vouchers.tasks.resend_invitations",
        "schedule": 300,
    },
    # A worker died while it prepared the settlements of a period.
    "vouchers-finish-settlement-runs": {
        "task": "vouchers.tasks.finish_settlement_runs",
        "schedule": 60,
    },
    # Monday morning: a week is over. People prepare and approve, the clock never pays.
    "vouchers-propose-settlements": {
        "task": "vouchers.tasks.propose_settlements",
        "schedule": crontab(minute="0", hour="9", day_of_week="mon"),
    },
    # The public page and the dashboard are at most a minute behind.
    "vouchers-count-hours": {
        "task": "vouchers.tasks.count_hours",
        "schedule": 60,
    },
    # Rows that came with a moment long past, such as an import; before the proof.
    "vouchers-count-afresh": {
        "task": "vouchers.tasks.count_afresh",
        "schedule": crontab(hour="3", minute="10"),
    },
    # Yesterday is complete; what it finds is held before anybody prepares a settlement.
    "vouchers-scan-with-radar": {
        "task": "vouchers.tasks.scan_with_radar",
        "schedule": crontab(hour="2", minute="10"),
    },
}
