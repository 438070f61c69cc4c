"""The NixOS module: Nix evaluates it, and its units are those of deploy/systemd."""
import json
import re
import shutil
import subprocess

import pytest

from processes import ROOT

MODULE = ROOT / "deploy/nixos/metacircular.nix"
STUB = ROOT / "tests/systemd/nixos_stub.nix"
NIX = shutil.which("nix-instantiate")
PATIENCE_S = 60

pytestmark = pytest.mark.skipif(NIX is None, reason="nix-bin is not installed")


@pytest.fixture
def nix(tmp_path):
    """Runs nix-instantiate without a store, a network or anybody's settings."""
    def run(*words, check=True):
        environment = {"HOME": str(tmp_path), "NIX_STATE_DIR": str(tmp_path / "state"),
                       "NIX_STORE_DIR": str(tmp_path / "store"), "NIX_REMOTE": "dummy://"}
        return subprocess.run([NIX, *map(str, words)], env=environment, text=True, check=check,
                              capture_output=True, timeout=PATIENCE_S)
    return run


@pytest.fixture
def evaluate(nix):
    """The module's configuration with these options set."""
    def run(check=True, **options):
        given = json.dumps({"enable": True, "package": "/packages/mcp", **options})
        done = nix("--eval", "--strict", "--json", "--argstr", "given", given, "--expr",
                   f"{{ given }}: import {STUB} {{ module = {MODULE}; "
                   "overrides = builtins.fromJSON given; }", check=check)
        return json.loads(done.stdout) if check else done
    return run


def text_of(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def rendered(kind, unit):
    """A unit as NixOS writes it: section -> key -> the values of its lines."""
    sections = {"Unit": {}, kind: {}, "Install": {}}
    names = {"description": "Description", "documentation": "Documentation", "wants": "Wants",
             "after": "After", "conflicts": "Conflicts",
             "startLimitIntervalSec": "StartLimitIntervalSec"}
    for key, name in names.items():
        value = unit.get(key, [])
        if value != []:
            sections["Unit"][name] = [" ".join(value) if isinstance(value, list) else text_of(value)]
    for key, value in unit[f"{kind.lower()}Config"].items():
        if key == "ReadWritePaths":
            value = " ".join(value)
        sections[kind][key] = [text_of(each) for each in (value if isinstance(value, list) else [value])]
    if "environment" in unit:
        words = sorted(f"{key}={value}" for key, value in unit["environment"].items())
        sections[kind]["Environment"] = [" ".join(words)]
    if unit.get("wantedBy"):
        sections["Install"]["WantedBy"] = [" ".join(unit["wantedBy"])]
    return {name: keys for name, keys in sections.items() if keys}


def parsed(name):
    """The same of a file of deploy/systemd."""
    sections = {}
    for line in (ROOT / "deploy/systemd" / name).read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"\[(\w+)\]", line):
            section = sections.setdefault(match[1], {})
        elif line and not line.startswith("#"):
            key, value = line.split("=", 1)
            if key == "Environment":
                value = " ".join(sorted(value.split()))
            section.setdefault(key, []).append(value.replace("true", "yes"))
    return sections


def as_on_debian(unit):
    return json.loads(json.dumps(unit).replace("/packages/coreutils/bin/kill", "/bin/kill"))


def test_what_is_no_option_is_found(evaluate):
    done = evaluate(check=False, manner="spawn")

    assert done.returncode != 0 and "no such option: manner" in done.stderr


def test_every_file_parses(nix):
    for path in (*MODULE.parent.glob("*.nix"), STUB):
        nix("--parse", path)


@pytest.mark.parametrize("mode, name", [("socket", "mcp-agent"), ("spawn", "mcp-agent-spawn")])
def test_the_agents_unit_is_that_of_debian(evaluate, mode, name):
    units = evaluate(mode=mode)["systemd"]["services"]

    assert set(units) == {name, "mcp-backup"}
    assert as_on_debian(rendered("Service", units[name])) == parsed(f"{name}.service")


def test_the_backup_is_that_of_debian(evaluate):
    systemd = evaluate(settings={"backup": {"targets": ["file:///mnt/backup"]}})["systemd"]

    assert rendered("Service", systemd["services"]["mcp-backup"]) == parsed("mcp-backup.service")
    assert rendered("Timer", systemd["timers"]["mcp-backup"]) == parsed("mcp-backup.timer")
    assert evaluate()["systemd"]["timers"]["mcp-backup"]["wantedBy"] == []


# What deploy/debian/provision does, by its steps.
def test_the_rest_is_what_the_script_does(evaluate):
    made = evaluate(dns="192.168.88.181", settings={"node": {"name": "rift"}})

    user = made["users"]["users"]["mcp"]
    assert (user["uid"], user["home"], user["linger"]) == (850, "/srv/mcp", True)
    assert made["users"]["groups"]["mcp"]["gid"] == 850
    assert user["extraGroups"] == ["systemd-journal", "mcp-admin"]
    assert user["subUidRanges"] == [{"startUid": 100000, "count": 65536}]
    assert user["subGidRanges"] == [{"startGid": 100000, "count": 65536}]
    assert made["networking"]["nameservers"] == ["192.168.88.181", "9.9.9.9", "1.1.1.1"]
    assert made["boot"]["kernel"]["sysctl"] == {"net.ipv4.ip_unprivileged_port_start": 53}
    assert made["virtualisation"]["containers"]["storage"]["settings"] == {
        "storage": {"driver": "overlay"}}
    assert made["systemd"]["user"]["sockets"]["podman"]["wantedBy"] == ["sockets.target"]
    assert made["systemd"]["user"]["services"]["podman-restart"] == {"enable": False}
    rules = [rule.split(" - - - - ") for rule in made["systemd"]["tmpfiles"]["rules"]]
    assert ["L+ /srv/mcp/mcp-agent", "/packages/mcp/bin/mcp-agent"] in rules
    settings = next(json.loads(rule[1]) for rule in rules if rule[0].endswith("mcp-agent.toml"))
    assert settings == {"node": {"name": "rift"}, "podman": {"mode": "socket"},
                        "identity": {"uid": 850, "gid": 850}}


def test_another_uid_is_another_everywhere(evaluate):
    made = evaluate(uid=851, mode="spawn")

    assert "850" not in json.dumps(made)
    assert made["systemd"]["user"]["sockets"]["podman"]["wantedBy"] == []


def test_disabled_it_does_nothing(evaluate):
    assert evaluate(enable=False) == {}
