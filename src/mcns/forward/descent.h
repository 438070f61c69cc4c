// How far a question has come on its way down the delegations.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dsl/env/clock.h"
#include "mcns/forward/own_zones.h"
#include "mcns/forward/reach.h"

namespace mcns {

// What a question asks others for on its way: addresses of servers, and the rest of a chain. All of
// them together have the time of the question that a client waits for, and their number is bounded:
// a zone must not make us ask without end (CVE-2020-12667).
struct Errand {
  static constexpr int kDepthMax = 8;   // of one on behalf of another
  static constexpr int kCountMax = 40;  // for one client's question

  int depth = 0;  // 0: a client's question
  std::shared_ptr<int> left;
  dsl::env::MonoTime until = dsl::env::MonoTime::max();
};

// A value that knows no server and no clock. Confined to its owner's loop.
class Descent {
 public:
  explicit Descent(Delegation first) : at_(std::move(first)) {}

  const Name& zone() const { return at_.zone; }
  // Addresses that lead nearer than this are not of the zone's servers.
  Reach nearest() const { return nearest_; }
  int step() const { return steps_; }  // 0: the zone that our own refer to
  // Of all hosts.
  std::vector<std::string> known_addresses() const;
  // The next host whose addresses have to be looked up; each is named once.
  std::optional<Name> next_unknown();
  // To the next zone, as a server says that is as near as this. False when the way is too long.
  bool descend(Delegation deeper, Reach referrer);

 private:
  static constexpr int kStepsMax = 8;
  static constexpr std::size_t kLookedUpMax = 4;  // hosts of a zone: all dead is dead

  Delegation at_;
  Reach nearest_ = Reach::kMachine;  // our own zones may name whom they like
  std::size_t next_ = 0;
  std::size_t looked_up_ = 0;
  int steps_ = 0;
};

}  // namespace mcns
