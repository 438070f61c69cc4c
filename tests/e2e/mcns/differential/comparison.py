"""Where two replies to one question differ, and which differences have a reason."""
import typing

from replies import Reply, type_number

FIELDS = ("rcode", "aa", "tc", "answer", "authority", "additional")


class Pair(typing.NamedTuple):
    """A question, and our reply with that of a peer."""
    name: str  # in lower case
    type: int
    ours: Reply
    theirs: Reply
    zones: dict  # origin -> random_zones.Zone, None when its content is not known


class Reason(typing.NamedTuple):
    """Why a peer may differ. `forgive` returns their reply as it would be without that: closer to
    ours, or unchanged when the reason does not apply."""
    peers: tuple
    text: str
    forgive: typing.Callable[[Pair], Reply]


def differing_fields(ours, theirs):
    return [field for field in FIELDS if getattr(ours, field) != getattr(theirs, field)]


def unexplained(peer, pair, reasons, used):
    """The fields that differ for no reason. Counts in `used` which reasons were needed."""
    left = differing_fields(pair.ours, pair.theirs)
    for reason in reasons:
        if not left:
            break
        if peer in reason.peers:
            forgiven = reason.forgive(pair)
            if forgiven != pair.theirs:
                used[peer, reason.text] += 1
                pair = pair._replace(theirs=forgiven)
                left = differing_fields(pair.ours, forgiven)
    return left


def make_pair(name, dns_type, ours, theirs, zones):
    return Pair(name.lower(), type_number(dns_type), ours, theirs, zones)
