#include "dsl/service/invocation.h"

#include <algorithm>
#include <filesystem>

#include <sys/auxv.h>
#include <unistd.h>

namespace dsl::service {
namespace {

// Ended by a zero octet each.
std::vector<std::string> split_zeros(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\0', at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

// Podman and Docker leave a mark; their process 1 may be a small init that ends with its child.
bool init_of_container_waits_for_us(env::FileSystem& files) {
  const bool marked = files.exists("/run/.containerenv").value_or(false) ||
                      files.exists("/.dockerenv").value_or(false);
  return marked && ::getppid() == 1 && files.read_file("/proc/1/comm").value_or("") != "systemd\n";
}

}  // namespace

Invocation Invocation::current(env::Env& env, bool has_init) {
  Invocation out;
  std::error_code error;
  out.argv = split_zeros(env.files().read_file("/proc/self/cmdline").value_or(""));
  if (out.argv.empty()) {
    out.argv.emplace_back();
  }
  // The kernel gives the address as a number.
  const auto* executed =
      reinterpret_cast<const char*>(::getauxval(AT_EXECFN));  // NOLINT(performance-no-int-to-ptr)
  const std::filesystem::path program =
      executed != nullptr ? std::filesystem::path(executed)
                          : std::filesystem::read_symlink("/proc/self/exe", error);
  // Not canonical: a link that leads to the next version is to be followed then.
  out.argv[0] = (std::filesystem::current_path(error) / program).string();
  out.carries_container = has_init || init_of_container_waits_for_us(env.files());
  return out;
}

std::vector<std::string> successor_arguments(const std::vector<std::string>& argv) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < argv.size(); ++i) {
    if (argv[i] == "--ready-fd") {
      ++i;
    } else if (!argv[i].starts_with("--ready-fd=")) {
      out.push_back(argv[i]);
    }
  }
  return out;
}

}  // namespace dsl::service
