"""`./dev up` and `./dev reset` on this machine, as a newcomer runs them."""

import json
import os
import pathlib
import pwd
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVICES = ["mcns", "mc-proxy", "mcr", "metacrypt", "mcp-master", "mcq", "mcdoc", "mcat", "kls",
            "sgard"]
NETNS = "mc-test-up"


def in_netns(*words, check=True, timeout=900):
    """Runs a command where the platform's fixed ports are free, with nobody to ask."""
    return subprocess.run(["nsenter", f"--net=/run/netns/{NETNS}", *words], cwd=ROOT, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout,
                          check=check)


def host_facts():
    """What `up` may change and `reset` must put back."""
    return {
        "users": sorted(user.pw_name for user in pwd.getpwall()),
        "subuid": pathlib.Path("/etc/subuid").read_text(),
        "tun": oct(os.stat("/dev/net/tun").st_mode),
        "runtime": os.path.isdir("/run/user/850"),
        "srv": sorted(os.listdir("/srv")),
    }


@pytest.fixture
def netns():
    if os.geteuid() != 0:
        pytest.skip("needs root")
    if (ROOT / "run").exists() or os.path.exists("/srv/mcp"):
        pytest.skip("a platform is up here, or has been: ./dev reset first")
    subprocess.run(["ip", "netns", "add", NETNS], check=True)
    try:
        in_netns("ip", "link", "set", "lo", "up")
        yield
    finally:
        in_netns("./dev", "reset", "--yes", check=False)
        subprocess.run(["ip", "netns", "delete", NETNS], check=False)


def mcp(*words, check=True):
    return in_netns("./run/mcp", *words, check=check, timeout=120)


def asked(name):
    """The addresses that the name service gives, asked as `up` suggests."""
    answer = in_netns("dig", "@127.0.1.1", "-p", "53", "+short", "+tries=1", "+time=5",
                      f"{name}.mcp.metacircular.net")
    return sorted(answer.stdout.split())


def assert_names_are_served(added):
    for name in ("mcr.svc", "metacrypt.svc", "sgard.svc", "mcp-agent.svc", "rift", "ns"):
        assert asked(name) == ["127.0.1.1", "127.0.2.1"], name
    assert asked(f"{added}.svc") == ["192.0.2.7"]


def observed():
    states = json.loads(mcp("ps", "--json").stdout)["containers"]
    return {state["container"]: state["observed"] for state in states}


# HOUSE-A1: one `./dev up` ends with all ten services (twelve containers) behind their gates and
# prints where they listen and what to try, and the real name service answers for the platform's names;
# after podman's database is lost, the commands that it printed bring every one of them back, with
# the records that an operator had added; `./dev reset` leaves the machine as it was.
def test_up_recovers_and_resets(netns):
    before = host_facts()

    up = in_netns("./dev", "up", "--yes", check=False)

    assert up.returncode == 0, up.stdout + up.stderr
    for service in SERVICES:
        assert re.search(rf"^(\S* *){service}/\S+ +healthy", up.stdout, re.M), up.stdout
    assert "./run/mcp agent recover --dry-run" in up.stdout
    assert "28443" in up.stdout
    assert len(observed()) == 12 and set(observed().values()) == {"healthy"}

    assert "dig @127.0.1.1 -p 53 mcr.svc.mcp.metacircular.net" in up.stdout
    in_netns("./run/mcns", "record", "add", "svc.mcp.metacircular.net", "mine", "A", "192.0.2.7")
    assert_names_are_served("mine")
    health = in_netns("curl", "-s", "--cacert", "run/ca.crt", "https://localhost:38443/v1/health")
    assert '"live":true' in health.stdout, health

    lose = re.search(r"^  rm (\S+bolt_state\.db)$", up.stdout, re.M)
    os.remove(lose[1])
    plan = mcp("agent", "recover", "--dry-run", check=False)
    assert plan.returncode == 10, plan.stdout + plan.stderr
    recovered = mcp("agent", "recover", check=False)
    assert recovered.returncode == 0, recovered.stdout + recovered.stderr
    assert set(observed().values()) == {"healthy"}
    assert_names_are_served("mine")

    again = in_netns("./dev", "up", "--yes", check=False)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "has a new image" not in again.stdout  # the same tree gives the same images
    assert_names_are_served("mine")

    reset = in_netns("./dev", "reset", "--yes", check=False)
    assert reset.returncode == 0, reset.stdout + reset.stderr
    assert host_facts() == before
    assert not (ROOT / "run").exists()
