from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from bureau.accounts.models import User
from bureau.photos.models import Photo

A_YEAR = 60 * 60 * 24 * 365


@require_safe
def photo(request: HttpRequest, code: str) -> HttpResponseBase:
    """A stored picture. What one may not see is a 404, as what does not exist."""
    user = request.user if isinstance(request.user, User) else None
    found = get_object_or_404(Photo.objects.visible_to(user), code=code)
    etag = f'"{found.code}"'
    unchanged = get_conditional_response(request, etag=etag)
    response = unchanged or HttpResponse(_content(found), content_type="image/jpeg")
    response["Content-Disposition"] = f'inline; filename="{found.code}.jpg"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["ETag"] = etag
    # The file of a code never changes; what only some may see stays in their browser.
    kept_by = "public" if found.is_public else "private"
    response["Cache-Control"] = f"{kept_by}, max-age={A_YEAR}, immutable"
    return response


def _content(found: Photo) -> bytes:
    # At most 2048 pixels a side, so well under a megabyte.
    try:
        with found.file.open("rb") as file:
            return bytes(file.read())
    except FileNotFoundError as missing:
        raise Http404 from missing
