"""Random zones that every server can load, and random questions about them.

They hold what name servers get wrong: wildcards also in the middle of names and below empty
non-terminals, cuts with each kind of glue, records and cuts below a cut, DNAME, chains and loops of
CNAME, names that lead out of the zone, child zones on the same server, names in mixed case.
"""
import collections
import re

from name_servers import wire_name

LABELS = ("a", "b", "c", "www", "mail", "_tcp", "x-y", "ns1", "host")
ELSEWHERE = ("www.elsewhere.invalid.", "elsewhere.invalid.")
LONG = "l" * 60
SOA = "ns1.{origin} hostmaster.{origin} 2026010101 3600 600 604800 {minimum}"
QUESTION_TYPES = (("A", 30), ("AAAA", 12), ("CNAME", 8), ("NS", 8), ("SOA", 5), ("MX", 7),
                  ("TXT", 6), ("SRV", 4), ("DS", 6), ("DNAME", 5), ("ANY", 3), ("SVCB", 2),
                  ("HTTPS", 2), ("PTR", 2), (65280, 2), (13, 1))


class Zone:
    """`names`: owner in lower case -> type -> data in presentation form."""

    def __init__(self, origin):
        self.origin = origin
        self.names = collections.defaultdict(dict)
        self.written = {}  # owner in lower case -> as it stands in the file
        self.ttls = {}

    def add(self, owner, dns_type, data, ttl=300):
        key = owner.lower()
        self.written.setdefault(key, owner)
        values = self.names[key].setdefault(dns_type, [])
        self.ttls.setdefault((key, dns_type), ttl)
        if data.lower() not in map(str.lower, values):
            values.append(data)

    def has(self, owner, dns_type):
        return dns_type in self.names.get(owner.lower(), {})

    def ancestors(self, owner):
        """The names between `owner` and the apex."""
        found = []
        parent = parent_of(owner.lower())
        while parent != self.origin and is_below(parent, self.origin):
            found.append(parent)
            parent = parent_of(parent)
        return found

    def exists(self, owner):
        """As a name of records or an empty non-terminal."""
        key = owner.lower()
        return any(each == key or is_below(each, key) for each in self.names)

    def text(self):
        lines = [f"$ORIGIN {self.origin}"]
        apex = self.origin
        order = sorted(self.names, key=lambda name: (name != apex, name))
        for name in order:
            types = self.names[name]
            for dns_type in sorted(types, key=lambda each: each != "SOA"):
                lines += [f"{self.written[name]} {self.ttls[name, dns_type]} IN {dns_type} {data}"
                          for data in types[dns_type]]
        return "\n".join(lines) + "\n"


def parent_of(name):
    return name.partition(".")[2] or "."


def is_below(name, ancestor):
    """Somewhere below; not the same."""
    return name != ancestor and (ancestor == "." or name.endswith("." + ancestor))


def host(name):
    """A name that may be a host's (RFC 1123 section 2.1): servers check those of NS, MX and SRV."""
    return re.sub("_tcp", "b", name.replace("*", "a"), flags=re.IGNORECASE)


def mixed_case(random, text):
    return "".join(random.choice((c.upper(), c)) for c in text)


class Builder:
    def __init__(self, random, origins):
        """`origins`: of all zones there will be, to point to."""
        self._random = random
        self._origins = origins

    def zone(self, origin):
        random, zone = self._random, Zone(origin)
        zone.add(origin, "SOA", SOA.format(origin=origin, minimum=random.choice((60, 900))))
        for server in random.sample((f"ns1.{origin}", f"ns.x.{origin}", "ns.elsewhere.invalid."),
                                    random.randint(1, 2)):
            zone.add(origin, "NS", server)
            if server.endswith(origin):  # BIND loads no zone whose own server has no address
                zone.add(server, random.choice(("A", "AAAA")), "@")
        if random.random() < 0.3:
            self._data(zone, origin)
        names = self._names(origin)
        for name in names:
            self._fill(zone, name, names)
        self._tidy(zone)
        return zone

    def _names(self, origin):
        random, names = self._random, [origin]
        for _ in range(random.randint(6, 22)):
            parent = random.choice(names if random.random() < 0.6 else [origin])
            for _ in range(random.choice((1, 1, 1, 2, 3))):
                label = "*" if random.random() < 0.22 else random.choice(LABELS)
                if random.random() < 0.1:
                    label = mixed_case(random, label)
                parent = f"{label}.{parent}"
            if parent.count(".") < origin.count(".") + 6:
                names.append(parent)
        return names[1:]

    def _fill(self, zone, name, names):
        random = self._random
        dice = random.random()
        if zone.names.get(name.lower()):
            return
        if dice < 0.14:
            zone.add(name, "CNAME", self._target(zone.origin, names))
        elif dice < 0.20 and not name.startswith("*"):
            zone.add(name, "DNAME", self._target(zone.origin, names))
            if random.random() < 0.3:
                zone.add(name, "A", self._address())
        elif dice < 0.34 and not name.startswith("*"):
            self._cut(zone, name, names)
        elif dice < 0.40:
            return  # perhaps an empty non-terminal
        else:
            self._data(zone, name, names)

    def _cut(self, zone, name, names):
        random = self._random
        for _ in range(random.randint(1, 2)):
            server = host(random.choice((f"ns1.{name}", f"ns.deep.{name}", name,
                                         f"ns1.{zone.origin}", random.choice(names),
                                         random.choice(self._origins), "ns.elsewhere.invalid.")))
            zone.add(name, "NS", server)
            # Glue, or an address of the same zone; missing at times.
            if is_below(server.lower(), zone.origin) and random.random() < 0.8:
                zone.add(server, random.choice(("A", "AAAA")), "@")
        if random.random() < 0.3:
            zone.add(name, "DS", f"{random.randint(1, 65535)} 13 2 {'ab' * 32}")
        if random.random() < 0.3:  # occluded
            zone.add(name, "TXT", '"at the cut"')
        if random.random() < 0.3:
            zone.add(f"a.b.{name}", "A", self._address())

    def _data(self, zone, name, names=()):
        random = self._random
        for dns_type in random.sample(("A", "A", "AAAA", "TXT", "MX", "SRV", "PTR", "SVCB", "HTTPS",
                                       "TYPE65280"), random.randint(1, 3)):
            for _ in range(random.choice((1, 1, 2, 3))):
                zone.add(name, dns_type, self._rdata(dns_type, zone.origin, names or [name]),
                         random.choice((300, 300, 60)))

    def _rdata(self, dns_type, origin, names):
        random = self._random
        if dns_type == "A":
            return self._address()
        if dns_type == "AAAA":
            return f"2001:db8::{random.randint(1, 65535):x}"
        if dns_type == "TXT":
            return f'"text {random.randint(1, 9)}" "*"'
        if dns_type == "TYPE65280":
            return rf"\# 2 {random.randint(0, 65535):04x}"
        target = self._target(origin, names)
        return {"MX": f"{random.randint(0, 20)} {host(target)}",
                "SRV": f"0 {random.randint(0, 9)} 53 {host(target)}",
                "PTR": target, "SVCB": f"1 {target}", "HTTPS": f"1 {target} alpn=h2"}[dns_type]

    def _address(self):
        return f"192.0.2.{self._random.randint(1, 254)}"

    def _target(self, origin, names):
        """Where a record points to: mostly a name of the zone, or beside or below one."""
        random = self._random
        dice = random.random()
        if dice < 0.55:
            return random.choice(names)
        if dice < 0.70:
            return f"{random.choice((*LABELS, '*'))}.{random.choice(names)}"
        if dice < 0.75:
            return f"{random.choice(LABELS)}.{random.choice(LABELS)}.{origin}"
        if dice < 0.90:
            return random.choice((f"{random.choice(LABELS)}.", "")) + random.choice(self._origins)
        if dice < 0.93:
            return f"{LONG}.{LONG}.{LONG}.{random.choice(names)}"
        return random.choice(ELSEWHERE)

    def _tidy(self, zone):
        """Nothing beside a CNAME (RFC 2181 section 10.1) and nothing below a DNAME (RFC 6672
        section 2.4); addresses for what only was to have some."""
        random = self._random
        for name in list(zone.names):
            types = zone.names[name]
            for dns_type in ("A", "AAAA"):
                if "@" in types.get(dns_type, ()):
                    address = self._rdata(dns_type, zone.origin, [])
                    types[dns_type] = [address if data == "@" else data for data in types[dns_type]]
            if "CNAME" in types and len(types) > 1:
                del types["CNAME"]
            if "DNAME" in types and "NS" in types:
                del types["DNAME"]
        for name in list(zone.names):
            if any(zone.has(above, "DNAME") for above in zone.ancestors(name)):
                del zone.names[name]
        for name, types in zone.names.items():
            for dns_type in ("CNAME", "DNAME"):
                if dns_type in types:
                    types[dns_type] = types[dns_type][:1]
            if random.random() < 0.03 and "A" in types:
                zone.ttls[name, "A"] = 0


def make_zones(random, count):
    """Origin -> Zone: `count` zones, and child zones of some of them."""
    origins = [f"z{number}.test." for number in range(count)]
    builder = Builder(random, origins)
    zones = {}
    for origin in origins:
        zone = zones[origin] = builder.zone(origin)
        cuts = [name for name, types in zone.names.items() if "NS" in types and name != origin]
        if cuts and random.random() < 0.4:
            child = random.choice(cuts)
            # At the cut, below it, or where the parent knows nothing of it.
            child = random.choice((child, child, f"sub.{child}", f"lost.{origin}"))
            if host(child) == child:
                zones[child] = builder.zone(child)
    return zones


def make_questions(random, zones, count):
    """(name, type) each."""
    origins = list(zones)
    types, weights = zip(*QUESTION_TYPES)
    names = {origin: _interesting(zone) for origin, zone in zones.items()}
    questions = []
    for dns_type in random.choices(types, weights, k=count):
        origin = random.choice(origins)
        name = _question_name(random, random.choice(names[origin]), origin)
        if random.random() < 0.15:
            name = mixed_case(random, name)
        questions.append((name if len(wire_name(name)) <= 255 else origin, dns_type))
    return questions


def _interesting(zone):
    """Owners, what is above them, and what records point to."""
    found = set()
    for name, types in zone.names.items():
        found.update((name, *zone.ancestors(name)))
        for values in types.values():
            found.update(word for data in values for word in data.split()
                         if is_below(word.lower(), zone.origin))
    return sorted(found)


def _question_name(random, name, origin):
    dice = random.random()
    if dice < 0.50:
        return name
    if dice < 0.75:
        return f"{random.choice((*LABELS, '*', 'nobody'))}.{name}"
    if dice < 0.85:
        return f"{random.choice(LABELS)}.{random.choice((*LABELS, '*'))}.{name}"
    if dice < 0.93:
        return f"{random.choice((*LABELS, 'nobody'))}.{parent_of(name)}"
    if dice < 0.95:
        return f"{LONG}.{LONG}.{name}"
    if dice < 0.97:
        return origin
    return random.choice((parent_of(origin), *ELSEWHERE))
