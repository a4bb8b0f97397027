"""Rows that are written only where a look finds the way clear: one statement.

A look, and behind it the rows, are two trips to the database, or four with BEGIN and
COMMIT. Here PostgreSQL does all of it at once (docs/adr/0016): it looks, and carries
the INSERTs out if nothing stands in the way. Each app still makes its own rows and
calls `insert`; what may be written is for the action to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from itertools import count
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.models import Field, Model

from bureau.common.db import columns_of, name_rows, on_trip, prepared

Statement = tuple[str, list[Any]]
"""A call as `prepared` gives it, and its values."""


@dataclass(frozen=True)
class Look:
    """A question with one row for an answer, and which answer lets rows be written."""

    name: str
    sql: str
    """It marks its values as $1, $2 … and is always the same under one name."""
    columns: tuple[str, ...]
    """Names for all that it selects, in its order."""
    ids: Mapping[type[Model], str]
    """The columns with the ids that it draws for new rows (`db.drawing`)."""
    is_clear: str
    """A condition on the columns, in SQL."""


@dataclass(frozen=True)
class _Coming:
    """An id that is yet to be drawn: the `nth` of a column of the look."""

    column: str
    nth: int
    sql: str


@cache
def _coming(column: str, nth: int) -> _Coming:
    return _Coming(column, nth, f"clear.{column}[{nth}]")


class Guarded:
    """The rows of a block, and what came of them."""

    def __init__(self, ids: Mapping[type[Model], str]) -> None:
        self.ids = ids
        self.drawn = {model: count(1) for model in ids}
        self.rows: list[Model] = []
        self.seen: dict[str, Any] = {}
        """What the look saw, by its columns; once the block is over."""
        self.is_written = False

    def take(self, rows: Sequence[Model], *, unless: str) -> bool:
        model = type(rows[0])
        if unless or model not in self.ids:
            # It would be written whatever the look says.
            raise TypeError(f"{model.__name__} cannot wait for what a look finds.")
        column, numbers = self.ids[model], self.drawn[model]
        name_rows(rows, [_coming(column, next(numbers)) for _ in rows])
        self.rows += rows
        return True

    def arrive(self) -> None:
        """Put the ids that were drawn into the rows that were written."""
        for row in self.rows:
            own = vars(row)
            for name, value in own.items():
                if type(value) is _Coming:
                    own[name] = self.seen[value.column][value.nth - 1]


@contextmanager
def written_if_clear(
    look: Look, given: Sequence[Any], *, behind: Statement
) -> Iterator[Guarded]:
    """Have the rows that are inserted in this block written if the way is clear.

    `behind` is carried out first (locks), in the same message and transaction, and the
    look sees what was committed when it was done. Where `is_written` is False after the
    block, forget the rows: nothing was. A question that is asked inside of the block
    sees none of them. A broken constraint shows at its end.
    """
    guarded = Guarded(look.ids)
    with on_trip(guarded):
        yield guarded
    shape, values = _shape_of(guarded.rows)
    name, sql = _statement(look, shape, first_mark=len(given) + 1)
    call = prepared(name, sql, len(given) + len(values))
    *seen, guarded.is_written = _sent(behind, (call, [*given, *values]))
    guarded.seen = dict(zip(look.columns, seen, strict=True))
    if guarded.is_written:
        guarded.arrive()


def _sent(*statements: Statement) -> tuple[Any, ...]:
    """Send them in one message, a transaction of its own; what the last one says."""
    if connection.in_atomic_block:
        with transaction.atomic():  # a savepoint: what is around it goes on
            return _execute(statements)
    return _execute(statements)


def _execute(statements: Sequence[Statement]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            "; ".join(sql for sql, _given in statements),
            [value for _sql, given in statements for value in given],
        )
        found: tuple[Any, ...] = cursor.fetchone()
    return found


Kind = str | int
"""What is written of a column: an id to come, NULL and an empty object as they stand in
the statement, or the place of its value among those that are sent, counted from 0."""
Shape = tuple[tuple[type[Model], tuple[Kind, ...]], ...]
"""Of each row its model and its kinds. Rows of one shape have one text."""


_CONSTANT = {type(None): "NULL", dict: "'{}'::jsonb"}


def _shape_of(rows: Sequence[Model]) -> tuple[Shape, list[Any]]:
    """The shape of the rows, and the values in them.

    A moment or a text that stands in several rows is sent once: PostgreSQL reads each
    value that it is sent, and who made the rows has said by it that they belong
    together. (The very same object, so that a shape does not depend on chance.)
    """
    # The connection itself: each look at the proxy `connection` costs.
    through = connections[DEFAULT_DB_ALIAS]
    shape, values, places = [], list[Any](), dict[int, int]()
    for row in rows:
        own, kinds = vars(row), list[Kind]()
        for name, plain, field in columns_of(type(row)):
            value = own[name]
            kind, place = type(value), len(values)
            if (constant := _CONSTANT.get(kind)) and not value:
                kinds.append(constant)
                continue
            if kind is _Coming:
                kinds.append(value.sql)
                continue
            if kind is not plain:
                value = field.get_db_prep_save(value, through)
            elif kind is datetime or kind is str:
                place = places.setdefault(id(value), place)
            kinds.append(place)
            if place == len(values):
                values.append(value)
        shape.append((type(row), tuple(kinds)))
    return tuple(shape), values


# Few: the rows of one slot, those of two …
_statements: dict[tuple[str, Shape], tuple[str, str]] = {}


def _statement(look: Look, shape: Shape, *, first_mark: int) -> tuple[str, str]:
    """The name and the text of the statement for rows of a shape."""
    if known := _statements.get((look.name, shape)):
        return known
    inserts = ""
    for n, (model, kinds) in enumerate(shape):
        fields = [field for _name, _plain, field in columns_of(model)]
        names = ", ".join(f'"{field.column}"' for field in fields)
        values = ", ".join(
            kind if isinstance(kind, str) else _marked(field, first_mark + kind)
            for field, kind in zip(fields, kinds, strict=True)
        )
        inserts += (
            f", row_{n} AS (INSERT INTO {model._meta.db_table} ({names})"  # noqa: S608
            f" SELECT {values} FROM clear)"
        )
    # What is clear is worked out once, and not anew for each of the rows.
    sql = (
        f"WITH seen ({', '.join(look.columns)}) AS MATERIALIZED ({look.sql}),"  # noqa: S608
        f" clear AS MATERIALIZED (SELECT * FROM seen WHERE {look.is_clear}){inserts}"
        f" SELECT *, {look.is_clear} FROM seen"
    )
    name = f"{look.name}_{sha256(sql.encode()).hexdigest()[:16]}"
    return _statements.setdefault((look.name, shape), (name, sql))


def _marked(field: Field[Any, Any], mark: int) -> str:
    # Without its length: a cast to varchar(12) cuts what an INSERT refuses.
    plain = (field.db_type(connection) or "").partition("(")[0]
    return f"${mark}::{'text' if plain in ('varchar', 'char') else plain}"
