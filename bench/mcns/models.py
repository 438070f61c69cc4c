"""What is no name server of anybody's, and measured like one."""
import contextlib
import sqlite3

from support.name_servers import NameServer
from workload import write_database


class Echo(NameServer):
    """Every datagram back: what the kernel costs."""

    name = "echo"
    binaries = None  # folder

    def argv(self):
        return [self.binaries / "mcns_udp_echo", self.port]


class SqliteServer(NameServer):
    """Asks SQLite for every question. `size`: names of its zone."""

    name = "sqlite"
    binaries = None
    size = 0

    def argv(self):
        database = self.folder / "zone.db"
        with contextlib.closing(sqlite3.connect(database)) as connection:
            write_database(connection, self.size)
        return [self.binaries / "mcns_sqlite_server", self.port, database]
