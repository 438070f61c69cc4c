#include "dsl/service/activation.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dsl/service/environment.h"

namespace dsl::service {

namespace {

constexpr int kFirstFd = 3;               // SD_LISTEN_FDS_START
constexpr std::int64_t kSocketsMax = 64;  // far more than a service has listeners
// What systemd calls a socket whose unit does not say; also when no names are given at all.
constexpr std::string_view kUnnamed = "unknown";

std::vector<std::string> split_names(std::string_view list) {
  std::vector<std::string> names;
  while (true) {
    const std::size_t colon = list.find(':');
    names.emplace_back(list.substr(0, colon));
    if (colon == std::string_view::npos) {
      return names;
    }
    list.remove_prefix(colon + 1);
  }
}

Result<void> check_socket(int fd, const std::string& name) {
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISSOCK(info.st_mode)) {
    return fail(Code::kInvalidArgument, "descriptor {} ({}) of LISTEN_FDS is no socket", fd, name)
        .hint("a .socket unit may have ListenStream= and ListenDatagram= only");
  }
  return {};
}

}  // namespace

Result<ActivatedSockets> ActivatedSockets::from_environment(env::Env& env) {
  const auto count_text = env.variable("LISTEN_FDS");
  const auto pid = number_in(env.variable("LISTEN_PID"));
  const auto names_text = env.variable("LISTEN_FDNAMES");
  for (const char* name : {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"}) {
    forget_variable(name);
  }
  ActivatedSockets out;
  if (!count_text || pid != ::getpid()) {
    return out;  // left over from a parent that was activated
  }
  const auto count = number_in(count_text);
  if (!count || *count < 1 || *count > kSocketsMax) {
    return fail(Code::kInvalidArgument, "LISTEN_FDS=\"{}\" is not a number from 1 to {}",
                *count_text, kSocketsMax);
  }
  std::vector<std::string> names(static_cast<std::size_t>(*count), std::string(kUnnamed));
  if (names_text) {
    names = split_names(*names_text);
  }
  if (names.size() != static_cast<std::size_t>(*count)) {
    return fail(Code::kInvalidArgument, "LISTEN_FDNAMES has {} names for {} descriptors",
                names.size(), *count);
  }
  int fd = kFirstFd;
  for (const std::string& name : names) {
    MC_TRY(check_socket(fd, name));
    (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);  // cannot fail on an open descriptor
    out.sockets_[name].emplace_back(fd++);
  }
  return out;
}

void ActivatedSockets::add(std::string_view name, env::UniqueFd fd) {
  sockets_[std::string(name)].push_back(std::move(fd));
}

std::vector<env::UniqueFd> ActivatedSockets::take(std::string_view name) {
  const auto found = sockets_.find(name);
  if (found == sockets_.end()) {
    return {};
  }
  std::vector<env::UniqueFd> taken = std::move(found->second);
  sockets_.erase(found);
  return taken;
}

ActivatedSockets ActivatedSockets::extract(std::initializer_list<std::string_view> names) {
  ActivatedSockets extracted;
  for (const std::string_view name : names) {
    if (std::vector<env::UniqueFd> taken = take(name); !taken.empty()) {
      extracted.sockets_[std::string(name)] = std::move(taken);
    }
  }
  return extracted;
}

ActivatedSockets ActivatedSockets::copy() const {
  ActivatedSockets out;
  for (const auto& [name, fds] : sockets_) {
    for (const env::UniqueFd& fd : fds) {
      out.add(name, env::UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, kFirstFd)));
    }
  }
  return out;
}

std::vector<std::pair<std::string, int>> ActivatedSockets::descriptors() const {
  std::vector<std::pair<std::string, int>> out;
  for (const auto& [name, fds] : sockets_) {
    for (const env::UniqueFd& fd : fds) {
      out.emplace_back(name, fd.get());
    }
  }
  return out;
}

std::vector<std::string> ActivatedSockets::names() const {
  std::vector<std::string> names;
  for (const auto& [name, fds] : sockets_) {
    names.push_back(name);
  }
  return names;
}

}  // namespace dsl::service
