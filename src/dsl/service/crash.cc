#include "dsl/service/crash.h"

#include <array>
#include <cstring>

#include <execinfo.h>
#include <signal.h>
#include <unistd.h>

#include "dsl/result/text.h"
#include "dsl/service/version.h"

namespace dsl::service {

namespace {

constexpr int kFramesMax = 64;
// Memory that the handler may use: made before anything is broken.
std::array<char, 512> g_banner;
std::size_t g_banner_size = 0;
std::array<char, 64 * 1024> g_stack;

void say(const char* words, std::size_t size) {
  (void)!::write(STDERR_FILENO, words, size);  // nobody is left to be told of a failure
}

// Async-signal-safe calls only. SA_RESETHAND has put the default action back.
void on_crash(int number) {
  say(g_banner.data(), g_banner_size);
  const char* description = ::sigdescr_np(number);
  say(description, std::strlen(description));
  say("\n", 1);
  std::array<void*, kFramesMax> frames;
  ::backtrace_symbols_fd(frames.data(), ::backtrace(frames.data(), kFramesMax), STDERR_FILENO);
  (void)::raise(number);
}

}  // namespace

void install_crash_handler(const std::string& name) {
  const BuildInfo& build = build_info();
  const std::string banner = text("{} {} (commit {}) crashed: ", name, build.version, build.commit);
  g_banner_size = std::min(banner.size(), g_banner.size());
  std::memcpy(g_banner.data(), banner.data(), g_banner_size);
  // The first backtrace loads a library, which a handler must not.
  void* frame = nullptr;
  (void)::backtrace(&frame, 1);

  stack_t stack{};
  stack.ss_sp = g_stack.data();
  stack.ss_size = g_stack.size();
  (void)::sigaltstack(&stack, nullptr);  // without it only an overflow of this stack goes unsaid
  struct sigaction action {};
  action.sa_handler = on_crash;
  action.sa_flags = static_cast<int>(SA_ONSTACK | SA_RESETHAND | SA_NODEFER);
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
    (void)::sigaction(number, &action, nullptr);
  }
}

}  // namespace dsl::service
