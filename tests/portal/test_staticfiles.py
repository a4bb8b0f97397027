from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from django.conf import settings as ours
from django.core.files.storage import FileSystemStorage

from bureau.common.staticfiles import BundledStaticFilesStorage

STATIC = Path(ours.BASE_DIR, "static")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our own static files as collectstatic leaves them."""
    root = tmp_path_factory.mktemp("static")
    shutil.copytree(STATIC, root, dirs_exist_ok=True)
    # Somebody else's script with an import that leads nowhere, as packages have them.
    Path(root, "theirs").mkdir()
    Path(root, "theirs/ext.js").write_text("import htmx from './nowhere.js';\n")
    storage = BundledStaticFilesStorage(location=str(root), base_url="/static/")
    source = FileSystemStorage(location=str(root))
    names = [str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()]
    for _name, _hashed, processed in storage.post_process(
        {name: (source, name) for name in names}
    ):
        if isinstance(processed, Exception):
            raise processed
    return root


def hashed(served: Path, name: str) -> Path:
    manifest = json.loads(Path(served, "staticfiles.json").read_text())
    return Path(served, manifest["paths"][name])


def test_the_stylesheet_is_one_file(served: Path) -> None:
    css = hashed(served, "css/site.css").read_text()

    assert "@import" not in css
    for part in STATIC.glob("css/components/*.css"):
        first_rule = re.search(r"^(\.[\w-]+)", part.read_text(), re.MULTILINE)
        assert first_rule
        assert first_rule[1] in css, part.name


def test_the_order_of_the_cascade_is_kept(served: Path) -> None:
    css = hashed(served, "css/site.css").read_text()

    assert css.index("--paper") < css.index(".wrap") < css.index(".header__bar")
    assert css.rindex("@layer enhance") > css.index(".toast")


def test_pictures_in_the_stylesheet_are_found(served: Path) -> None:
    css = hashed(served, "css/site.css")
    addresses = re.findall(r'url\("([^"]+)"\)', css.read_text())

    assert addresses
    for address in addresses:
        assert Path(css.parent, address).resolve().is_file(), address


def test_modules_import_each_other_by_their_hashed_names(served: Path) -> None:
    site = hashed(served, "js/site.js")
    imports = re.findall(r'from "\./([^"]+)"', site.read_text())

    assert len(imports) >= 8
    for name in imports:
        assert re.search(r"\.[0-9a-f]{12}\.js$", name), name
        assert Path(site.parent, name).is_file(), name


def test_every_file_has_its_compressed_twins(served: Path) -> None:
    for name in ("css/site.css", "js/site.js", "icons/sprite.svg"):
        path = hashed(served, name)
        assert Path(f"{path}.br").is_file()
        assert Path(f"{path}.gz").is_file()


def modules_of(name: str) -> set[str]:
    """A module with all that it imports: what a page that names it loads."""
    needed, seen = {name}, set[str]()
    while missing := needed - seen:
        seen |= missing
        for one in missing:
            text = Path(STATIC, "js", one).read_text()
            needed |= set(re.findall(r"from '\./([^']+)'", text))
    return seen


def test_a_first_visit_fits_in_sixty_kilobytes(served: Path) -> None:
    names = ["css/site.css", "icons/sprite.svg", "icons/mark.svg", "img/lanes.svg"]
    names += [f"js/{name}" for name in modules_of("site.js")]
    names += [str(p.relative_to(STATIC)) for p in STATIC.glob("img/court-*.svg")]

    weight = sum(Path(f"{hashed(served, n)}.gz").stat().st_size for n in names)

    assert weight < 40_000  # leaves 20 KB for the page itself


def test_no_module_is_long() -> None:
    for module in STATIC.glob("js/*.js"):
        assert len(module.read_text().splitlines()) <= 140, module.name


def test_the_gate_keeps_every_script_that_it_needs_without_network() -> None:
    """The service worker lists them: a module that it does not keep closes the gate."""
    kept = Path(ours.BASE_DIR, "templates/venues/gate_sw.js").read_text()
    for name in modules_of("gate-offline.js") | modules_of("scanner.js"):
        assert f"js/{name}" in kept, name


def test_scripts_carry_no_words_of_their_own() -> None:
    for module in STATIC.glob("js/*.js"):
        assert not re.search("[\u4e00-\u9fff]", module.read_text()), module.name
