"""deploy/debian/provision on a machine that may be changed: tests/support/machine.py."""
import json
import pathlib

import pytest
from machine import Machine, unavailable
from mcp_node import BIN, ROOT

SCRIPT = "/opt/metacircular/deploy/debian/provision"
AGENT = "/opt/mcp-agent"
CONFIG = "/opt/rift.toml"
CONFIG_TEXT = """[node]
name = "rift"

[podman]
mode = "spawn"

[backup]
targets = ["file:///mnt/backup"]
"""
# What no later than the reboot or the agent's first start makes right.
PROVISIONED = ("uid.pinned", "uid.collision", "subid", "newuidmap", "nnp", "tun", "runtime_dir",
               "driver", "restart_unit", "privileged_ports", "resolvers", "overlay_dns")
EXIT_USAGE, EXIT_NOT_FOUND, EXIT_DENIED, EXIT_REFUSED, EXIT_PARTIAL, EXIT_CHANGES = 2, 3, 4, 6, 7, 10


@pytest.fixture(scope="module", autouse=True)
def machines():
    reason = unavailable()
    if reason:
        pytest.skip(reason)


@pytest.fixture
def bare():
    """A Debian that nobody has set up."""
    with Machine() as machine:
        machine.shell("""
            userdel mcp 2>/dev/null || true
            groupdel mcp 2>/dev/null || true
            groupdel mcp-admin 2>/dev/null || true
            sed -i /^mcp:/d /etc/subuid /etc/subgid
            rm -rf /srv /var/lib/systemd/linger/mcp /etc/sysctl.d/60-mcp-ports.conf
            mkdir /srv
            echo 1024 > /proc/sys/net/ipv4/ip_unprivileged_port_start
            rm -f /etc/resolv.conf
            printf 'search lan\\nnameserver 192.168.88.1\\n' > /etc/resolv.conf
        """)
        for path in (ROOT / "deploy/systemd").iterdir():
            machine.copy_in(path, f"/opt/metacircular/deploy/systemd/{path.name}", 0o644)
        machine.copy_in(ROOT / "deploy/debian/provision", SCRIPT)
        machine.write(CONFIG, CONFIG_TEXT)
        yield machine


def provision(machine, *words, code=0, **options):
    done = machine.run(SCRIPT, *words, check=False, **options)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def state(machine):
    """Of everything that the script may change: name, kind, owner, mode, and when."""
    return machine.shell(
        "find /etc /srv /usr/local/bin /var/lib/systemd -printf '%p %y %u:%g %m %T@ %l\\n' | sort;"
        "cat /proc/sys/net/ipv4/ip_unprivileged_port_start")


def lines(done):
    """The line of each step: step -> (what happened, text)."""
    words = [line.split(None, 2) for line in done.stdout.splitlines()]
    return {word[1]: (word[0], word[2] if len(word) > 2 else "") for word in words if len(word) > 1}


def refused(machine, *words):
    before = state(machine)
    done = provision(machine, *words, code=EXIT_REFUSED)
    assert state(machine) == before
    assert provision(machine, "--plan", *words, code=EXIT_REFUSED).stderr == done.stderr
    assert "nothing was changed" in done.stderr
    return done.stderr


def install_agent(machine):
    machine.copy_in(BIN / "mcp-agent", AGENT)
    return provision(machine, "--agent", AGENT, "--config", CONFIG, "--mode", "spawn", "--dns",
                     "192.168.88.181")


def doctor(machine, user=None):
    env = {"HOME": "/srv/mcp", "XDG_RUNTIME_DIR": "/run/user/850"} if user else {}
    done = machine.run("mcp-agent", "doctor", "--offline", "--json", check=False, user=user, env=env)
    return {row["id"]: row for row in json.loads(done.stdout)}


@pytest.mark.parametrize("words, code, said", [
    (["--paln"], EXIT_USAGE, "unknown option '--paln'"),
    (["--mode", "both"], EXIT_USAGE, "socket or spawn"),
    (["--mode"], EXIT_USAGE, "needs a value"),
    (["--dns", "ns.example"], EXIT_USAGE, "takes an address"),
    (["--subids", "1000"], EXIT_USAGE, "from 65536 on"),
    (["--skip", "nothing"], EXIT_USAGE, "no step 'nothing'"),
    (["--agent", "/no/agent"], EXIT_NOT_FOUND, "/no/agent is not there"),
    (["--root", "/srv"], EXIT_NOT_FOUND, "/srv/etc/passwd is not there")])
def test_a_mistake_changes_nothing_and_says_what_it_is(bare, words, code, said):
    before = state(bare)

    done = provision(bare, *words, code=code)

    assert said in done.stderr and "hint: " in done.stderr
    assert state(bare) == before


def test_who_is_not_root_may_only_look(bare):
    assert "needs root" in provision(bare, user="nobody", code=EXIT_DENIED).stderr
    assert lines(provision(bare, "--plan", user="nobody", code=EXIT_CHANGES))["user"][0] == "would"


def test_a_uid_of_somebody_else_is_refused_by_name(bare):
    bare.run("useradd", "--system", "--uid", "850", "exim")

    assert "uid 850 belongs to exim" in refused(bare)


def test_a_gid_of_somebody_else_is_refused_by_name(bare):
    bare.run("groupadd", "--gid", "850", "scanner")

    assert "gid 850 belongs to the group scanner" in refused(bare)


def test_the_uid_of_a_user_is_never_changed(bare):
    bare.run("useradd", "--system", "--uid", "895", "mcp")

    assert "the user mcp has uid 895, and has to have 850" in refused(bare)
    assert "never change the uid" in refused(bare)


def test_a_home_that_is_elsewhere_is_refused(bare):
    bare.shell("groupadd --gid 850 mcp; useradd --uid 850 --gid 850 -M -d /opt/mcp mcp")

    assert "/opt/mcp, and has to be /srv/mcp" in refused(bare)


def test_files_of_another_uid_in_the_home_are_refused(bare):
    bare.shell("mkdir /srv/mcp; touch /srv/mcp/mcp.db; chown -R 995:995 /srv/mcp")

    assert "chown -hR --from=995 850:850 /srv/mcp" in refused(bare)


def test_subordinate_ids_of_somebody_else_are_refused_and_free_ones_named(bare):
    bare.write("/etc/subuid", "anna:50000:60000")  # and no line end
    bare.write("/etc/subgid", "anna:50000:60000\n")

    said = refused(bare)
    assert "overlap those of anna" in said
    assert "--subids 110000" in said

    provision(bare, "--subids", "110000")
    assert bare.read("/etc/subuid") == "anna:50000:60000\nmcp:110000:65536\n"
    assert lines(provision(bare))["subids"] == ("ok", "mcp has 65536 ids from 110000 on")


def test_a_range_that_is_too_small_is_refused(bare):
    bare.write("/etc/subuid", "mcp:100000:1000\n")

    assert "gives mcp 1000 ids, and has to give 65536" in refused(bare)


# A bare machine becomes one that the doctor has nothing to say against, and the agent starts on it.
def test_a_bare_machine_becomes_a_node(bare):
    before = state(bare)

    plan = provision(bare, "--plan", code=EXIT_CHANGES)
    assert state(bare) == before
    assert "nothing was changed" in plan.stdout

    first = lines(install_agent(bare))
    assert {name for name, (word, _) in first.items() if word == "would"} == set()
    assert first["user"][0] == first["unit"][0] == first["backup"][0] == "done"
    after = state(bare)

    second = install_agent(bare)
    assert second.stdout.endswith("nothing changed\n")
    assert state(bare) == after
    assert provision(bare, "--plan").stdout.endswith("nothing to change\n")

    assert bare.run("id", "mcp").stdout.startswith("uid=850(mcp) gid=850(mcp)")
    assert {"systemd-journal", "mcp-admin"} <= set(bare.run("id", "-nG", "mcp").stdout.split())
    assert bare.run("stat", "-c", "%U:%G %a", "/srv/mcp", "/srv").stdout == (
        "mcp:mcp 751\nroot:mcp 1775\n")
    assert bare.read("/etc/resolv.conf") == (
        "nameserver 192.168.88.181\nnameserver 9.9.9.9\nnameserver 1.1.1.1\nsearch lan\n")
    assert bare.read("/etc/resolv.conf.before-provision") == "search lan\nnameserver 192.168.88.1\n"
    assert bare.read("/proc/sys/net/ipv4/ip_unprivileged_port_start") == "53\n"
    for unit in ("mcp-agent-spawn.service", "mcp-backup.timer"):
        assert bare.run("systemctl", "is-enabled", unit).stdout == "enabled\n"

    bare.run("install", "-d", "-m", "0700", "-o", "mcp", "-g", "mcp", "/run/user/850")  # as logind
    for user in (None, "mcp"):
        findings = doctor(bare, user)
        for check in PROVISIONED:
            assert findings[check]["severity"] == "ok", findings[check]
    started = bare.run("mcp-agent", "server", "--once", user="mcp", check=False,
                       env={"HOME": "/srv/mcp", "XDG_RUNTIME_DIR": "/run/user/850"})
    assert started.returncode == 0, started.stderr


# Wherever it was cut off: every file is the old one or the new one, and a run to the end repairs it.
def test_a_run_that_is_cut_off_is_completed_by_the_next(bare):
    for delay_s in (0.1, 0.2, 0.3, 0.4, 0.5):
        bare.run("timeout", "--signal=KILL", delay_s, SCRIPT, "--mode", "spawn", check=False)
        assert bare.run("getent", "passwd", "root").stdout
        assert bare.read("/etc/resolv.conf").count("nameserver") in (1, 3)

    provision(bare, "--mode", "spawn")

    assert provision(bare).stdout.endswith("nothing changed\n")
    assert bare.read("/etc/subuid").count("mcp:") == 1


def test_two_at_once_do_not_meet(bare):
    done = bare.run("flock", "/run/mcp-provision.lock", SCRIPT, check=False)

    assert done.returncode == EXIT_REFUSED
    assert "another provision is at work" in done.stderr


def test_a_step_that_is_skipped_is_left_as_it_is(bare):
    done = lines(provision(bare, "--skip", "resolver", "--skip", "ports"))

    assert done["resolver"][0] == done["ports"][0] == "skipped"
    assert bare.read("/etc/resolv.conf") == "search lan\nnameserver 192.168.88.1\n"


STORAGE = "/srv/mcp/.config/containers/storage.conf"


def test_a_store_of_vfs_is_left_and_told(bare):
    provision(bare)
    bare.shell(f"rm {STORAGE}; mkdir -p /srv/mcp/.local/share/containers/storage/vfs-images")

    done = provision(bare, code=EXIT_PARTIAL)

    word, text = lines(done)["storage"]
    assert word == "left" and "uses vfs" in text
    assert "1 thing left for you" in done.stdout
    assert bare.run("test", "-e", STORAGE, check=False).returncode == 1


def test_another_driver_is_replaced_only_while_there_is_no_store(bare):
    provision(bare)
    other = '[storage]\nrunroot = "/x"\ndriver = "btrfs"\n[storage.options]\n'
    bare.write(STORAGE, other)
    bare.run("chown", "mcp:mcp", STORAGE)
    bare.run("mkdir", "-p", "/srv/mcp/.local/share/containers/storage/btrfs-images")
    assert lines(provision(bare, code=EXIT_PARTIAL))["storage"][0] == "left"
    assert bare.read(STORAGE) == other

    bare.run("rm", "-r", "/srv/mcp/.local/share/containers/storage/btrfs-images")
    assert lines(provision(bare))["storage"][0] == "done"
    assert bare.read(STORAGE) == other.replace("btrfs", "overlay")
    assert bare.read(STORAGE + ".before-provision") == other


# Root writes nothing through a link that the agent's user may have put there.
def test_a_link_in_the_home_leads_root_nowhere(bare):
    provision(bare)
    bare.shell(f"rm {STORAGE}; ln -s /etc/shadow {STORAGE}; chown -h mcp:mcp {STORAGE}")
    shadow = bare.read("/etc/shadow")

    provision(bare, code=1)

    assert bare.read("/etc/shadow") == shadow
    assert bare.run("cat", STORAGE, user="mcp", check=False).returncode != 0


@pytest.mark.parametrize("setup, manager", [
    ("mkdir -p /run/systemd/resolve; printf 'nameserver 127.0.0.53\\n' > "
     "/run/systemd/resolve/stub-resolv.conf; "
     "ln -sf /run/systemd/resolve/stub-resolv.conf /etc/resolv.conf", "systemd-resolved"),
    ("printf '# Generated by NetworkManager\\nnameserver 192.168.88.1\\n' > /etc/resolv.conf",
     "NetworkManager")])
def test_a_resolv_conf_that_somebody_keeps_is_left_to_him(bare, setup, manager):
    bare.shell(setup)
    before = bare.read("/etc/resolv.conf")

    word, text = lines(provision(bare))["resolver"]

    assert word == "note" and text.startswith(f"{manager} keeps /etc/resolv.conf; ")
    assert "9.9.9.9 1.1.1.1" in text
    assert bare.read("/etc/resolv.conf") == before


def test_resolvers_that_do_not_depend_on_us_are_kept(bare):
    text = "nameserver 192.168.88.181\nnameserver 193.0.14.129\nnameserver 198.41.0.4\n"
    bare.write("/etc/resolv.conf", text)

    assert lines(provision(bare, "--dns", "192.168.88.181"))["resolver"][0] == "ok"
    assert bare.read("/etc/resolv.conf") == text


def test_the_mode_stays_until_another_is_asked_for(bare):
    def enabled(unit):
        return bare.run("systemctl", "is-enabled", unit, check=False).stdout.strip() == "enabled"

    provision(bare, "--mode", "spawn")
    provision(bare)
    assert enabled("mcp-agent-spawn.service") and not enabled("mcp-agent.service")

    done = lines(provision(bare, "--mode", "socket"))
    assert done["unit"][1].startswith("disable mcp-agent-spawn.service, install mcp-agent.service")
    assert enabled("mcp-agent.service") and not enabled("mcp-agent-spawn.service")
    want = "/srv/mcp/.config/systemd/user/sockets.target.wants/podman.socket"
    assert bare.run("readlink", want).stdout == "/usr/lib/systemd/user/podman.socket\n"


def test_what_an_operator_decided_stays(bare):
    provision(bare, "--config", CONFIG)
    bare.shell("echo '# mine' >> /srv/mcp/mcp-agent.toml; rm /etc/systemd/system/mcp-agent.service; "
               "ln -s /dev/null /etc/systemd/system/mcp-agent.service; "
               "echo net.ipv4.ip_unprivileged_port_start=0 > /etc/sysctl.d/60-mcp-ports.conf; "
               "echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start")

    done = lines(provision(bare, "--config", CONFIG, code=EXIT_PARTIAL))

    assert done["config"] == ("note", "/srv/mcp/mcp-agent.toml is there and is another; "
                                      "it is left as it is")
    assert done["unit"][0] == "left" and "is masked" in done["unit"][1]
    assert bare.read("/proc/sys/net/ipv4/ip_unprivileged_port_start") == "0\n"
    assert bare.read("/srv/mcp/mcp-agent.toml").endswith("# mine\n")


def test_an_agent_that_does_not_run_here_takes_nobodys_place(bare):
    install_agent(bare)
    before = bare.run("sha256sum", "/srv/mcp/mcp-agent").stdout
    bare.write("/opt/other", "no program\n", 0o755)

    done = provision(bare, "--agent", "/opt/other", code=1)

    assert "does not run on this machine" in done.stderr
    assert bare.run("sha256sum", "/srv/mcp/mcp-agent").stdout == before

    bare.write("/opt/newer", "#!/bin/sh\nexit 0\n", 0o755)
    provision(bare, "--agent", "/opt/newer")
    assert bare.run("sha256sum", "/srv/mcp/mcp-agent.prev").stdout.split()[0] == before.split()[0]


# systemd cannot run there: a program in its place writes down what it was asked for, and knows what
# was started.
SYSTEMCTL = """#!/bin/sh
echo "$(basename "$0") $*" >> /run/asked
case "$*" in
  *is-active*) grep -q -e " start $3$" -e " restart $3$" /run/asked ;;
esac
"""


def test_with_systemd_everything_runs_at_once(bare):
    bare.run("mkdir", "-p", "/run/systemd/system", "/run/user/850/podman")
    for name in ("systemctl", "loginctl"):
        bare.write(f"/usr/local/bin/{name}", SYSTEMCTL, 0o755)
    bare.shell("touch /run/asked; chmod 0666 /run/asked")
    bare.write(AGENT, "#!/bin/sh\nexit 0\n", 0o755)

    provision(bare, "--agent", AGENT, "--config", CONFIG)

    asked = bare.read("/run/asked").splitlines()
    assert asked.index("loginctl enable-linger mcp") < asked.index("systemctl start user@850.service")
    assert "systemctl --user start podman.socket" in asked
    assert "systemctl start mcp-backup.timer" in asked
    assert asked[-1] == "systemctl start mcp-agent.service"

    bare.write("/opt/newer", "#!/bin/sh\nexit 0 # newer\n", 0o755)
    done = lines(provision(bare, "--agent", "/opt/newer", "--skip", "podman", "--skip", "linger"))
    assert done["start"] == ("done", "restart mcp-agent.service; containers run on")
    again = provision(bare, "--agent", "/opt/newer", "--skip", "podman", "--skip", "linger")
    assert lines(again)["start"] == ("ok", "mcp-agent.service runs")

    bare.write("/opt/broken", "#!/bin/sh\n[ \"$1\" = version ]\n", 0o755)
    done = provision(bare, "--agent", "/opt/broken", "--skip", "podman", "--skip", "linger", code=1)
    assert "mcp-agent.toml is not valid" in done.stderr


def test_an_image_is_prepared_by_its_files(bare):
    bare.shell("mkdir -p /image/etc /image/var/lib/dpkg; touch /image/etc/shadow /image/var/lib/dpkg/status; "
               "grep -e ^root: -e ^nobody: /etc/passwd > /image/etc/passwd; "
               "grep -e ^root: -e ^systemd-journal: /etc/group > /image/etc/group; "
               "cp /etc/os-release /image/etc; chmod 0700 /image")
    bare.write(AGENT, "for another machine", 0o644)
    before = state(bare)

    done = provision(bare, "--root", "/image", "--agent", AGENT, code=EXIT_PARTIAL)

    assert state(bare) == before
    assert "apt-get install --no-install-recommends podman" in lines(done)["packages"][1]
    assert bare.shell("stat -c '%u:%g %a' /image/srv/mcp /image/srv/mcp/mcp-agent") == (
        "850:850 751\n850:850 755\n")
    assert bare.shell("find /image/srv/mcp ! -uid 850") == ""
    assert "mcp:x:850:850:" in bare.read("/image/etc/passwd")
    assert "mcp-admin:" in bare.read("/image/etc/group")
    again = provision(bare, "--root", "/image", "--agent", AGENT, code=EXIT_PARTIAL)
    assert "nothing changed\n" in again.stdout


def test_the_steps_of_the_help_page_are_those_that_it_takes(bare):
    page = provision(bare, "--help").stdout
    steps = page.split("Steps: ")[1].split("\n\n")[0].split()
    assert set(steps) == set(lines(provision(bare, "--plan", code=EXIT_CHANGES))) - {"changes"}
    assert pathlib.Path(ROOT / "docs/operations/provision.md").exists()
