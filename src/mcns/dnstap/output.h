// Where a tap's frames go. Private to mcns::dnstap.
#pragma once

#include <cstddef>
#include <string_view>

#include "dsl/result/result.h"

namespace mcns::dnstap {

// Confined to one thread. Logs by itself when it fails and when that is over.
class TapOutput {
 public:
  virtual ~TapOutput() = default;

  // Goes on with what has to be done before frames can be written, without waiting for anybody.
  virtual bool ready() = 0;
  // How many octets of `frames` were taken, 0 when there is no room now. After an error the stream
  // begins anew with the next write, so that has to be a frame's begin.
  virtual dsl::Result<std::size_t> write(std::string_view frames) = 0;
  // Says that nothing more will come. May wait for a second.
  virtual void finish() = 0;
};

}  // namespace mcns::dnstap
