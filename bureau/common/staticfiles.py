"""Serve css/site.css as one file: its `@import`s are put in place at collectstatic."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from whitenoise.storage import (  # type: ignore[import-untyped]
    CompressedManifestStaticFilesStorage,
)

_IMPORT = re.compile(r"""@import\s+["']([^"']+)["']\s*;""")
_URL = re.compile(r"""url\("(\.\.?/[^"]+)"\)""")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# Indentation and blank lines; nothing that could change what a rule says.
_SPACE = re.compile(r"\n\s*")

# Django's patterns for `import … from "./x.js"`, without its glob over all scripts.
_MODULE_IMPORTS = (
    CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1]  # noqa: SLF001
)

Paths = dict[str, tuple[Storage, str]]


class BundledStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Hashed names, brotli and gzip beside each file, our modules' imports hashed."""

    # Django's own switch reads every script of every package, and theirs are not all
    # modules that resolve; ours lie in js/.
    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        ("js/*.js", _MODULE_IMPORTS),
    )
    bundles = ("css/site.css",)
    # What citizens load. Compressing all packages well takes a minute, and the proxy
    # compresses what staff load on the fly.
    compressed = ("css/", "icons/", "img/", "js/", "leaflet/leaflet.")
    manifest_strict = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._urls: dict[str, str] = {}

    def url(self, name: str, force: bool = False) -> str:  # noqa: FBT001, FBT002
        """Each address once: a page has twenty of them, and they never change."""
        if settings.DEBUG or force:
            return str(super().url(name, force))
        known = self._urls.get(name)
        if known is None:
            known = self._urls[name] = str(super().url(name, force))
        return known

    def post_process(
        self,
        paths: Paths,
        dry_run: bool = False,  # noqa: FBT001, FBT002 - Django's signature
        **options: Any,
    ) -> Iterator[Any]:
        if not dry_run:
            for name in self.bundles:
                if name in paths:
                    self._bundle(name, paths)
        yield from super().post_process(paths, dry_run=dry_run, **options)

    def compress_files(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        yield from super().compress_files(
            path for path in paths if path.startswith(self.compressed)
        )

    def _bundle(self, name: str, paths: Paths) -> None:
        folder = posixpath.dirname(name)

        def inline(found: re.Match[str]) -> str:
            part = posixpath.normpath(posixpath.join(folder, found[1]))
            # An address relative to the part becomes one relative to the bundle.
            return _URL.sub(
                lambda url: f'url("{_from(folder, part, url[1])}")',
                _text(paths, part),
            )

        css = _SPACE.sub(
            "\n", _COMMENT.sub("", _IMPORT.sub(inline, _text(paths, name)))
        )
        self.delete(name)
        self._save(name, ContentFile(css.strip().encode()))
        paths[name] = (self, name)


def _text(paths: Paths, name: str) -> str:
    storage, path = paths[name]
    with storage.open(path, "rb") as source:
        return bytes(source.read()).decode()


def _from(folder: str, part: str, address: str) -> str:
    target = posixpath.join(posixpath.dirname(part), address)
    return posixpath.relpath(target, folder)
