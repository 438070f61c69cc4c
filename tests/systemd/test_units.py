"""The units of deploy/systemd, read by systemd itself."""
import configparser
import os
import shutil
import subprocess

import pytest

from processes import AGENT, NAMES, ROOT

UNITS = sorted(path.name for path in (ROOT / "deploy/systemd").iterdir())

# Each of these gives the process no_new_privs, and podman's newuidmap is set-uid.
IMPLY_NO_NEW_PRIVILEGES = [
    "NoNewPrivileges", "PrivateDevices", "ProtectKernelTunables", "ProtectKernelModules",
    "ProtectKernelLogs", "ProtectClock", "ProtectHostname", "RestrictSUIDSGID", "LockPersonality",
    "RestrictRealtime", "MemoryDenyWriteExecute", "SystemCallFilter", "SystemCallArchitectures",
    "RestrictAddressFamilies", "RestrictNamespaces", "DynamicUser", "PrivateTmp", "ProtectSystem",
    "CapabilityBoundingSet"]


def section_of(name, section):
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(ROOT / "deploy/systemd" / name)
    return parser[section]


def service_section(name):
    return section_of(name, "Service")


@pytest.fixture
def node(tmp_path):
    """A file system in which the units are installed, with systemd's own beside them."""
    root = tmp_path / "node"
    shutil.copytree("/usr/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True)
    (root / "etc/systemd/system").mkdir(parents=True)
    for name in UNITS:
        shutil.copy(ROOT / "deploy/systemd" / name, root / "etc/systemd/system")
    (root / "bin").mkdir()
    shutil.copy("/bin/kill", root / "bin")
    for folder, program in (("mcp", AGENT), ("mcns", NAMES)):
        (root / "srv" / folder).mkdir(parents=True)
        shutil.copy(program, root / "srv" / folder)
        subprocess.run([program, "man", "--dir", tmp_path / "man/man1"], check=True)
    return root


def verify(node, unit):
    """What systemd has to say against a unit; it ends with 0 over a key that it ignores."""
    done = subprocess.run(["systemd-analyze", "verify", f"--root={node}", unit], text=True, check=False,
                          capture_output=True, env={**os.environ, "MANPATH": str(node.parent / "man")})
    return done.stdout + done.stderr + (f"exit {done.returncode}" if done.returncode else "")


@pytest.mark.parametrize("right, wrong, complaint", [
    ("Type=notify", "Kind=notify", "Unknown key"),
    ("Type=notify", "Type=notifi", "Failed to parse service type"),
    ("ExecStart=/srv/mcp/mcp-agent", "ExecStart=/srv/mcp/elsewhere", "not executable"),
    ("man:mcp-agent(1)", "man:mcp-elsewhere(1)", "'man mcp-elsewhere(1)' failed")])
def test_a_wrong_unit_would_be_found(node, right, wrong, complaint):
    unit = node / "etc/systemd/system/mcp-agent.service"
    unit.write_text(unit.read_text(encoding="utf-8").replace(right, wrong), encoding="utf-8")

    assert complaint in verify(node, "mcp-agent.service")


# HOUSE-A12: systemd-analyze verify finds nothing to say against any unit, its commands and its
# manual pages included.
@pytest.mark.parametrize("name", UNITS)
def test_units_pass_verify(node, name):
    assert verify(node, name) == ""


@pytest.mark.parametrize("name", ["mcp-agent.service", "mcp-agent-spawn.service"])
def test_the_agent_is_supervised(name):
    section = service_section(name)

    assert section["Type"] == "notify"
    assert section["WatchdogSec"] == "60"
    assert section["Restart"] == "always" and section["RestartSec"] == "5"
    assert "XDG_RUNTIME_DIR=/run/user/850" in section["Environment"]
    assert section["KillMode"] == "process", "containers outlive the agent"


def test_the_agent_that_starts_podman_may_gain_privileges():
    section = service_section("mcp-agent-spawn.service")

    assert [key for key in IMPLY_NO_NEW_PRIVILEGES if key in section] == []


def test_the_agent_that_uses_a_socket_is_confined():
    section = service_section("mcp-agent.service")

    assert section["NoNewPrivileges"] == "yes"
    assert section["ProtectSystem"] == "strict" and "/srv" in section["ReadWritePaths"].split()
    # The two calls by which sockets are taken back from containers.
    assert section["SystemCallFilter"].split() == ["@system-service", "pidfd_open", "pidfd_getfd"]
    assert section["CapabilityBoundingSet"] == ""
    assert "ProtectHome" not in section, "it hides /run/user, where podman's socket is"


def test_the_name_service_waits_for_nobody_and_may_bind_port_53():
    text = (ROOT / "deploy/systemd/mcns.service").read_text(encoding="utf-8")
    section = service_section("mcns.service")

    assert "Requires=" not in text and "network-online" not in text.split("[Service]")[0].replace(
        "# No network-online.target", "")
    assert section["AmbientCapabilities"] == section["CapabilityBoundingSet"] \
        == "CAP_NET_BIND_SERVICE"
    assert section["NoNewPrivileges"] == "yes" and section["ProtectSystem"] == "strict"
    assert section["RestrictNamespaces"] == "yes"


def test_systemd_can_hold_port_53_for_the_name_service():
    text = (ROOT / "deploy/systemd/mcns-dns.socket").read_text(encoding="utf-8")
    section = section_of("mcns-dns.socket", "Socket")
    name = section["FileDescriptorName"]

    assert section["Service"] == "mcns.service"
    assert f'kDnsSocket = "{name}"' in (ROOT / "src/mcns/service/service.h").read_text(encoding="utf-8")
    for kind in ("Datagram", "Stream"):
        for address in ("0.0.0.0:53", "[::]:53"):
            assert f"\nListen{kind}={address}\n" in text
    assert section["BindIPv6Only"] == "ipv6-only", "IPv4 has sockets of its own"


def test_the_name_service_is_copied_every_night():
    timer = section_of("mcns-backup.timer", "Timer")
    section = service_section("mcns-backup.service")

    assert timer["OnCalendar"] == "*-*-* 02:00:00 UTC" and timer["RandomizedDelaySec"] == "5min"
    assert section["Type"] == "oneshot"
    assert section["ExecStart"] == "/srv/mcns/mcns snapshot --keep 14"
    names = service_section("mcns.service")
    assert section["User"] == names["User"], "the local socket is for this user and root"
