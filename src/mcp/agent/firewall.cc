#include "mcp/agent/firewall.h"

#include <algorithm>

namespace mcp::agent {

using dsl::text;

namespace {

// Chains may call each other; the kernel allows 16 levels.
constexpr int kDepthMax = 16;

}  // namespace

Firewall::Match Firewall::match(const Rule& rule, const WantedPort& port) {
  Match all = Match::kHit;
  for (const Condition& condition : rule.conditions) {
    all = std::min(all, condition(port));
    if (all == Match::kMiss) {
      break;
    }
  }
  return all;
}

Firewall::Verdict Firewall::walk(const std::string& chain, const WantedPort& port,
                                 int depth) const {
  const auto rules = chains_.find(chain);
  if (rules == chains_.end() || depth > kDepthMax) {
    return Verdict::kNone;
  }
  for (const Rule& rule : rules->second) {
    const Match matched = match(rule, port);
    if (matched == Match::kMiss) {
      continue;
    }
    switch (rule.verdict) {
      case Verdict::kAccept:
        return Verdict::kAccept;
      case Verdict::kDrop:
      case Verdict::kReturn:
        if (matched == Match::kHit) {
          return rule.verdict;
        }
        break;
      case Verdict::kJump: {
        const Verdict there = walk(rule.target, port, depth + 1);
        const bool certain = there == Verdict::kDrop && matched == Match::kHit;
        if (there == Verdict::kAccept || certain) {
          return there;
        }
        break;
      }
      case Verdict::kNone:
        break;
    }
  }
  return Verdict::kNone;
}

std::vector<WantedPort> Firewall::dropped(const std::vector<WantedPort>& wanted) const {
  std::vector<WantedPort> out;
  for (const WantedPort& port : wanted) {
    // Every chain of the hook sees the packet, and any of them may drop it.
    const bool drops = std::any_of(bases_.begin(), bases_.end(), [&](const Base& base) {
      const Verdict verdict = walk(base.chain, port, 0);
      return verdict == Verdict::kDrop || (verdict != Verdict::kAccept && base.drops);
    });
    if (drops) {
      out.push_back(port);
    }
  }
  return out;
}

std::string Firewall::command_for(const WantedPort& port) const {
  const auto base = std::find_if(bases_.begin(), bases_.end(), [&](const Base& each) {
    const Verdict verdict = walk(each.chain, port, 0);
    return verdict == Verdict::kDrop || (verdict != Verdict::kAccept && each.drops);
  });
  if (base == bases_.end()) {
    return "";
  }
  return nft_ ? text("nft insert rule {} {} dport {} accept", base->chain, port.protocol, port.port)
              : text("iptables -I {} -p {} --dport {} -j ACCEPT", base->chain, port.protocol,
                     port.port);
}

}  // namespace mcp::agent
