// Tells when files may have changed, however they are replaced.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "dsl/env/unique_fd.h"
#include "dsl/result/result.h"

namespace dsl::tls {

// Watches the folders of files, not the files: a rename into place, a file written in place, and a
// symbolic link swapped anywhere on the path (certbot swaps the last part, a secret mounted into a
// container one before it) are all seen. Events that come close together are told once. A folder
// that cannot be watched, or whose file system makes no events, is looked at once a minute.
//
// Thread-safe. Destroying it joins its thread; not to be destroyed from `changed`.
class Watch {
 public:
  static Result<std::unique_ptr<Watch>> open(std::vector<std::string> paths);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // Starts the thread that calls `changed`; once.
  void start(std::function<void()> changed);
  // Calls `changed` soon, on the watching thread.
  void poke();

 private:
  Watch(std::vector<std::string> paths, env::UniqueFd inotify, env::UniqueFd wake);
  void run(const std::function<void()>& changed);
  void watch_folders();
  bool wait(int timeout_ms);  // false: nothing happened in that time

  const std::vector<std::string> paths_;
  env::UniqueFd inotify_;
  env::UniqueFd wake_;  // eventfd
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

// The folders whose change can make `path` name another file. Those that exist.
std::vector<std::string> folders_of(const std::string& path);

}  // namespace dsl::tls
