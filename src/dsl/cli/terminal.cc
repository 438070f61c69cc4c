#include <array>
#include <cstdio>
#include <iostream>
#include <string>

#include <unistd.h>

#include "dsl/cli/cli.h"
#include "dsl/cli/width.h"

namespace dsl::cli {

struct Progress::Impl {
  bool silent = false;
  bool redraw = false;
  bool drawn = false;
};

namespace {

constexpr std::string_view kEraseLine = "\r\x1b[K";

// "[####......] 4/10 mcq: pulling"
std::string progress_bar(int number, int total, std::string_view subject,
                         std::string_view message) {
  constexpr int kCells = 10;
  const int full = total > 0 ? kCells * number / total : 0;
  std::string out = "[";
  for (int i = 0; i < kCells; ++i) {
    out += i < full ? '#' : '.';
  }
  return out + text("] {}/{} {}: {}", number, total, subject, message);
}

}  // namespace

Progress::Progress(const Globals& globals) : impl_(std::make_unique<Impl>()) {
  impl_->silent = globals.quiet || globals.output == Output::kJson;
  impl_->redraw = ::isatty(STDERR_FILENO) == 1;
}

Progress::~Progress() { done(); }

void Progress::step(int number, int total, std::string_view subject, std::string_view message) {
  if (impl_->silent) {
    return;
  }
  if (!impl_->redraw) {
    const std::string count = total > 0 ? text("[{}/{}] ", number, total) : std::string();
    const std::string about = subject.empty() ? std::string() : text("{}: ", subject);
    std::fputs(text("{}{}{}\n", count, about, message).c_str(), stderr);
    return;
  }
  // One column stays free: a full line would wrap and could not be redrawn.
  const std::size_t width = std::max<std::size_t>(terminal_width(), 40) - 1;
  const std::string line = shortened(progress_bar(number, total, subject, message), width);
  std::fputs(text("{}{}", kEraseLine, line).c_str(), stderr);
  impl_->drawn = true;
}

void Progress::done() {
  if (impl_->drawn) {
    std::fputs(std::string(kEraseLine).c_str(), stderr);
    impl_->drawn = false;
  }
}

Result<bool> confirm(const Globals& globals, std::string_view question) {
  if (globals.yes) {
    return true;
  }
  if (::isatty(STDIN_FILENO) != 1) {
    return fail(Code::kInvalidArgument, "cannot ask without a terminal: {}", question)
        .hint("pass --yes to go on without being asked");
  }
  std::fputs(text("{} [y/N] ", question).c_str(), stderr);
  std::fflush(stderr);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

std::string paint(const Globals& globals, Paint paint, std::string_view text) {
  constexpr std::array<std::string_view, 5> kCodes{"32", "33", "31", "2", "1"};
  if (!globals.color || text.empty()) {
    return std::string(text);
  }
  return dsl::text("\x1b[{}m{}\x1b[0m", kCodes.at(static_cast<std::size_t>(paint)), text);
}

bool stdout_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }

}  // namespace dsl::cli
