"""podman_store.py keeps its promises: it works, and it leaves nothing."""
import os
import pathlib
import subprocess
import sys

import podman_store
import pytest

reason = podman_store.unavailable()
pytestmark = pytest.mark.skipif(reason is not None, reason=str(reason))
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="a network namespace needs root")


def test_a_failure_inside_leaves_no_process_and_no_file():
    with pytest.raises(ZeroDivisionError):
        with podman_store.PodmanStore() as store:
            store.import_busybox()
            store.podman("network", "create", "mcpnet")
            store.podman("run", "-d", "--network", "mcpnet", "-p", "127.0.0.1::80", "bb:1",
                         "sleep", "1000")
            assert len(store.processes()) > 3
            1 / 0
    assert not store.base.exists()
    assert store.processes() == []


def test_a_store_whose_process_was_killed_is_removed_by_the_next():
    code = ("import os, podman_store; s = podman_store.PodmanStore(); s.import_busybox(); "
            "s.podman('run', '-d', '--network', 'none', 'bb:1', 'sleep', '1000'); "
            "print(s.base, flush=True); os._exit(1)")
    done = subprocess.run([sys.executable, "-c", code], cwd=pathlib.Path(podman_store.__file__).parent,
                          capture_output=True, text=True, check=False)
    base = pathlib.Path(done.stdout.strip())
    assert base.exists(), done.stderr

    with podman_store.PodmanStore():
        assert not base.exists()


def test_containers_come_back_after_a_reboot():
    with podman_store.PodmanStore() as store:
        store.import_busybox()
        store.podman("run", "-d", "--name", "a", "--network", "none", "bb:1", "sleep", "1000")

        store.reboot()

        assert store.podman("ps", "--format", "{{.Names}}") == ""
        store.podman("start", "a")
        assert store.podman("ps", "--format", "{{.Names}}") == "a"


@needs_root
def test_a_namespace_of_its_own_has_free_low_ports():
    with podman_store.PodmanStore(netns=True) as store:
        store.import_busybox()
        store.podman("run", "-d", "--name", "a", "-p", "127.0.0.1:53:80", "bb:1", "httpd", "-f",
                     "-h", "/etc")

        answer = store.run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}",
                           "--retry", "20", "--retry-delay", "0", "--retry-all-errors",
                           "http://127.0.0.1:53/", check=False)

        assert answer.stdout.endswith("404"), answer.stdout + answer.stderr
    assert not pathlib.Path("/run/netns", store.base.name).exists()
