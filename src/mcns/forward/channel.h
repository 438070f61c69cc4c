// What a channel to an upstream tells its owner.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mcns/forward/outstanding.h"

namespace mcns {

class ChannelEvents {
 public:
  virtual ~ChannelEvents() = default;
  // Has that attempt's question; nothing else has been looked at.
  virtual void on_message(Attempt attempt, std::string_view message) = 0;
  // Has its question but for the case of letters, which was random: nothing more comes for it.
  virtual void on_other_case(Attempt attempt) = 0;
  // No answer to them will come. `stale`: over a connection that had been good before, so that the
  // upstream may have closed it before it saw them (RFC 7766 section 6.2.4). `why` in words.
  virtual void on_broken(const std::vector<Attempt>& attempts, bool stale,
                         const std::string& why) = 0;
};

}  // namespace mcns
