from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import IO, Any

from rest_framework import parsers
from rest_framework.exceptions import ParseError

# NUL as `json.dumps` writes it, and not a backslash in front of "u0000".
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class JSONParser(parsers.JSONParser):
    """JSON that can also be written again: stored, hashed, or quoted in a refusal.

    Half of a surrogate pair is no character, PostgreSQL keeps no NUL, and what is
    nested a thousand deep is nothing that anybody of ours sends.
    """

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        try:
            data: dict[str, Any] = super().parse(stream, media_type, parser_context)
            text = json.dumps(data, ensure_ascii=False)
            text.encode()
        except RecursionError as error:
            raise ParseError("nested too deeply") from error
        except UnicodeEncodeError as error:
            raise ParseError("half of a surrogate pair") from error
        if _NUL.search(text):
            raise ParseError("a NUL character")
        return data
