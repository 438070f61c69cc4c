// What our own zones say of a name, for whoever may have to ask somebody else about it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mcns/forward/chain.h"
#include "mcns/forward/forwarder.h"
#include "mcns/wire/message.h"

namespace mcns {

// A zone of somebody else, and who serves it.
struct Delegation {
  static constexpr std::size_t kHostsMax = 13;  // more than that nobody needs
  static constexpr std::size_t kAddressesOfHost = 4;
  static constexpr std::size_t kAddressesMax = 8;  // that are asked, of all hosts

  struct Host {
    Name name;
    std::vector<std::string> addresses;  // literals; none: they have to be looked up
  };
  Name zone;
  std::vector<Host> hosts;

  // Those of `host`, as far as there is room. A host inside of the zone is found by these alone, so
  // one without any is left out (RFC 9471).
  void add(Name host, std::vector<std::string> addresses);
};

class OwnZones {
 public:
  virtual ~OwnZones() = default;

  struct Found {
    enum class Kind {
      kNotOurs,
      kSpecial,    // nor to be asked of anybody (RFC 6761), unless a forward names it
      kDelegated,  // it is below `delegation`
      kOurs,
    };
    Kind kind = Kind::kNotOurs;
    Delegation delegation;
    Message message;                 // kOurs: the answer, or its links so far,
    std::optional<Name> target;      // which lead to this name,
    std::optional<AliasLink> alias;  // the last of them an ALIAS
  };
  // Of the newest version of the zones. Confined to the forwarder's thread.
  virtual Found find(const ForwardQuestion& question) = 0;
};

}  // namespace mcns
