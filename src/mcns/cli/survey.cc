#include "mcns/cli/survey.h"

#include <algorithm>
#include <map>

#include "dsl/env/socket_address.h"

namespace mcns::cli {

using dsl::text;
using Kind = Answered::Kind;

namespace {

Kind kind_of(const dsl::Result<Message>& message) {
  if (!message) {
    return message.error().code() == dsl::Code::kDataLoss ? Kind::kFailed : Kind::kSilent;
  }
  switch (message->rcode) {
    case Rcode::kNoError:
      return Kind::kNoAddress;
    case Rcode::kNxDomain:
      return Kind::kNoSuchName;
    case Rcode::kRefused:
      return Kind::kRefused;
    default:
      return Kind::kFailed;
  }
}

void take_addresses(const dsl::Result<Message>& message, Answered& out) {
  if (!message) {
    return;
  }
  for (const Record& record : message->answers) {
    if (record.type == Type::kA || record.type == Type::kAaaa) {
      out.addresses.insert(dsl::env::host_of(dsl::env::make_socket_address(record.rdata, 0)));
    }
  }
}

std::string said(const Answered& answer) {
  switch (answer.kind) {
    case Kind::kAddresses: {
      std::string out;
      for (const std::string& address : answer.addresses) {
        out += (out.empty() ? "" : ", ") + address;
      }
      return out;
    }
    case Kind::kNoSuchName:
      return "no such name";
    case Kind::kNoAddress:
      return "no address";
    case Kind::kRefused:
      return "refused";
    case Kind::kFailed:
    case Kind::kSilent:
      break;
  }
  return answer.detail.empty() ? "no answer" : text("no answer ({})", answer.detail);
}

bool same(const Answered& a, const Answered& b) {
  // getaddrinfo does not tell a name without addresses from one that is not there.
  const auto nothing = [](Kind kind) {
    return kind == Kind::kNoSuchName || kind == Kind::kNoAddress;
  };
  const bool vague = a.way == "getaddrinfo" || b.way == "getaddrinfo";
  return (a.kind == b.kind && a.addresses == b.addresses) ||
         (vague && nothing(a.kind) && nothing(b.kind));
}

// What our sockets say, if any of them answers; of several answers the one that most give.
const Answered* truth(const std::vector<Answered>& ways) {
  const Answered* best = nullptr;
  std::ptrdiff_t votes = 0;
  for (const Answered& way : ways) {
    if (!way.ours || way.kind == Kind::kSilent || way.kind == Kind::kFailed) {
      continue;
    }
    const auto count = std::count_if(ways.begin(), ways.end(), [&](const Answered& other) {
      return other.ours && same(way, other);
    });
    if (count > votes) {
      best = &way;
      votes = count;
    }
  }
  return best;
}

std::string why(const Answered& wrong, const Answered& right) {
  if (wrong.kind == Kind::kSilent) {
    return wrong.ours ? "its socket is there and does not answer: look at mcns status, and for a "
                        "firewall between"
                      : "nobody listens there, or a firewall is between: clients wait for it "
                        "before they ask the next";
  }
  if (wrong.kind == Kind::kRefused) {
    return wrong.ours ? "this client may not ask for that name: dns.allow_recursion"
                      : "that server does not serve this client";
  }
  if (wrong.kind == Kind::kFailed) {
    return "that server cannot find out: its upstreams, or DNSSEC, or a forward that leads nowhere";
  }
  if (wrong.way == "getaddrinfo") {
    return "nsswitch.conf puts something before DNS (/etc/hosts, mDNS), or a cache of this machine "
           "is older: resolvectl flush-caches";
  }
  if (wrong.kind == Kind::kNoSuchName && right.kind != Kind::kNoSuchName) {
    return "that server does not ask this name service: a resolver of somebody else, or one "
           "without a forward for the zone";
  }
  return "that server has another zone of that name, or an older answer in its cache";
}

pb::Finding finding(const std::string& severity, const std::string& name, std::string what,
                    std::string fix) {
  pb::Finding out;
  out.set_severity(severity);
  out.set_name(name);
  out.set_finding(std::move(what));
  out.set_fix(std::move(fix));
  return out;
}

}  // namespace

Answered answered(std::string way, bool ours, const dsl::Result<Message>& ipv4,
                  const dsl::Result<Message>& ipv6) {
  Answered out;
  out.way = std::move(way);
  out.ours = ours;
  take_addresses(ipv4, out);
  take_addresses(ipv6, out);
  if (!out.addresses.empty()) {
    out.kind = Kind::kAddresses;
    return out;
  }
  out.kind = kind_of(ipv4);
  if (!ipv4) {
    out.detail = ipv4.error().message();
  } else if (out.kind == Kind::kFailed) {
    out.detail = mcns::text(ipv4->rcode);
  }
  return out;
}

std::vector<pb::Finding> judge(const std::string& name, const std::vector<Answered>& ways) {
  std::vector<pb::Finding> findings;
  const Answered* right = truth(ways);
  if (right == nullptr) {
    findings.push_back(finding("fail", name, "this name service does not answer for it",
                               "mcns status; mcns explain tells why a name has no answer"));
  }
  for (const Answered& way : ways) {
    const std::string what = text("{} says {}", way.way, said(way));
    if (right == nullptr) {
      findings.push_back(finding(way.kind == Kind::kSilent ? "fail" : "warn", name, what, ""));
    } else if (same(way, *right)) {
      findings.push_back(finding("ok", name, what, ""));
    } else {
      findings.push_back(finding("fail", name, what, why(way, *right)));
    }
  }
  return findings;
}

std::vector<std::string> resolv_conf_servers(std::string_view content) {
  static constexpr std::string_view kWord = "nameserver";
  std::vector<std::string> servers;
  while (!content.empty()) {
    const std::size_t end = content.find('\n');
    std::string_view line = content.substr(0, end);
    content = end == std::string_view::npos ? std::string_view() : content.substr(end + 1);
    if (!line.starts_with(kWord) || line.size() == kWord.size() ||
        (line[kWord.size()] != ' ' && line[kWord.size()] != '\t')) {
      continue;
    }
    line.remove_prefix(kWord.size());
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos) {
      continue;
    }
    line.remove_prefix(first);
    servers.emplace_back(line.substr(0, line.find_first_of(" \t\r;#")));
  }
  return servers;
}

}  // namespace mcns::cli
