from __future__ import annotations

from hashlib import sha256

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.http import require_safe

from bureau.regions import queries

KEPT_SECONDS = 60 * 60


@require_safe
def boundaries(request: HttpRequest) -> HttpResponseBase:
    """The ground of every map. The names follow the reader's language."""
    body = queries.boundaries_json()
    response = HttpResponse(body, content_type="application/geo+json")
    response["ETag"] = etag = f'"{sha256(body).hexdigest()[:32]}"'
    response["Cache-Control"] = f"public, max-age={KEPT_SECONDS}"
    patch_vary_headers(response, ["Accept-Language", "Cookie"])
    answer = get_conditional_response(request, etag=etag, response=response)
    return answer or response
