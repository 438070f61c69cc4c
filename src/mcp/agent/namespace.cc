#include "mcp/agent/namespace.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <sstream>

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "dsl/env/errno_error.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;
using dsl::text;

namespace {

constexpr std::uint32_t kAllIds = 4294967295u;
// Set for what we run inside, so that a podman that does not do as it should is noticed.
constexpr const char* kInside = "MC_INSIDE_NAMESPACE";

Result<void> become(const NamespaceUser& user) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 16384> buffer{};
  if (::getpwuid_r(user.uid, &entry, buffer.data(), buffer.size(), &found) != 0 ||
      found == nullptr) {
    return fail(Code::kFailedPrecondition, "there is no user with the uid {} of the agent",
                user.uid)
        .hint("mcp-agent doctor uid.pinned");
  }
  if (::initgroups(found->pw_name, user.gid) != 0 || ::setgid(user.gid) != 0 ||
      ::setuid(user.uid) != 0) {
    return fail(dsl::env::errno_error(errno, "become", found->pw_name));
  }
  (void)::setenv("HOME", found->pw_dir, 1);  // NOLINT(concurrency-mt-unsafe): one thread so far
  // NOLINTNEXTLINE(concurrency-mt-unsafe)
  (void)::setenv("XDG_RUNTIME_DIR", text("/run/user/{}", user.uid).c_str(), 1);
  // The caller's folder may be closed to this user. Where it is not, names that are relative to it
  // go on to mean the same.
  if (::access(".", R_OK | X_OK) != 0 && ::chdir("/") != 0) {
    return fail(dsl::env::errno_error(errno, "go to", "/"));
  }
  return {};
}

}  // namespace

Result<std::vector<recovery::IdRange>> uid_map(dsl::env::Env& env) {
  MC_ASSIGN(const std::string content, env.files().read_file("/proc/self/uid_map"));
  std::vector<recovery::IdRange> map;
  std::istringstream lines(content);
  recovery::IdRange range;
  while (lines >> range.inside >> range.outside >> range.count) {
    map.push_back(range);
  }
  return map;
}

bool in_user_namespace(const std::vector<recovery::IdRange>& map) {
  return map.size() != 1 || map.front().count != kAllIds;
}

Result<void> enter_namespace(dsl::env::Env& env, const NamespaceUser& user) {
  MC_ASSIGN(const std::vector<recovery::IdRange> map, uid_map(env));
  if (::geteuid() == 0 && in_user_namespace(map)) {
    return {};
  }
  if (::getenv(kInside) != nullptr) {  // NOLINT(concurrency-mt-unsafe): one thread so far
    return fail(Code::kUnavailable, "podman unshare gave no user namespace")
        .hint("mcp-agent doctor newuidmap subid");
  }
  if (::geteuid() == 0) {
    MC_TRY(become(user));
  }
  if (::geteuid() != user.uid) {
    return fail(Code::kPermissionDenied, "this is for the user of the agent (uid {}) and for root",
                user.uid)
        .hint("run it with sudo");
  }
  MC_ASSIGN(const std::string cmdline, env.files().read_file("/proc/self/cmdline"));
  MC_ASSIGN(const std::string program, env.files().canonical("/proc/self/exe"));
  std::vector<std::string> words{"podman", "unshare", program};
  for (std::size_t at = cmdline.find('\0') + 1; at < cmdline.size();) {
    words.emplace_back(cmdline.c_str() + at);
    at += words.back().size() + 1;
  }
  std::vector<char*> argv;
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  (void)::setenv(kInside, "1", 1);  // NOLINT(concurrency-mt-unsafe): one thread so far
  ::execvp(argv.front(), argv.data());
  return fail(dsl::env::errno_error(errno, "run", "podman unshare")).hint("mcp-agent doctor");
}

}  // namespace mcp::agent
