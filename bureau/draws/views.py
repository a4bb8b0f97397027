from __future__ import annotations

import json
from pathlib import Path

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    JsonResponse,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from bureau.accounts.http import SignedInRequest
from bureau.common import clock, codes
from bureau.common.pagination import page_of
from bureau.draws import actions, queries
from bureau.draws.models import Draw, DrawEntry

PER_PAGE = 20
WINNERS = 20
# The checker's scripts in the order of what needs what, for the page as one file.
SCRIPTS = ("js/draw-math.js", "js/draw-check.js")
_TYPES = {"json": "application/json", "csv": "text/csv", "jsonl": "application/jsonl"}


@require_GET
def draw_list(request: HttpRequest) -> HttpResponse:
    page = page_of(Draw.objects.newest_first(), request, per_page=PER_PAGE)
    return render(request, "draws/list.html", {"page": page, "now": clock.now()})


@require_GET
def draw(request: HttpRequest, draw_id: str) -> HttpResponse:
    found = get_object_or_404(Draw.objects.select_related("replaces"), draw_id=draw_id)
    again = Draw.objects.filter(replaces=found).first()
    context = {
        "draw": found,
        "now": clock.now(),
        "says": found.says,
        "pools": found.pools.order_by("prefix"),
        "beacons": found.beacons.order_by("position"),
        "files": queries.files_of(found),
        "steps": queries.steps_of(found),
        "again": again,
        "winners": page_of(queries.winners_of(found), request, per_page=WINNERS),
        "mine": DrawEntry.objects.visible_to(request.user).filter(draw=found)
        if request.user.is_authenticated
        else None,
    }
    return render(request, "draws/draw.html", context)


@require_GET
def draw_file(
    request: HttpRequest,  # noqa: ARG001
    draw_id: str,
    name: str,
) -> HttpResponseBase:
    """A published file, byte for byte as it was published, sent as it is read."""
    found = get_object_or_404(Draw, draw_id=draw_id)
    if name not in {one.name for one in queries.files_of(found)}:
        raise Http404
    kind = _TYPES[name.rpartition(".")[2]]
    answer = StreamingHttpResponse(
        queries.published_bytes(found, name), content_type=f"{kind}; charset=utf-8"
    )
    answer["Content-Disposition"] = f'attachment; filename="{draw_id}-{name}"'
    return answer


@never_cache
@require_GET
@login_required
def my_entries(request: SignedInRequest) -> HttpResponse:
    mine = DrawEntry.objects.visible_to(request.user).select_related("draw", "pool")
    page = page_of(mine.order_by("-pk"), request, per_page=PER_PAGE)
    return render(request, "draws/my_entries.html", {"page": page})


@never_cache
@require_GET
@login_required
def my_entry(request: SignedInRequest, entry_id: str) -> HttpResponse:
    entry = _mine(request, entry_id)
    context = {
        "entry": entry,
        "draw": entry.draw,
        "pool": entry.pool,
        "receipt": actions.receipt_of(entry),
        "has_proof": bool(entry.draw.root),
        "now": clock.now(),
    }
    return render(request, "draws/my_entry.html", context)


@require_GET
def proof(request: HttpRequest, entry_id: str) -> JsonResponse:  # noqa: ARG001
    """The proof of an entry as a file: public, as the list is."""
    entry = _entry(entry_id)
    found = queries.proof_of(entry) if entry else None
    if found is None:
        raise Http404
    answer = JsonResponse(found.as_json(), json_dumps_params={"ensure_ascii": False})
    answer["Content-Disposition"] = f'attachment; filename="{entry_id}.json"'
    return answer


@require_GET
def check(request: HttpRequest) -> HttpResponse:
    """Check an entry. The browser computes; without JavaScript we do, and say so."""
    typed = codes.normalise(request.GET.get("entry", ""))
    entry = _entry(typed) if typed else None
    found = queries.proof_of(entry) if entry else None
    proof = found.as_json() if found else queries.NO_PROOF
    context = {
        "typed": typed,
        "unknown": bool(typed) and entry is None,
        "early": entry is not None and found is None,
        "proof": proof,
        "proof_json": json.dumps(proof, ensure_ascii=False) if found else "",
        "states": _states(queries.verdict_on(found) if found else None),
    }
    return render(request, "draws/check.html", context)


@require_GET
def check_file(request: HttpRequest) -> HttpResponse:
    """The checker as one file that needs no network: to keep and to pass on."""
    script = "\n".join(_plain(name) for name in SCRIPTS)
    css = _read("css/draw-check.css")
    page = render_to_string(
        "draws/check_file.html",
        {
            # Our own files, put where a page without a server can find them.
            "proof": queries.NO_PROOF,
            "states": _states(None),
            "styles": mark_safe(f"<style>\n{css}</style>"),  # noqa: S308
            "script": mark_safe(f'<script type="module">\n{script}</script>'),  # noqa: S308
        },
        request,
    )
    answer = HttpResponse(page)
    answer["Content-Disposition"] = 'attachment; filename="sportdraw-check.html"'
    return answer


def _entry(entry_id: str) -> DrawEntry | None:
    rows = DrawEntry.objects.select_related("draw", "pool")
    return rows.filter(entry_id=entry_id).first()


def _mine(request: SignedInRequest, entry_id: str) -> DrawEntry:
    mine = DrawEntry.objects.visible_to(request.user).select_related("draw", "pool")
    return get_object_or_404(mine, entry_id=entry_id)


def _states(verdict: queries.Verdict | None) -> dict[str, str]:
    """Which words of the three checks show."""
    if verdict is None:
        return dict.fromkeys(("list", "seed", "score"), "later")
    words = {True: "yes", False: "no", None: "later"}
    return {
        "list": words[verdict.listed],
        "seed": words[verdict.seeded],
        "score": words[verdict.scored],
    }


def _read(name: str) -> str:
    return Path(settings.BASE_DIR, "static", name).read_text("utf-8")


def _plain(name: str) -> str:
    """A module's text as it stands in one script with the others."""
    lines = _read(name).splitlines()
    kept = (line for line in lines if not line.startswith("import "))
    return "\n".join(line.removeprefix("export ") for line in kept)
