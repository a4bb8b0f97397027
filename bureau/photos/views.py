from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from bureau.accounts.models import User
from bureau.photos.models import Photo

A_YEAR = 60 * 60 * 24 * 365


@require_safe
def photo(request: HttpRequest, code: str) -> HttpResponseBase | None:
    """A stored picture. What one may not see is a 404, as what does not exist."""
    user = request.user if isinstance(request.user, User) else None
    found = get_object_or_404(Photo.objects.visible_to(user), code=code)
    try:
        content = found.file.open("rb")
    except FileNotFoundError as missing:
        raise Http404 from missing
    response = StreamingHttpResponse(
        content.chunks() if request.method == "GET" else [], content_type="image/jpeg"
    )
    response["Content-Length"] = str(found.bytes)
    response["Content-Disposition"] = f'inline; filename="{found.code}.jpg"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["ETag"] = etag = f'"{found.code}"'
    # The file of a code never changes; what only some may see stays in their browser.
    kept_by = "public" if found.is_public else "private"
    response["Cache-Control"] = f"{kept_by}, max-age={A_YEAR}, immutable"
    return get_conditional_response(request, etag=etag, response=response)
