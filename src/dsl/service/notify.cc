#include "dsl/service/notify.h"

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dsl/result/text.h"

namespace dsl::service {

namespace {

std::optional<std::int64_t> number_in(const std::optional<std::string>& value) {
  std::int64_t number = 0;
  if (!value) {
    return std::nullopt;
  }
  const char* end = value->data() + value->size();
  const auto parsed = std::from_chars(value->data(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(number) : std::nullopt;
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
    (void)::unsetenv(name);  // fails for a malformed name only
  }
  return notifier;
}

void Notifier::reloading(env::MonoTime now) const {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch());
  send(text("RELOADING=1\nMONOTONIC_USEC={}", us.count()));
}

void Notifier::status(std::string_view line) const { send(text("STATUS={}", line)); }

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
