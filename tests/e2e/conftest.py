"""Fixtures of all end-to-end suites."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import podman_store as podman  # noqa: E402


def _store(netns):
    reason = podman.unavailable(netns)
    if reason:
        pytest.skip(reason)
    with podman.PodmanStore(netns) as store:
        store.import_busybox()
        yield store


@pytest.fixture(scope="module")
def podman_store():
    """A rootless podman of the module's own with the image bb:1."""
    yield from _store(netns=False)


@pytest.fixture(scope="module")
def podman_store_netns():
    """The same in a network namespace of its own: fixed ports are free, from 53 on."""
    yield from _store(netns=True)
