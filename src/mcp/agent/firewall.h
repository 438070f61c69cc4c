// What a host firewall does with a new connection from outside, by its rules as nft and iptables
// print them. Pure, and bounded for any text.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/result/result.h"

namespace mcp::agent {

struct WantedPort {
  std::string ip;  // literal; empty = every address
  std::uint16_t port = 0;
  std::string protocol;  // tcp, udp
  std::string owner;     // "mcns/mcns", "the agent"
};

// The input rules of a host. A rule that depends on what cannot be known here (the peer's address,
// the interface) counts as letting in, never as dropping: only what certainly is dropped is said to
// be.
class Firewall {
 public:
  // Of `nft -j list ruleset`. kInvalidArgument when it is no such document.
  static dsl::Result<Firewall> from_nft(std::string_view json);
  // Of `iptables -S`.
  static Firewall from_iptables(std::string_view rules);

  std::vector<WantedPort> dropped(const std::vector<WantedPort>& wanted) const;
  // The command that lets `port` in, to be run by root.
  std::string command_for(const WantedPort& port) const;

 private:
  enum class Match { kMiss, kMaybe, kHit };
  enum class Verdict { kNone, kAccept, kDrop, kJump, kReturn };
  using Condition = std::function<Match(const WantedPort&)>;
  struct Rule {
    std::vector<Condition> conditions;
    Verdict verdict = Verdict::kNone;
    std::string target;  // of a jump
  };
  struct Base {
    std::string chain;  // "inet filter input" with nft, "INPUT" with iptables
    bool drops = false;
  };

  Verdict walk(const std::string& chain, const WantedPort& port, int depth) const;
  static Match match(const Rule& rule, const WantedPort& port);
  friend class NftReader;
  friend class IptablesReader;

  std::map<std::string, std::vector<Rule>> chains_;
  std::vector<Base> bases_;
  bool nft_ = false;
};

}  // namespace mcp::agent
