"""The differences that have a reason: where a peer may answer otherwise than ours, and why.

Each is as narrow as the peer's behaviour allows. Those for all peers are about what is help and no
part of the answer, so that what ours answers is always held against somebody. `forgive` takes away
what the reason explains (comparison.py).
"""
from comparison import Reason
from random_zones import is_below
from replies import ADDRESSES, ANY, CNAME, DNAME, DS, NS, NUMBERS, SOA, type_text

KNOT, NSD, BIND, POWERDNS = "knot", "nsd", "bind", "powerdns"
SERVICE_BINDINGS = (NUMBERS["SVCB"], NUMBERS["HTTPS"])
NAMING_HOSTS = (NS, NUMBERS["MX"], NUMBERS["SRV"], *SERVICE_BINDINGS)
KNOT_LINKS_MAX = 5
BIND_LINKS_MAX = 11
TRUNCATED_LINKS = 3  # of an endless chain, when that is all that fits into 512 octets
NAMES_LONG = 170  # octets, of which 512 may not hold two


def apex_servers(pair):
    """The zone's own NS beside an answer, and their addresses."""
    if not pair.ours.answer:
        return pair.theirs
    servers = {record for record in pair.theirs.authority - pair.ours.authority
               if record.type == NS and record.owner in pair.zones}
    hosts = {record.target for record in servers}
    return pair.theirs._replace(
        authority=pair.theirs.authority - servers,
        additional=_without_addresses_of(hosts, pair))


def chain_left_the_zone(pair):
    """Theirs ends at the first name that lies in another zone than the one before."""
    theirs = pair.theirs
    path = chain(pair.name, theirs)
    if theirs.rcode != "NOERROR" or len(path) < 2 or not theirs.answer <= pair.ours.answer:
        return theirs
    if zone_of(path[-1], pair.zones) == zone_of(path[-2], pair.zones):
        return theirs
    return pair.ours


def loop_fails(pair):
    """A loop, or a chain that never ends, as SERVFAIL."""
    endless = is_loop(pair) or grows(pair.ours) or links(pair.ours) >= BIND_LINKS_MAX \
        or (pair.ours.tc and links(pair.ours) >= TRUNCATED_LINKS)
    return pair.ours if pair.theirs.rcode == "SERVFAIL" and endless else pair.theirs


def few_links(pair):
    """The chain is cut off."""
    ours, theirs = pair.ours, pair.theirs
    less = theirs.answer < ours.answer or ours.tc
    return ours if less and links(theirs) >= KNOT_LINKS_MAX else theirs


def growing_dname(pair):
    """A DNAME that leads to below itself is applied once."""
    less = pair.theirs.answer <= pair.ours.answer
    return pair.ours if less and grows(pair.theirs) else pair.theirs


def any_is_a_choice(pair):
    """Other RRsets of the same name, and both have some; or so many that they do not fit."""
    theirs, ours = pair.theirs, pair.ours
    if pair.type == ANY and ours.answer and theirs.tc:
        return ours
    if pair.type != ANY or not (ours.answer and theirs.answer):
        return theirs
    types = {record.type for record in ours.answer}
    same = {record for record in theirs.answer if record.type in types}
    if same and same != ours.answer:
        return theirs  # of the RRset that both have, all is said
    return theirs._replace(answer=ours.answer, additional=ours.additional)


def too_long_name(pair):
    """YXDOMAIN with more than the DNAME, or as NXDOMAIN."""
    if pair.ours.rcode == "YXDOMAIN" and pair.theirs.rcode in ("YXDOMAIN", "NXDOMAIN") \
            and pair.ours.answer <= pair.theirs.answer:
        return pair.ours
    return pair.theirs


def no_addresses_of_service_bindings(pair):
    hosts = {record.target for record in pair.ours.answer if record.type in SERVICE_BINDINGS}
    return pair.theirs._replace(additional=_with_addresses_of(hosts, pair))


def zones_share_a_tree(pair):
    """Some name of the chain is in a zone below another zone of the server."""
    names = {*chain(pair.name, pair.ours), *chain(pair.name, pair.theirs)}
    nested = any(sum(is_within(name, zone) for zone in pair.zones) > 1 for name in names)
    return pair.ours if nested else pair.theirs


def deepest_cut(pair):
    """A referral to a cut below ours."""
    ours, theirs = cut_of(pair.ours), cut_of(pair.theirs)
    return pair.ours if ours and theirs and is_below(theirs, ours) else pair.theirs


def addresses_of_other_zones(pair):
    """Hosts that lie in another zone of the server than the record that names them."""
    hosts = set()
    for record in (*pair.ours.answer, *pair.ours.authority):
        if record.type in NAMING_HOSTS:
            # The NS of a cut stand in the zone above it.
            above = record in pair.ours.authority
            owner = record.owner.partition(".")[2] if above else record.owner
            if zone_of(record.target, pair.zones) != zone_of(owner, pair.zones):
                hosts.add(record.target)
    kept = {record for record in pair.theirs.additional if record.owner not in hosts}
    mine = {record for record in pair.ours.additional if record.owner in hosts}
    return pair.theirs._replace(additional=frozenset(kept | mine))


def truncated_for_help(pair):
    """Addresses that do not fit, though nobody needs them, with TC."""
    fits = pair.ours.answer and not pair.ours.tc and pair.ours.additional
    return pair.ours if fits and pair.theirs.tc else pair.theirs


def more_help(pair):
    """Beside an answer, what stands at its hosts in other ways than as their addresses in the zone:
    a CNAME, the service binding itself, a wildcard, glue below a cut."""
    if not pair.ours.answer:
        return pair.theirs
    aliases = {record.target for record in (*pair.theirs.additional, *pair.theirs.answer)
               if record.type == CNAME}
    more = {record for record in pair.theirs.additional - pair.ours.additional
            if record.type not in ADDRESSES or record.owner in aliases
            or not has_plain(record.owner, record.type, pair)}
    return pair.theirs._replace(additional=pair.theirs.additional - more)


def wildcard_glue(pair):
    """Addresses beside a referral that only a wildcard below the cut gives."""
    if not cut_of(pair.ours):
        return pair.theirs
    made = {record for record in pair.theirs.additional - pair.ours.additional
            if not has_exact(record.owner, record.type, pair)}
    return pair.theirs._replace(additional=pair.theirs.additional - made)


def only_glue(pair):
    """A referral with the addresses of servers below the cut alone."""
    cut = cut_of(pair.ours)
    hosts = {record.target for record in pair.ours.authority if record.type == NS}
    if cut is None or cut_of(pair.theirs) != cut:
        return pair.theirs
    hosts = {host for host in hosts if not is_within(host, cut)}
    return pair.theirs._replace(additional=_with_addresses_of(hosts, pair))


def ds_below_cut(pair):
    """DS of a name below a cut as if it was the zone's."""
    if pair.type == DS and cut_of(pair.ours) and pair.theirs.authority \
            and {record.type for record in pair.theirs.authority} == {SOA}:
        return pair.ours
    return pair.theirs


def ds_of_a_zone_without_delegation(pair):
    """The parent knows nothing of a zone that the same server has: the name is not there, or its
    wildcard's."""
    if pair.type == DS and pair.name in pair.zones and not pair.ours.answer:
        return pair.ours
    return pair.theirs


def any_of_nothing(pair):
    """A record of type 0 for an empty non-terminal."""
    if pair.type == ANY and {record.type for record in pair.theirs.answer} == {0}:
        return pair.ours
    return pair.theirs


def truncated_glue(pair):
    """What glue does not fit is left out, and nothing says so."""
    if pair.ours.tc and not pair.theirs.tc and cut_of(pair.theirs):
        return pair.ours
    return pair.theirs


def near_the_limit(pair):
    """What fits for one and not for the other, with names that are longer than usual together."""
    if pair.ours.tc == pair.theirs.tc:
        return pair.theirs
    return pair.ours if max(map(size_of_names, (pair.ours, pair.theirs))) > NAMES_LONG \
        else pair.theirs


def truncated_content(pair):
    """How much of it a truncated answer still holds."""
    return pair.ours if pair.ours.tc and pair.theirs.tc else pair.theirs


def any_follows(pair):
    """ANY that follows the CNAME it found."""
    found = {record.type for record in pair.ours.answer}
    if pair.type == ANY and CNAME in found and pair.ours.answer <= pair.theirs.answer:
        return pair.ours
    return pair.theirs


def made_cname(pair):
    """A CNAME that was made, from a wildcard or a DNAME, and was asked for: more beside it, or
    SERVFAIL when it leads into a loop."""
    if pair.type in (CNAME, ANY) and any(record.type == CNAME for record in pair.ours.answer) \
            and (pair.ours.answer <= pair.theirs.answer or pair.theirs.rcode == "SERVFAIL"):
        return pair.ours
    return pair.theirs


# What follows reads replies.

def is_within(name, ancestor):
    return name == ancestor or is_below(name, ancestor)


def has_plain(name, dns_type, pair):
    """Whether some zone holds that RRset itself, above all cuts; also when that is not known."""
    zone = pair.zones.get(zone_of(name, pair.zones))
    if zone is None:
        return True
    above = (name, *zone.ancestors(name))
    below_cut = any(zone.has(each, "NS") for each in above if each != zone.origin)
    return not below_cut and not name.startswith("*.") and has_exact(name, dns_type, pair)


def has_exact(name, dns_type, pair):
    """The same, wherever it stands."""
    zone = pair.zones.get(zone_of(name, pair.zones))
    return zone is None or zone.has(name, type_text(dns_type))


def zone_of(name, zones):
    while name not in zones and name != ".":
        name = name.partition(".")[2] or "."
    return name if name in zones else None


def chain(name, reply):
    """The names that the answer leads through, from the question's on."""
    targets = {record.owner: record.target for record in reply.answer if record.type == CNAME}
    path = [name]
    while path[-1] in targets and len(path) <= len(targets):
        path.append(targets[path[-1]])
    return path


def links(reply):
    return sum(record.type == CNAME for record in reply.answer)


def is_loop(pair):
    path = chain(pair.name, pair.ours)
    return len(path) != len(set(path))


def grows(reply):
    return any(record.type == DNAME and is_below(record.target, record.owner)
               for record in reply.answer)


def cut_of(reply):
    """The owner of a referral's NS."""
    owners = {record.owner for record in reply.authority if record.type == NS}
    soa = any(record.type == SOA for record in reply.authority)
    return owners.pop() if len(owners) == 1 and not soa else None


def size_of_names(reply):
    return sum(len(name) for record in (*reply.answer, *reply.authority)
               for name in (record.owner, *record.data) if isinstance(name, str))


def _without_addresses_of(hosts, pair):
    return pair.theirs.additional - {record for record in pair.theirs.additional
                                     - pair.ours.additional
                                     if record.type in ADDRESSES and record.owner in hosts}


def _with_addresses_of(hosts, pair):
    return pair.theirs.additional | {record for record in pair.ours.additional
                                     if record.type in ADDRESSES and record.owner in hosts}


ALL = (KNOT, NSD, BIND, POWERDNS)
REASONS = (
    # What the RFCs leave open.
    Reason((NSD, BIND), "the zone's NS and their addresses beside an answer: RFC 1034 section "
           "4.3.2 does not ask for them", apex_servers),
    Reason(ALL, "ANY may be answered with any of the RRsets: RFC 8482 section 4.1",
           any_is_a_choice),
    Reason((BIND, POWERDNS), "SERVFAIL for a loop: RFC 1034 section 3.6.2 wants loops found out "
           "and does not say how; the links tell a resolver more", loop_fails),
    Reason((KNOT,), "no more than 5 links of a chain; RFC 1034 section 5.2.2 wants some limit",
           few_links),
    Reason((KNOT, NSD, POWERDNS), "not all addresses of SVCB and HTTPS targets; RFC 9460 section "
           "4.1 says SHOULD", no_addresses_of_service_bindings),
    Reason(ALL, "addresses from the same zone alone; RFC 1034 section 4.3.2 steps 3b and 6 take "
           "what is available, from authoritative data first", addresses_of_other_zones),
    Reason(ALL, "more help beside an answer; RFC 1034 section 4.3.2 step 6 leaves open what is "
           "useful", more_help),
    Reason((BIND,), "a referral with glue alone; RFC 9471 section 2 demands no more", only_glue),
    Reason((NSD, BIND), "glue that does not fit without TC; RFC 9471 section 2 is younger",
           truncated_glue),
    Reason(ALL, "TC with one of two alone: RFC 1035 section 4.1.4 leaves it to a server which "
           "names it compresses, and more is beside the answer", near_the_limit),
    Reason(ALL, "what a truncated answer holds is not used: RFC 2181 section 9", truncated_content),

    # What they do not.
    Reason((KNOT, NSD), "ANY follows a CNAME; RFC 1034 section 4.3.2 step 3a does so only when the "
           "type does not match", any_follows),
    Reason((KNOT, BIND), "chains are followed inside one zone only; RFC 1034 section 4.3.2 step 3a "
           "begins anew with all zones", chain_left_the_zone),
    Reason((NSD,), "a DNAME that leads to below itself is applied once; RFC 6672 section 3.2 "
           "applies it as long as it matches", growing_dname),
    Reason((KNOT,), "more in an answer with YXDOMAIN, or NXDOMAIN; RFC 6672 section 3.2 step 3c "
           "ends with the DNAME", too_long_name),
    Reason((NSD,), "names of all zones are in one tree, so that those that a parent has below its "
           "cut exist for the child too; against RFC 1034 section 4.2.1", zones_share_a_tree),
    Reason((POWERDNS,), "the deepest cut of the zone, not the highest; against RFC 1034 section "
           "4.3.2 step 3b, from the apex down", deepest_cut),
    Reason((POWERDNS,), "no referral for DS below a cut; against RFC 4035 section 3.1.4.1",
           ds_below_cut),
    Reason((KNOT, BIND, POWERDNS), "NXDOMAIN, or a wildcard, for the DS of a zone that is "
           "served without a delegation; by RFC 8020 section 2 that denies all that is in it",
           ds_of_a_zone_without_delegation),
    Reason((POWERDNS,), "more beside a CNAME that was made and asked for; against RFC 6672 section "
           "3.2 and RFC 4592 section 3.3.1", made_cname),
    Reason((POWERDNS,), "a record of type 0 answers ANY at an empty non-terminal; against RFC 8020 "
           "section 2", any_of_nothing),
    Reason((KNOT, NSD), "glue from a wildcard below the cut, which is not the parent's to match: "
           "RFC 4592 section 4.2", wildcard_glue),
    Reason((POWERDNS,), "TC where only addresses of an answer's hosts did not fit; against RFC "
           "2181 section 9", truncated_for_help),
)
