// A page that is drawn again in place.
#pragma once

#include <string_view>

#include "mcp/cli/context.h"

namespace mcp::cli {

// Only on a terminal, and not with --json or --quiet: ask `active` and print lines otherwise.
class LiveScreen {
 public:
  explicit LiveScreen(const Context& context);

  bool active() const { return active_; }
  // Clears the terminal and shows `page`.
  void show(std::string_view page) const;

 private:
  const Context& context_;
  const bool active_;
};

}  // namespace mcp::cli
