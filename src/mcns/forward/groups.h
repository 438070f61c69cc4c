// Groups of upstreams, and which one a name belongs to.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dsl/env/socket_address.h"
#include "mcns/forward/forwarder.h"

namespace mcns {

// Where this server is asked itself. A value.
class OwnAddresses {
 public:
  // Each "192.0.2.1:53"; of a wildcard every address of this machine.
  static dsl::Result<OwnAddresses> parse(const std::vector<std::string>& texts);
  bool has(const dsl::env::SocketAddress& address) const;

 private:
  std::set<std::string> exact_;
  std::set<std::uint16_t> wildcard_ports_;
  std::set<std::string> machine_;
};

// kInvalidArgument: a zone twice, a group without upstreams, an upstream that is no literal or one
// of our own addresses.
dsl::Result<void> check_groups(const std::vector<ForwardGroup>& groups, const OwnAddresses& own);

// Values by zone; a name has that of the longest zone it is in.
template <class Value>
class BySuffix {
 public:
  void set(const Name& zone, Value value) { values_[zone.lower()] = std::move(value); }
  const Value* find(const Name& name) const {
    const Bytes lower = name.lower();
    std::string_view suffix = lower;
    while (true) {
      if (const auto found = values_.find(suffix); found != values_.end()) {
        return &found->second;
      }
      if (suffix.size() <= 1) {
        return nullptr;
      }
      suffix.remove_prefix(1U + static_cast<std::uint8_t>(suffix[0]));
    }
  }

 private:
  std::map<Bytes, Value, std::less<>> values_;
};

}  // namespace mcns
