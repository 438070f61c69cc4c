#include "dsl/service/notify.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dsl/result/text.h"
#include "dsl/service/environment.h"

namespace dsl::service {

namespace {

// systemd takes the state line by line: a status of several lines would be taken for assignments.
std::string one_line(std::string_view status) {
  std::string line(status);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return line;
}

}  // namespace

Notifier Notifier::from_environment(env::Env& env) {
  Notifier notifier;
  const std::string address = env.variable("NOTIFY_SOCKET").value_or("");
  if (address.size() > 1 && address.size() < sizeof(sockaddr_un::sun_path) &&
      (address.front() == '/' || address.front() == '@')) {
    notifier.address_ = address;
    notifier.socket_ = env::UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  }
  const auto interval_us = number_in(env.variable("WATCHDOG_USEC"));
  const auto pid = number_in(env.variable("WATCHDOG_PID"));
  if (interval_us && *interval_us > 0 && (!pid || *pid == ::getpid())) {
    const auto half = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::microseconds(*interval_us / 2));
    notifier.watchdog_ = std::max(half, std::chrono::milliseconds(1));
  }
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) {
    forget_variable(name);
  }
  return notifier;
}

void Notifier::reloading(env::MonoTime now) const {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch());
  send(text("RELOADING=1\nMONOTONIC_USEC={}", us.count()));
}

void Notifier::ready(std::string_view status) const {
  send(text("READY=1\nSTATUS={}", one_line(status)));
}

void Notifier::succeeded_by(pid_t pid, std::string_view status) const {
  send(text("MAINPID={}\nREADY=1\nSTATUS={}", pid, one_line(status)));
}

std::vector<std::string> Notifier::variables() const {
  std::vector<std::string> out;
  if (!address_.empty()) {
    out.push_back("NOTIFY_SOCKET=" + address_);
  }
  if (watchdog_) {
    // Without a pid it is whoever has it: the successor's is not known before it runs.
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(*watchdog_ * 2);
    out.push_back(text("WATCHDOG_USEC={}", us.count()));
  }
  return out;
}

void Notifier::stopping(std::string_view status) const {
  send(text("STOPPING=1\nSTATUS={}", one_line(status)));
}

void Notifier::send(std::string_view state) const {
  if (!socket_) {
    return;
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, address_.data(), address_.size());
  if (address.sun_path[0] == '@') {
    address.sun_path[0] = '\0';
  }
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  const void* raw = &address;
  // systemd gone is no reason to stop serving, and there is nobody else to tell.
  (void)::sendto(socket_.get(), state.data(), state.size(), MSG_NOSIGNAL,
                 static_cast<const sockaddr*>(raw), size);
}

}  // namespace dsl::service
