// Tells systemd how the process is doing: the sd_notify protocol, without its library.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "dsl/env/env.h"
#include "dsl/env/unique_fd.h"

namespace dsl::service {

// Thread-safe. Without $NOTIFY_SOCKET every call does nothing.
class Notifier {
 public:
  // Reads $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID and removes them from the environment,
  // so that no child (a container's monitor least of all) reports in our name. To be called before
  // any thread starts.
  static Notifier from_environment(env::Env& env);

  // `status` is the line that `systemctl status` shows.
  void ready(std::string_view status) const;
  void stopping(std::string_view status) const;
  void reloading(env::MonoTime now) const;  // followed by `ready`
  // The service's main process is another one from now on, and it serves. After that systemd
  // listens to that one only.
  void succeeded_by(pid_t pid, std::string_view status) const;
  void alive() const { send("WATCHDOG=1"); }

  // What a successor needs in its environment to speak in our place: KEY=VALUE.
  std::vector<std::string> variables() const;

  // How often `alive` is due: half of what systemd allows; nothing when it does not watch us.
  std::optional<std::chrono::milliseconds> watchdog() const { return watchdog_; }

 private:
  Notifier() = default;
  void send(std::string_view state) const;

  std::string address_;  // a path, or "@name" in the abstract namespace; empty = nobody listens
  env::UniqueFd socket_;
  std::optional<std::chrono::milliseconds> watchdog_;
};

}  // namespace dsl::service
