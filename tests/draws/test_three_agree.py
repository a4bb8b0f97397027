"""The portal (in SQL), the command-line checker and the browser: one result."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, Route

from bureau.common import clock
from bureau.draws import queries, sportdraw
from bureau.draws.actions import PoolPlan
from bureau.draws.actions.log import write_line
from bureau.draws.models import Draw, DrawEntry
from bureau.draws.verify import Check
from tests.draws import make as made

pytestmark = pytest.mark.django_db
# The whole thousand takes minutes: BUREAU_RANDOM_DRAWS=1000 pytest tests/draws
DRAWS = int(os.environ.get("BUREAU_RANDOM_DRAWS", "60"))
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def page_at(browser: Browser, origin: str) -> Iterator[Page]:
    """A page of an origin that is nowhere, with our module in it."""
    scripts = Path(settings.BASE_DIR, "static", "js")

    def answer(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        if name:
            text = scripts.joinpath(name).read_text()
            route.fulfill(body=text, content_type="text/javascript")
        else:
            route.fulfill(body="<title>check</title>", content_type="text/html")

    context = browser.new_context()
    context.route(f"{origin}/**", answer)
    page = context.new_page()
    page.goto(f"{origin}/")
    yield page
    context.close()


@pytest.fixture
def safe_page(browser: Browser) -> Iterator[Page]:
    yield from page_at(browser, "https://check.test")


@pytest.fixture
def plain_page(browser: Browser) -> Iterator[Page]:
    """Without https a browser offers no WebCrypto."""
    yield from page_at(browser, "http://check.test")


CHECK_ALL = """async (proofs) => {
    const { checkProof } = await import('/draw-math.js');
    const found = [];
    for (const proof of proofs) found.push(await checkProof(proof));
    return [Boolean(globalThis.crypto.subtle), found];
}"""


def random_draw(number: int, dice: Random) -> Draw:
    """A draw of up to thirty entries, of any weights and sizes, that was drawn."""
    groups, letters = dice.random() < 0.3, "AB"[: dice.randint(1, 2)]
    pools = [PoolPlan(one, one, dice.randint(0, 12)) for one in letters]
    draw = made.draw(draw_id=f"RANDOM-{number:05}", pools=pools, groups=groups)
    rows = {pool.prefix: pool for pool in draw.pools.all()}
    entries = []
    for _n in range(dice.randint(0, 30)):
        prefix, size = dice.choice(letters), dice.randint(1, 4) if groups else 1
        entry_id = sportdraw.id_of(
            prefix=prefix,
            random_part="".join(dice.choices(CROCKFORD, k=16)),
            group_size=size if groups else None,
        )
        entries.append(
            DrawEntry(
                draw=draw,
                pool=rows[prefix],
                subject=uuid4().hex,
                entry_id=entry_id,
                salt_sealed=b"",
                commit=sportdraw.sha256_hex(entry_id),
                weight=dice.choice([1, 1, 1, 2, 5, 10]),
                group_size=size,
                entered_at=clock.now(),
            )
        )
    DrawEntry.objects.bulk_create(entries)
    made.freeze(draw)
    value = sportdraw.value_of("fc-3d", f"{dice.randrange(1000):03}")
    draw.beacons.filter(source="fc-3d").update(value=value, known_at=draw.draws_at)
    value = sportdraw.value_of("fc-kl8", made.KL8)
    draw.beacons.filter(source="fc-kl8").update(value=value, known_at=draw.draws_at)
    _log_beacons(draw)
    return made.run(draw)


def _log_beacons(draw: Draw) -> None:
    for beacon in draw.beacons.order_by("position"):
        write_line(
            draw=draw,
            step="beacon",
            at=draw.draws_at,
            detail={"position": beacon.position, "line": beacon.line},
        )


def bent(proof: dict[str, Any], dice: Random) -> dict[str, Any]:
    """The proof with one thing changed that a check must notice."""
    name = dice.choice(["weight", "commit", "root", "seed", "score", "beacons", "won"])
    other: dict[str, Any] = {
        "weight": proof["weight"] % 10 + 1,
        "beacons": [*proof["beacons"][:-1], "fc-3d:2026001:9,9,x"],
        "won": not proof["won"],
    }
    flipped = str(proof[name])[:-1] + ("0" if str(proof[name])[-1:] != "0" else "1")
    return {**proof, name: other.get(name, flipped)}


def test_portal_checker_and_browser_agree_on_random_draws(
    safe_page: Page, tmp_path: Path
) -> None:
    dice = Random(20261122)  # noqa: S311 - the test's own choices
    proofs, forged = [], []
    for number in range(DRAWS):
        draw = random_draw(number, dice)
        for file in queries.files_of(draw):
            text = b"".join(queries.published_bytes(draw, file.name))
            (tmp_path / file.name).write_bytes(text)
        check = Check(tmp_path)
        check.run()
        assert check.holds, check.findings
        entries = list(draw.entries.select_related("draw", "pool").order_by("pk"))
        if entries:
            proof = queries.proof_of(dice.choice(entries))
            assert proof
            verdict = queries.verdict_on(proof)
            assert (verdict.listed, verdict.seeded, verdict.scored) == (True,) * 3
            proofs.append(proof.as_json())
            forged.append(bent(proof.as_json(), dice))

    has_crypto, found = safe_page.evaluate(CHECK_ALL, proofs)
    assert has_crypto
    assert len(found) > DRAWS * 0.8
    assert all(all(one.values()) for one in found)
    _has, found = safe_page.evaluate(CHECK_ALL, forged)
    for one, told in zip(found, forged, strict=True):
        # Whether a group fitted is seen in the whole result only, not in its score.
        assert told["group_size"] > 1 or not all(one.values()), told


def random_proof(number: int, dice: Random) -> dict[str, Any]:
    """A proof by the plain algorithm, which the checker uses: no database."""
    entries = sorted(
        sportdraw.Entry(
            "A" + "".join(dice.choices(CROCKFORD, k=16)),
            dice.choice([1, 1, 2, 10]),
            sportdraw.sha256_hex(f"{number} {n}"),
        )
        for n in range(dice.randint(1, 70))
    )
    leaves = [sportdraw.leaf(entry.line) for entry in entries]
    root, index = sportdraw.merkle_root(leaves).hex(), dice.randrange(len(entries))
    beacons = [f"fc-3d:2026001:{dice.randrange(10)},2,3"]
    rules_hash = sportdraw.sha256_hex(str(number))
    key = sportdraw.seed(
        draw_id=f"D-{number}", root=root, rules_hash=rules_hash, beacons=beacons
    )
    ranked = sportdraw.ranking(key, entries, places=dice.randint(0, 20))
    mine = next(one for one in ranked if one.entry is entries[index])
    return {
        "draw_id": f"D-{number}",
        "entry_id": mine.entry.entry_id,
        "weight": mine.entry.weight,
        "commit": mine.entry.commit,
        "group_size": 1,
        "root": root,
        "path": [
            [step.side, step.sibling.hex()]
            for step in sportdraw.merkle_path(leaves, index)
        ],
        "rules_hash": rules_hash,
        "beacons": beacons,
        "seed": key.hex(),
        "score": mine.score,
        "cutoff": sportdraw.cutoff(ranked),
        "won": mine.won,
    }


def test_checker_and_browser_agree_on_a_thousand_draws(safe_page: Page) -> None:
    dice = Random(20261122)  # noqa: S311 - the test's own choices
    proofs = [random_proof(number, dice) for number in range(1000)]
    _has, found = safe_page.evaluate(CHECK_ALL, proofs)
    assert all(all(one.values()) for one in found)

    _has, found = safe_page.evaluate(CHECK_ALL, [bent(one, dice) for one in proofs])
    assert not any(all(one.values()) for one in found)


def test_the_browser_computes_the_same_without_webcrypto(plain_page: Page) -> None:
    dice = Random(7)  # noqa: S311
    proofs = [random_proof(number, dice) for number in range(50)]

    has_crypto, found = plain_page.evaluate(CHECK_ALL, proofs)
    assert not has_crypto
    assert all(all(one.values()) for one in found)


def test_its_own_sha256_is_sha256(plain_page: Page) -> None:
    texts = ["a" * n for n in [0, 1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 1000]]
    script = """async (texts) => {
        const { plainSha256, hex } = await import('/draw-math.js');
        return texts.map((text) => hex(plainSha256(new TextEncoder().encode(text))));
    }"""

    found = plain_page.evaluate(script, texts)
    assert found == [sportdraw.sha256_hex(text) for text in texts]


def test_the_browser_opens_a_commitment(safe_page: Page) -> None:
    receipt = made.entry(made.draw(), id_number="370611199001011239")
    script = """async ([salt, number]) => {
        const { commitOf } = await import('/draw-math.js');
        return commitOf(salt, number);
    }"""

    found = safe_page.evaluate(script, [receipt.salt, "370611199001011239"])
    assert found == receipt.entry.commit
