"""Images of the real mcns for tests: the built binary, the libraries that it is linked with, nothing
else. Made without a network."""
import pathlib
import shutil
import subprocess

from mcns_server import BIN

ENTRYPOINT = 'ENTRYPOINT ["/mcns"]'


def libraries(binary):
    """What the loader maps into the program, the loader itself among it."""
    listed = subprocess.run(["ldd", binary], check=True, capture_output=True, text=True).stdout
    words = [word for word in listed.split() if word.startswith("/")]
    assert words, f"{binary} is linked with nothing"
    return words


def make_mcns_image(store, folder, tags):
    """One image a tag in the store; they differ by a file, so that each has an id of its own."""
    root = pathlib.Path(folder) / "mcns-root"
    for name in ("etc", "proc", "run", "srv", "sys", "tmp", "dev"):
        (root / name).mkdir(parents=True, exist_ok=True)
    shutil.copy2(BIN / "mcns", root / "mcns")
    for library in libraries(BIN / "mcns"):
        place = root / library.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, place)  # the file that a link leads to
    for tag in tags:
        (root / "etc/tag").write_text(tag)
        archive = pathlib.Path(folder) / "mcns-root.tar"
        subprocess.run(["tar", "-C", root, "--owner=0", "--group=0", "-cf", archive, "."],
                       check=True)
        with open(archive, "rb") as opened:
            store.podman("import", "-q", "-c", ENTRYPOINT, "-", tag, stdin=opened)
        archive.unlink()
    shutil.rmtree(root)
