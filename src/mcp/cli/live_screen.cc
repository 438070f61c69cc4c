#include "mcp/cli/live_screen.h"

#include <string>

namespace mcp::cli {

LiveScreen::LiveScreen(const Context& context)
    : context_(context),
      active_(dsl::cli::stdout_is_terminal() && !context.json() && !context.globals.quiet) {}

void LiveScreen::show(std::string_view page) const {
  context_.print_now("\x1b[H\x1b[2J" + std::string(page));
}

}  // namespace mcp::cli
