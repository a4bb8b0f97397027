from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import models
from django.template.loader import get_template

from bureau.audit.invariants import all_invariants
from bureau.celery import app

OURS = ("bureau.", "venues", "equipment", "events", "vouchers", "safety")


def our_models() -> Iterator[type[models.Model]]:
    for model in apps.get_models():
        if model.__module__.startswith(OURS):
            yield model


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_every_scheduled_task_exists() -> None:
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}

    assert scheduled
    assert scheduled <= set(app.tasks)


def test_every_constraint_is_named_after_its_table() -> None:
    for model in our_models():
        for constraint in model._meta.constraints:
            assert constraint.name.startswith(f"{model._meta.db_table}_"), constraint


def test_no_check_is_passed_by_a_value_that_is_not_there() -> None:
    """`NULL >= 1` is NULL, and a CHECK takes that for a yes."""
    for model in our_models():
        nullable = {field.name for field in model._meta.concrete_fields if field.null}
        for constraint in model._meta.constraints:
            if not isinstance(constraint, models.CheckConstraint):
                continue
            found = list(lookups_of(constraint.condition))
            asked = {name.partition("__")[0] for name, _value in found}
            told = {
                name.partition("__")[0]
                for name, value in found
                if name.endswith("__isnull") or value is None
            }
            assert asked & nullable <= told, constraint.name


def lookups_of(condition: object) -> Iterator[tuple[str, object]]:
    """Every `name=value` of a condition, however deep it stands."""
    for one in getattr(condition, "children", []):
        if isinstance(one, tuple):
            yield one
        else:
            yield from lookups_of(one)


def test_no_model_sorts_or_saves_behind_the_readers_back() -> None:
    for model in our_models():
        assert not model._meta.ordering, model
        assert "save" not in vars(model), model


def test_every_invariant_is_named_after_its_app() -> None:
    names = [invariant.name for invariant in all_invariants()]

    assert len(names) == len(set(names))
    labels = {config.label for config in apps.get_app_configs()}
    assert {name.split(".")[0] for name in names} <= labels


def test_every_template_compiles() -> None:
    root = Path(settings.BASE_DIR) / "templates"
    found = [path for path in root.rglob("*") if path.suffix in {".html", ".txt"}]

    assert found
    for path in found:
        get_template(str(path.relative_to(root)))


def test_no_template_carries_inline_style_or_script() -> None:
    """The content security policy would silence it."""
    root = Path(settings.BASE_DIR) / "templates"
    for path in root.rglob("*.html"):
        if path.is_relative_to(root / "admin"):
            continue
        text = path.read_text()
        assert " style=" not in text, path
        assert " onclick=" not in text, path
        assert "<style" not in text, path


def test_no_test_reads_the_clock_before_it_runs() -> None:
    """What is computed while a file is read is of yesterday after midnight."""
    early = [
        f"{path}:{line}"
        for path in sorted(Path(__file__).parent.rglob("*.py"))
        for line in clock_read_on_import(ast.parse(path.read_text()))
    ]

    assert early == []


def clock_read_on_import(tree: ast.AST) -> Iterator[int]:
    reads = {"now", "today", "tomorrow", "tomorrow_at"}
    ahead = [tree]
    while ahead:
        node = ahead.pop()
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, ast.FunctionDef):  # its body runs later
            ahead += [*node.decorator_list, node.args]
            continue
        ahead += ast.iter_child_nodes(node)
        if isinstance(node, ast.Call):
            called = node.func
            name = getattr(called, "attr", getattr(called, "id", ""))
            if name in reads:
                yield node.lineno
