// What the ways to a name answer, and which of them is wrong.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mcns/v1/admin.pb.h"
#include "mcns/wire/message.h"

namespace mcns::cli {

namespace pb = mcns::v1;

// One way's answer for the addresses of a name.
struct Answered {
  enum class Kind {
    kAddresses,
    kNoSuchName,
    kNoAddress,  // the name is there
    kRefused,
    kFailed,  // SERVFAIL, or what is no answer
    kSilent,  // nobody answered in time, or nobody listens
  };
  std::string way;    // "getaddrinfo", "udp 192.0.2.53:53"
  bool ours = false;  // asked of this name service itself
  Kind kind = Kind::kSilent;
  std::set<std::string> addresses;  // as text
  std::string detail;               // why it failed
};

// Takes the addresses for A and AAAA, or why there are none, out of two messages.
Answered answered(std::string way, bool ours, const dsl::Result<Message>& ipv4,
                  const dsl::Result<Message>& ipv6);

// A finding for each way. What this name service says by most of its sockets is right; when it says
// nothing, there is nothing to compare with, and that is the first finding.
std::vector<pb::Finding> judge(const std::string& name, const std::vector<Answered>& ways);

// The name servers that resolv.conf (5) names, in its order.
std::vector<std::string> resolv_conf_servers(std::string_view content);

}  // namespace mcns::cli
