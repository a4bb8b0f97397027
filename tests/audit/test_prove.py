from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from bureau.accounts.models import User
from bureau.audit import actions, invariants
from bureau.audit.invariants import Invariant, all_invariants
from bureau.audit.models import ProofRun
from bureau.audit.queries import latest_proof
from bureau.common import clock

pytestmark = pytest.mark.django_db

BROKEN = Invariant(
    "tests.no_numbers",
    "There are no numbers.",
    "SELECT n, 'x%' AS mark, now() AS at FROM generate_series(1, 50) AS n;",
)
SENSELESS = Invariant("tests.senseless", "It can be asked.", "SELECT FROM nowhere")
WRITING = Invariant(
    "tests.writes", "It only reads.", "SELECT nextval('audit_proofrun_id_seq')"
)


@pytest.fixture
def promise(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Only the given promises."""

    def only(*promises: Invariant) -> None:
        monkeypatch.setattr(actions, "all_invariants", lambda: list(promises))

    return only


def test_every_promise_of_every_app_holds_on_an_empty_city() -> None:
    run = actions.prove()
    assert [str(offence) for offence in run.offences.all()] == []
    assert run.checked == len(all_invariants()) >= 5


def test_names_are_unique_and_begin_with_their_app() -> None:
    names = [invariant.name for invariant in all_invariants()]
    assert names == sorted(set(names))
    assert all("." in name for name in names)


def test_every_promise_says_what_it_means() -> None:
    assert all(str(invariant.meaning) for invariant in all_invariants())


def test_a_broken_promise_is_counted_and_sampled(promise: Any) -> None:
    promise(BROKEN)
    run = actions.prove()

    offence = run.offences.get()
    assert not run.holds
    assert offence.count == 50
    assert len(offence.sample) == 20
    assert offence.sample[0]["n"] == 1
    assert offence.sample[0]["mark"] == "x%"


def test_a_question_that_fails_is_an_offence(promise: Any) -> None:
    promise(SENSELESS)
    assert "nowhere" in actions.prove().offences.get().error


def test_a_question_can_not_write(promise: Any) -> None:
    promise(WRITING)
    assert "read-only" in actions.prove().offences.get().error


def test_writing_goes_on_after_a_proof(promise: Any, citizen: User) -> None:
    promise(BROKEN)
    actions.prove()
    User.objects.filter(pk=citizen.pk).update(first_name="still writable")


def test_the_dashboard_sees_the_latest_proof(promise: Any) -> None:
    assert latest_proof() is None
    promise(BROKEN)
    actions.prove()
    promise()
    actions.prove()

    proof = latest_proof()
    assert proof is not None
    assert proof.holds


def test_a_run_that_died_is_not_the_latest_proof() -> None:
    ProofRun.objects.create(started_at=clock.now())
    assert latest_proof() is None


def test_the_command_lists_offenders_and_fails(promise: Any) -> None:
    promise(BROKEN)
    out = StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command("prove", "--json", stdout=out)
    assert stopped.value.code == 1
    told = json.loads(out.getvalue())
    assert told["holds"] is False
    assert told["broken"][0]["name"] == "tests.no_numbers"


def test_the_command_says_what_holds() -> None:
    out = StringIO()
    call_command("prove", stdout=out)
    assert "ok      audit.entries_are_guarded" in out.getvalue()
    assert " 0 broken." in out.getvalue()


def test_two_promises_of_one_name_are_a_mistake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    doubled = [*invariants.INVARIANTS, invariants.INVARIANTS[0]]
    monkeypatch.setattr(invariants, "INVARIANTS", doubled)
    with pytest.raises(Exception, match="named twice"):
        all_invariants()


def test_old_proofs_are_forgotten(promise: Any) -> None:
    promise(BROKEN)
    old = actions.prove()
    ProofRun.objects.update(started_at=clock.now() - timedelta(days=401))
    kept = actions.prove()
    actions.forget_old_proofs()
    assert list(ProofRun.objects.all()) == [kept]
    assert not old.offences.exists()
