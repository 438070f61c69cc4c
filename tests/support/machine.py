"""A machine to change as one likes: this one's files under an overlay that is thrown away.

    with Machine() as machine:
        machine.run("useradd", "someone")
        assert "someone" in machine.read("/etc/passwd")

What runs there has mounts, processes and a network of its own: what it writes lands in a tmpfs, a
sysctl of the network is that of its own, and everything ends with the context. It is no boundary
against malice: it is root, and the devices are the real ones.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

TIMEOUT_S = 120
PREFIX = "mc-machine-"

# The first process: makes the root from an overlay, then keeps the namespaces until its stdin ends.
# pivot_root and not chroot, in which the kernel makes no user namespace. catatonit, so that somebody
# reaps what was killed: a lock whose holder is a zombie looks held.
SETUP = """
set -e
base=$1
mount --make-rprivate /
mount -t tmpfs -o mode=0755 tmpfs "$base"
mkdir "$base/upper" "$base/work" "$base/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" "$base/root"
cd "$base/root"
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs -o mode=0755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mkdir old
pivot_root . old
cd /
umount -l old
rmdir old
ip link set lo up
echo ready
exec catatonit -- cat >/dev/null
"""

BECOME = 'exec setpriv --reuid="$0" --regid="$(id -g "$0")" --init-groups "$@"'


def unavailable():
    """Why there can be none here, or None."""
    if os.geteuid() != 0:
        return "needs root"
    try:
        with Machine():
            return None
    except RuntimeError as error:
        return str(error)


class Machine:
    """Everything of it is gone when the context ends, also after a failure."""

    def __init__(self):
        self.base = pathlib.Path(tempfile.mkdtemp(prefix=PREFIX, dir="/tmp"))
        self._first = subprocess.Popen(
            ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-c", SETUP,
             "machine", str(self.base)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd="/")
        if self._first.stdout.readline() != "ready\n":
            reason = self._first.stderr.read().strip()
            self.cleanup()
            raise RuntimeError(f"no overlay of this machine: {reason}")
        # unshare forks: its child is process 1 of the machine.
        children = pathlib.Path(f"/proc/{self._first.pid}/task/{self._first.pid}/children")
        self._pid = int(children.read_text().split()[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cleanup()

    def cleanup(self):
        self._first.send_signal(signal.SIGKILL)
        self._first.wait(TIMEOUT_S)
        for stream in (self._first.stdin, self._first.stdout, self._first.stderr):
            stream.close()
        shutil.rmtree(self.base, ignore_errors=True)

    def run(self, *argv, user=None, check=True, **options):
        """Runs a program there, with a clean environment; the CompletedProcess, with text output."""
        command = self._enter()
        if user:
            command += ["sh", "-c", BECOME, user]
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                       "HOME": "/root", "LANG": "C.UTF-8", **options.pop("env", {})}
        if "input" not in options:
            options["stdin"] = subprocess.DEVNULL
        options.setdefault("timeout", TIMEOUT_S)
        done = subprocess.run([*command, *map(str, argv)], env=environment, text=True,
                              capture_output=True, check=False, **options)
        if check and done.returncode != 0:
            raise AssertionError(f"{argv}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def shell(self, script, **options):
        """Runs shell text there; what it printed."""
        return self.run("bash", "-euc", script, **options).stdout

    def read(self, path):
        return self.run("cat", path).stdout

    def write(self, path, text, mode=0o644):
        self.run("install", "-D", "-m", f"{mode:o}", "/dev/stdin", path, input=text)

    def copy_in(self, source, path, mode=0o755):
        """A file of this machine, whatever it is."""
        with open(source, "rb") as content:
            subprocess.run([*self._enter(), "install", "-D", "-m", f"{mode:o}", "/dev/stdin", path],
                           stdin=content, check=True, timeout=TIMEOUT_S)

    def _enter(self):
        return ["nsenter", f"--target={self._pid}", "--mount", "--net", "--pid", "--root", "--wd"]
