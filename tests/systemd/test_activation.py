"""A port that systemd has bound, with systemd's own program for it."""
import contextlib
import random
import socket

from processes import PATIENCE_S, PROBE, running


TRIES_MAX = 20


@contextlib.contextmanager
def activated(config, name):
    """systemd-socket-activate with the probe, and its port. It takes no port 0: one outside of the
    range that the kernel gives away is tried until it is free."""
    for _ in range(TRIES_MAX):
        port = random.randint(20000, 30000)
        argv = ["systemd-socket-activate", f"--listen=127.0.0.1:{port}", f"--fdname={name}", PROBE,
                "server", "--config", config]
        with running(argv) as process:
            if process.stderr.readline().startswith("Listening on"):
                yield process, port
                return
    raise AssertionError("no port is free")


def test_a_socket_by_another_name_is_a_mistake(tmp_path):
    config = tmp_path / "probe.toml"
    config.write_text("", encoding="utf-8")
    with activated(config, "window") as (process, port):
        with socket.create_connection(("127.0.0.1", port), PATIENCE_S):
            assert process.wait(PATIENCE_S) == 2
        assert "window" in process.stderr.read()


# HOUSE-A12: A port that systemd-socket-activate has bound is served, from the connection on that
# started the service.
def test_an_activated_port_is_served(tmp_path):
    config = tmp_path / "probe.toml"
    config.write_text('[probe]\nword = "moin"\n', encoding="utf-8")
    with activated(config, "door") as (process, port):
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as client:
                client.settimeout(PATIENCE_S)
                assert client.recv(100) == b"moin"
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
        assert process.stdout.read().splitlines()[:2] == ["adopts a door", "start moin"]
