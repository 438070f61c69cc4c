"""A rootless podman of a test's own: the Python side of podman_store.h.

    with PodmanStore() as store:
        store.import_busybox()
        store.podman("run", "-d", "--name", "a", "bb:1", "sleep", "100")

As root it works as the user mcp; as mcp directly. With `netns=True` everything runs in a network
namespace of its own (root only), so that suites with fixed ports disturb nobody: loopback is up,
and ports from 53 on need no privilege.
"""
import errno
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

USER = "mcp"
PREFIX = "mc-podman-"
TIMEOUT_S = 120
BUSYBOX_NAMES = ("sh", "sleep", "nc", "httpd", "ls", "cat", "echo", "true", "false", "id", "mount",
                 "nslookup", "touch", "wget")
CONTAINERS_CONF = """[containers]
default_ulimits=["nofile=1024:1024","nproc=4096:4096"]
[engine]
runtime="runc"
cgroup_manager="cgroupfs"
events_logger="file"
events_logfile_max_size="{events_max}"
lock_type="file"
"""
STORAGE_CONF = '[storage]\ndriver="overlay"\n'


def unavailable(netns=False):
    """Why these tests cannot run here, or None."""
    try:
        user = pwd.getpwnam(USER)
    except KeyError:
        return f"there is no user {USER} (./dev doctor tells how to make it)"
    if os.getuid() not in (0, user.pw_uid):
        return f"needs root or the user {USER}"
    if netns and os.getuid() != 0:
        return "a network namespace needs root"
    if f"{USER}:" not in pathlib.Path("/etc/subuid").read_text():
        return f"the user {USER} has no sub-uids"
    for program in ("/usr/bin/podman", "/bin/busybox", "/usr/bin/setpriv"):
        if not os.access(program, os.X_OK):
            return f"{program} is not installed"
    if not pathlib.Path("/dev/net/tun").is_char_device():
        return "/dev/net/tun is missing"
    return None


class PodmanStore:
    """Everything of it is gone when the context ends, also after a failure; a store whose process
    was killed is removed by the next one made."""

    def __init__(self, netns=False, events_max="64k"):
        """`events_max`: beyond it podman rewrites its events file with the newer half; small, so
        that tests meet that, and larger for those who read the file back."""
        reason = unavailable(netns)
        if reason:
            raise RuntimeError(reason)
        _sweep()
        self._user = pwd.getpwnam(USER)
        self.base = pathlib.Path(tempfile.mkdtemp(prefix=PREFIX, dir="/tmp"))
        (self.base / "owner.pid").write_text(str(os.getpid()))
        self._events_max = events_max
        self.home = self.base / "home"
        self.runtime_dir = self.base / "run"
        self.netns = self.base.name if netns else None
        try:
            self._lay_out()
            if netns:
                self._make_namespace()
        except BaseException:
            self.cleanup()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cleanup()

    @property
    def graph_root(self):
        return self.home / ".local/share/containers/storage"

    @property
    def run_root(self):
        return self.runtime_dir / "containers"

    def environment(self):
        """The whole environment of a process that is to use this store."""
        return {"HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.runtime_dir),
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}

    def command(self, *argv):
        """`argv` as the store's user, in its namespace; to be run with environment() and cwd=/."""
        return [*self.in_netns(), *self._as_user(), *map(str, argv)]

    def in_netns(self):
        """Prefix that enters the namespace and changes nothing else; empty without one."""
        return ["nsenter", f"--net=/run/netns/{self.netns}"] if self.netns else []

    def popen(self, *argv, **options):
        return subprocess.Popen(self.command(*argv), env=self.environment(), cwd="/", **options)

    def run(self, *argv, check=True, **options):
        """Runs any program as the store's user; returns the CompletedProcess with text output."""
        options.setdefault("timeout", TIMEOUT_S)
        done = subprocess.run(self.command(*argv), env=self.environment(), cwd="/", text=True,
                              capture_output=True, check=False, **options)
        if check and done.returncode != 0:
            raise AssertionError(f"{argv}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def podman(self, *argv, check=True, **options):
        """Runs podman; returns what it printed, without the last line break."""
        return self.run("podman", *argv, check=check, **options).stdout.rstrip("\n")

    def import_busybox(self, name="bb:1"):
        """localhost/bb:1: a root file system with a static busybox and its usual names."""
        root = self.base / "rootfs"
        for folder in ("bin", "etc", "tmp"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        shutil.copy("/bin/busybox", root / "bin/busybox")
        for applet in BUSYBOX_NAMES:
            link = root / "bin" / applet
            if not link.is_symlink():
                link.symlink_to("busybox")
        archive = self.base / "rootfs.tar"
        subprocess.run(["tar", "-C", root, "--owner=0", "--group=0", "-cf", archive, "."],
                       check=True)
        self.podman("import", "-q", archive, name)

    def processes(self):
        """Pids of every process of this store: podman's service, containers, conmon, forwarders,
        network helpers, pause process."""
        mark = f"{self.base}/".encode()
        found = []
        # A mount below base that somebody made in our own mount namespace is in everybody's
        # mountinfo: that tells nothing about them.
        everybody = _read(pathlib.Path("/proc/self/mountinfo"))
        assert mark not in everybody, f"mounts below {self.base} would hide whose process is whose"
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                if any(mark in _read(entry / name) for name in ("cmdline", "environ", "mountinfo")):
                    found.append(int(entry.name))
        return found

    def kill_everything(self):
        """Ends every process of this store, as a power cut does: podman is told nothing."""
        for _ in range(100):
            pids = self.processes()
            if not pids:
                return
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.02)
        raise AssertionError(f"processes of {self.base} do not end: {self.processes()}")

    def reboot(self):
        """What a reboot does: no process is left, and the runtime folder is empty."""
        self.kill_everything()
        shutil.rmtree(self.runtime_dir)
        self._make_folder(self.runtime_dir, 0o700)

    def cleanup(self):
        try:
            self.kill_everything()
            # The files belong to sub-uids; removing them starts a pause process, which goes last.
            if self.home.exists():
                self.run("podman", "unshare", "rm", "-rf", self.graph_root, check=False)
            self.kill_everything()
        finally:
            if self.netns:
                subprocess.run(["ip", "netns", "delete", self.netns], check=False,
                               capture_output=True)
            shutil.rmtree(self.base, ignore_errors=True)

    def _lay_out(self):
        os.chmod(self.base, 0o755)
        self._give(self.base)
        for folder in (self.home, self.home / ".config", self.home / ".config/containers"):
            self._make_folder(folder, 0o755)
        self._make_folder(self.runtime_dir, 0o700)
        for name, text in (("containers.conf", CONTAINERS_CONF), ("storage.conf", STORAGE_CONF)):
            path = self.home / ".config/containers" / name
            path.write_text(text.replace("{events_max}", self._events_max))
            self._give(path)

    def _make_folder(self, path, mode):
        path.mkdir()
        os.chmod(path, mode)
        self._give(path)

    def _give(self, path):
        if os.getuid() == 0:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)

    def _as_user(self):
        if os.getuid() != 0:
            return []
        return ["setpriv", f"--reuid={self._user.pw_uid}", f"--regid={self._user.pw_gid}",
                "--init-groups"]

    def _make_namespace(self):
        subprocess.run(["ip", "netns", "add", self.netns], check=True)
        for argv in (["ip", "link", "set", "lo", "up"],
                     ["sysctl", "-qw", "net.ipv4.ip_unprivileged_port_start=53"]):
            subprocess.run([*self.in_netns(), *argv], check=True)


def _read(path):
    try:
        return path.read_bytes()
    except OSError as error:
        # Gone in the meantime, or not ours to look at: then it is none of this store either.
        if error.errno in (errno.ENOENT, errno.ESRCH, errno.EACCES, errno.EPERM, errno.EINVAL):
            return b""
        raise


def _sweep():
    """Removes the stores of processes that are no more."""
    for base in pathlib.Path("/tmp").glob(PREFIX + "*"):
        try:
            owner = (base / "owner.pid").read_text()
        except OSError:
            continue
        if pathlib.Path("/proc", owner).exists():
            continue
        store = PodmanStore.__new__(PodmanStore)
        store._user = pwd.getpwnam(USER)
        store.base, store.home, store.runtime_dir = base, base / "home", base / "run"
        store.netns = None
        store.cleanup()
        if pathlib.Path("/run/netns", base.name).exists():
            subprocess.run(["ip", "netns", "delete", base.name], check=False, capture_output=True)
