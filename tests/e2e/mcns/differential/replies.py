"""Replies of name servers as values that compare: sections are sets, names in lower case."""
import struct
import typing

NAMES = {1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 13: "HINFO", 15: "MX", 16: "TXT",
         28: "AAAA", 33: "SRV", 39: "DNAME", 43: "DS", 46: "RRSIG", 64: "SVCB", 65: "HTTPS",
         255: "ANY", 257: "CAA"}
NUMBERS = {name: number for number, name in NAMES.items()}
NS, CNAME, SOA, DNAME, DS, ANY = (NUMBERS[name] for name in
                                  ("NS", "CNAME", "SOA", "DNAME", "DS", "ANY"))
ADDRESSES = (NUMBERS["A"], NUMBERS["AAAA"])
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED",
          6: "YXDOMAIN"}
_OPT = 41
# What stands before the name in the data, of the types whose data hold names.
_PREFIX = {2: 0, 5: 0, 12: 0, 39: 0, 15: 2, 33: 6, 64: 2, 65: 2}


class Record(typing.NamedTuple):
    owner: str
    type: int
    ttl: int
    data: tuple  # of octets, and of names as text in lower case

    def __str__(self):
        parts = " ".join(part if isinstance(part, str) else part.hex() for part in self.data)
        return f"{self.owner} {self.ttl} {type_text(self.type)} {parts}"

    @property
    def target(self):
        """The name in the data of NS, CNAME, DNAME, MX, SRV, SVCB."""
        return self.data[1]


class Reply(typing.NamedTuple):
    rcode: str
    aa: bool
    tc: bool
    answer: frozenset
    authority: frozenset
    additional: frozenset
    repeated: bool  # a record is twice in one section

    def __str__(self):
        flags = "".join(f" {name}" for name in ("aa", "tc", "repeated") if getattr(self, name))
        lines = [self.rcode + flags]
        for section in ("answer", "authority", "additional"):
            lines += [f"  {section:10} {record}"
                      for record in sorted(map(str, getattr(self, section)))]
        return "\n".join(lines)


def type_text(number):
    return NAMES.get(number, f"TYPE{number}")


def type_number(dns_type):
    """Of "A", "TYPE65280" or a number."""
    if isinstance(dns_type, int):
        return dns_type
    return NUMBERS.get(dns_type) or int(dns_type.removeprefix("TYPE"))


def parse(wire):
    """A whole reply; ValueError when it is malformed."""
    try:
        return _parse(wire)
    except (struct.error, IndexError) as error:
        raise ValueError(f"malformed reply: {error}: {wire.hex()}") from error


def _parse(wire):
    flags, questions, *counts = struct.unpack_from("!HHHHH", wire, 2)
    at, known = 12, {}
    for _ in range(questions):
        at = _name(wire, at, known)[1] + 4
    sections, repeated = [], False
    for count in counts:
        records = set()
        for _ in range(count):
            owner, at = _name(wire, at, known)
            number, _, ttl, size = struct.unpack_from("!HHIH", wire, at)
            at += 10
            if number != _OPT:
                record = Record(owner, number, ttl, _data(wire, number, at, size, known))
                repeated |= record in records
                records.add(record)
            at += size
        sections.append(frozenset(records))
    if at != len(wire):
        raise ValueError(f"{len(wire) - at} octets left over: {wire.hex()}")
    rcode = RCODES.get(flags & 15, str(flags & 15))
    return Reply(rcode, bool(flags & 0x0400), bool(flags & 0x0200), *sections, repeated)


def _name(wire, at, known):
    """A name in lower case, and where the octets behind it begin."""
    found = known.get(at)
    if found:
        return found
    size = wire[at]
    if size >= 0xc0:
        target = (size & 0x3f) << 8 | wire[at + 1]
        if target >= at:
            raise IndexError(f"pointer at {at} to {target}")
        result = _name(wire, target, known)[0], at + 2
    elif size == 0:
        result = ".", at + 1
    else:
        rest, end = _name(wire, at + 1 + size, known)
        label = wire[at + 1:at + 1 + size].decode("latin-1").lower()
        label = label.replace("\\", "\\\\").replace(".", "\\.")
        result = f"{label}." if rest == "." else f"{label}.{rest}", end
    known[at] = result
    return result


def _data(wire, number, at, size, known):
    if number in _PREFIX:
        prefix = _PREFIX[number]
        name, end = _name(wire, at + prefix, known)
        return bytes(wire[at:at + prefix]), name, bytes(wire[end:at + size])
    if number == SOA:
        primary, end = _name(wire, at, known)
        mail, end = _name(wire, end, known)
        return primary, mail, bytes(wire[end:at + size])
    return (bytes(wire[at:at + size]),)
