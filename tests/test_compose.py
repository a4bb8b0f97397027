"""docker-compose.yml is whole, healthy and holds no secret.

`docker compose config` judges it where a client with compose is installed. The other
tests read the file themselves, so that they say something on every machine.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
SECRETS = {
    "BUREAU_DB_PASSWORD",
    "BUREAU_FINGERPRINT_KEY",
    "BUREAU_REDIS_PASSWORD",
    "BUREAU_SEAL_KEYS",
    "BUREAU_SECRET_KEY",
}
PORTAL = {"migrate", "web", "worker", "beat"}
VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>[A-Z_]+)(?P<rule>:[-?][^}]*)?\}")

Compose = dict[str, Any]


@pytest.fixture(scope="module")
def text() -> str:
    return (ROOT / "docker-compose.yml").read_text()


@pytest.fixture(scope="module")
def compose(text: str) -> Compose:
    loaded: Compose = yaml.safe_load(text)
    return loaded


def test_it_has_every_part_of_the_portal(compose: Compose) -> None:
    assert set(compose["services"]) == {"postgis", "redis", "proxy", *PORTAL}


def test_every_server_says_whether_it_is_well(compose: Compose) -> None:
    for name, service in compose["services"].items():
        check = service["healthcheck"]
        assert check.get("disable") if name == "migrate" else check["test"], name


def test_nothing_starts_before_what_it_needs(compose: Compose) -> None:
    services = compose["services"]
    for name in ("web", "worker", "beat"):
        assert services[name]["depends_on"] == {
            "migrate": {"condition": "service_completed_successfully"},
            "postgis": {"condition": "service_healthy"},
            "redis": {"condition": "service_healthy"},
        }
    assert services["proxy"]["depends_on"]["web"] == {"condition": "service_healthy"}
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)


def test_a_missing_secret_stops_it(text: str) -> None:
    used = [found for found in VARIABLE.finditer(text) if found["name"] in SECRETS]
    assert {found["name"] for found in used} == SECRETS
    for found in used:
        assert (found["rule"] or "").startswith(":?"), found[0]


def test_no_variable_is_empty_by_accident(text: str) -> None:
    for found in VARIABLE.finditer(text):
        assert found["rule"], found[0]


def test_the_example_of_the_environment_names_every_secret_and_holds_none() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))
    assert values.keys() >= SECRETS
    assert {values[name] for name in SECRETS} == {""}


def test_only_the_proxy_has_a_door_to_the_outside(compose: Compose) -> None:
    open_to_all = {name for name, s in compose["services"].items() if s.get("ports")}
    assert open_to_all == {"proxy"}


def test_the_data_outlives_the_containers(compose: Compose) -> None:
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source.startswith("./") or source in compose["volumes"], name


def test_the_portal_runs_without_rights(compose: Compose) -> None:
    for name in PORTAL:
        service = compose["services"][name]
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True
    assert re.search(r"^USER bureau$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)


def test_the_files_it_names_exist(compose: Compose) -> None:
    for name in PORTAL:
        command = compose["services"][name]["command"]
        if command[0].startswith("deploy/"):
            assert (ROOT / command[0]).stat().st_mode & 0o111, command[0]
    assert (ROOT / "deploy/Caddyfile").exists()
    assert (ROOT / "deploy/healthcheck.py").exists()


def client() -> list[str] | None:
    """The compose client of this machine: Docker's plug-in, or the older program."""
    if shutil.which("docker"):
        asked = subprocess.run(
            ["docker", "compose", "version"],
            capture_output=True,
            timeout=30,
            check=False,
        )
        if asked.returncode == 0:
            return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None


def resolve(text: str, given: dict[str, str]) -> str:
    """What compose does with `${NAME:?…}` and `${NAME:-…}`."""

    def value(found: re.Match[str]) -> str:
        rule = found["rule"]
        if given.get(found["name"]):
            return given[found["name"]]
        if rule.startswith(":?"):
            raise KeyError(found["name"])
        return str(rule[2:])

    return VARIABLE.sub(value, text)


def test_compose_accepts_it(text: str, tmp_path: Path) -> None:
    example = (ROOT / ".env.example").read_text()
    given = dict.fromkeys(SECRETS, "given-by-the-test")
    given["BUREAU_DOMAIN"] = "sport.example.org"
    filled = "".join(f"{name}={value}\n" for name, value in given.items())
    env_file = tmp_path / "env"
    env_file.write_text(example + filled)
    compose = client()
    if compose:
        command = [*compose, "--env-file", str(env_file), "config", "--quiet"]
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "BUREAU_ENV_FILE": str(env_file),
        }
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return
    # No client: at least what it would read is YAML, with every variable resolved.
    resolved = yaml.safe_load(resolve(text, given))
    urls = resolved["services"]["web"]["environment"]["BUREAU_PUBLIC_URL"]
    assert urls == "https://sport.example.org"
    assert "${" not in yaml.safe_dump(resolved)


def test_compose_stops_without_the_secrets(text: str) -> None:
    with pytest.raises(KeyError):
        resolve(text, {"BUREAU_DOMAIN": "sport.example.org"})
