"""Starts mc-standin on free loopback ports and gives its real ones."""

import os
import pathlib
import subprocess

import pytest

BINARY = str(pathlib.Path(os.environ.get("MC_BIN", "build/dev/bin")) / "mc-standin")


class Standin:
    def __init__(self, folder, listen, **environment):
        self.fail_file = folder / "standin-fail"
        ready_read, ready_write = os.pipe()
        self.process = subprocess.Popen(
            [BINARY, "server", "--config", "/srv/mcns/mcns.toml"],
            env={
                "STANDIN_SERVICE": "mcns",
                "STANDIN_LISTEN": listen,
                "STANDIN_FAIL_FILE": str(self.fail_file),
                "STANDIN_READY_FD": str(ready_write),
                **environment,
            },
            pass_fds=[ready_write],
            stderr=subprocess.PIPE,
            text=True,
        )
        os.close(ready_write)
        with os.fdopen(ready_read) as ready:
            self.listens = [line.strip().split("=") for line in ready]

    def address(self, kind):
        host, _, port = next(a for k, a in self.listens if k == kind).rpartition(":")
        return host, int(port)

    def url(self, kind, path):
        host, port = self.address(kind)
        return f"{'http' if kind == 'http' else 'https'}://{host}:{port}{path}"

    def stop(self):
        if self.process.returncode is None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture
def start(tmp_path):
    started = []

    def run(listen, **environment):
        started.append(Standin(tmp_path, listen, **environment))
        return started[-1]

    yield run
    for standin in started:
        standin.stop()
