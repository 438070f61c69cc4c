"""Zones of any size and the questions about them, the same in every run."""
import random

ORIGIN = "zone.bench."
TTL_S = 3600
SERIAL = 2026010101
# What is asked: names that are there, those without the type, and those that are not there.
HITS, NO_DATA = 0.8, 0.1
QUESTIONS_MAX = 1_000_000


def name(number):
    return f"h{number:07d}.{ORIGIN}"


def address(number, serial=SERIAL):
    """Another one in every version of the zone."""
    return f"{10 + (serial - SERIAL) % 100}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def write_zone(path, size, serial=SERIAL):
    """One A record a name."""
    with open(path, "w", encoding="ascii") as out:
        out.write(f"$ORIGIN {ORIGIN}\n$TTL {TTL_S}\n"
                  f"@ SOA ns.{ORIGIN} hostmaster.{ORIGIN} {serial} 3600 600 604800 {TTL_S}\n"
                  f"@ NS ns.{ORIGIN}\nns A 192.0.2.1\n")
        out.writelines(f"h{number:07d} A {address(number, serial)}\n" for number in range(size))


def write_questions(path, size):
    """As dnsperf reads them."""
    generator = random.Random(size)
    with open(path, "w", encoding="ascii") as out:
        for _ in range(min(QUESTIONS_MAX, max(size, 100_000))):
            number, dice = generator.randrange(size), generator.random()
            if dice < HITS:
                out.write(f"{name(number)} A\n")
            elif dice < HITS + NO_DATA:
                out.write(f"{name(number)} AAAA\n")
            else:
                out.write(f"x{number:07d}.{ORIGIN} A\n")


def write_database(connection, size):
    """The same zone in the tables that sqlite_server reads."""
    connection.executescript("""
        CREATE TABLE zones (id INTEGER PRIMARY KEY, name TEXT UNIQUE, primary_ns TEXT,
            admin_email TEXT, serial INTEGER, refresh INTEGER, retry INTEGER, expire INTEGER,
            minimum_ttl INTEGER);
        CREATE TABLE records (id INTEGER PRIMARY KEY, zone_id INTEGER NOT NULL REFERENCES zones(id),
            name TEXT NOT NULL, type TEXT NOT NULL, value TEXT NOT NULL, ttl INTEGER NOT NULL,
            UNIQUE (zone_id, name, type, value));
        """)
    connection.execute("INSERT INTO zones VALUES (1, ?, ?, ?, 2026010101, 3600, 600, 604800, ?)",
                       (ORIGIN, f"ns.{ORIGIN}", f"hostmaster.{ORIGIN}", TTL_S))
    connection.executemany(
        "INSERT INTO records (zone_id, name, type, value, ttl) VALUES (1, ?, 'A', ?, ?)",
        ((f"h{number:07d}", address(number), TTL_S) for number in range(size)))
    connection.commit()
