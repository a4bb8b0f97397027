from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class DomainError(Exception):
    """A rule of the bureau said no. The message is fit to show to the person asking.

    `code` is part of our API: clients branch on it, so it never changes. `status` is
    the HTTP status it travels with. A message may name values: `CourtTaken(court="3")`
    fills `%(court)s`, and the API repeats them under `detail`.
    """

    code: ClassVar[str]
    message: ClassVar[StrOrPromise]
    status: ClassVar[HTTPStatus] = HTTPStatus.CONFLICT

    def __init__(self, **values: Any) -> None:
        super().__init__()
        self.values = values

    def __str__(self) -> str:
        message = str(self.message)
        return message % self.values if self.values else message


class ChangedMeanwhile(DomainError):
    """Two people had one page open; `what` names what is other than they have read."""

    code = "changed_meanwhile"
    message = _(
        "This has changed since you opened the page: %(what)s. Nothing of yours is"
        " saved. Open the page again to see it as it is now."
    )


class ReasonMissing(DomainError):
    """Of what somebody decides about others, they have to say why."""

    code = "reason_missing"
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    message = _("Please say why.")


class TryLater(DomainError):
    """Raised by limits: too many tries. `after` is in seconds."""

    status = HTTPStatus.TOO_MANY_REQUESTS
