"""Serve css/site.css as one file: its `@import`s are put in place at collectstatic."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

_IMPORT = re.compile(r"""@import\s+["']([^"']+)["']\s*;""")
_URL = re.compile(r"""url\("(\.\.?/[^"]+)"\)""")


class BundledStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Hashed names, brotli and gzip beside each file, ES module imports rewritten."""

    support_js_module_import_aggregation = True
    bundles = ("css/site.css",)
    manifest_strict = False

    def post_process(
        self, paths: dict[str, Any], *, dry_run: bool = False, **options: Any
    ) -> Iterator[Any]:
        if not dry_run:
            for name in self.bundles:
                if name in paths:
                    self._bundle(name, paths)
        yield from super().post_process(paths, dry_run=dry_run, **options)

    def _bundle(self, name: str, paths: dict[str, Any]) -> None:
        folder = PurePosixPath(name).parent

        def inline(found: re.Match[str]) -> str:
            part = str(folder / found[1])
            storage, path = paths[part]
            with storage.open(path) as source:
                text = source.read().decode()
            # An address relative to the part becomes one relative to the bundle.
            return _URL.sub(lambda url: f'url("{_from(folder, part, url[1])}")', text)

        storage, path = paths[name]
        with storage.open(path) as source:
            css = _IMPORT.sub(inline, source.read().decode())
        self.delete(name)
        self._save(name, ContentFile(css.encode()))
        paths[name] = (self, name)


def _from(folder: PurePosixPath, part: str, address: str) -> str:
    target = posixpath.join(posixpath.dirname(part), address)
    return posixpath.relpath(target, folder)
