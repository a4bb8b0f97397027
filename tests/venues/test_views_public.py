from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from bureau.common.sports import Sport
from tests import make

pytestmark = pytest.mark.django_db


def test_the_list_shows_public_venues_by_district(client: Client) -> None:
    make.venue(name="Hall B", district=make.district(position=2))
    make.venue(name="Hall A", district=make.district(position=1))
    make.venue(name="Pool Ltd", kind="business")
    text = client.get("/venues/").text
    assert "Pool Ltd" not in text
    assert text.index("Hall A") < text.index("Hall B")
    assert "from ¥40 an hour" in text
