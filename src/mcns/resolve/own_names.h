// Our own zones, as the forwarder asks them: who serves what is below a delegation, and what is
// ours after all.
#pragma once

#include <vector>

#include "mcns/answer/answer.h"
#include "mcns/forward/own_zones.h"
#include "mcns/zone/store.h"

namespace mcns {

// The servers of `cut` and their addresses, as far as zones of ours have them: glue, which is good
// for nothing else, and what we serve. `target`: the name that the cut is of.
Delegation delegation_at(const zone::Version& version, const QueryName& target,
                         const Answer::Cut& cut);

// Confined to the thread of the forwarder that asks it, once that runs. `zones` outlives it.
class OwnNames final : public OwnZones {
 public:
  explicit OwnNames(zone::Store& zones);
  Found find(const ForwardQuestion& question) override;

 private:
  zone::Reader reader_;
  Answerer answerer_;
  std::vector<char> buffer_;
};

}  // namespace mcns
