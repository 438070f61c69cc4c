#include <cerrno>
#include <cstdlib>
#include <thread>

#include <sys/random.h>

#include "dsl/env/env.h"
#include "dsl/env/posix_file_system.h"
#include "dsl/env/posix_process.h"

namespace dsl::env {
namespace {

class SystemClock final : public Clock {
 public:
  WallTime now() override {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
  MonoTime mono_now() override { return std::chrono::steady_clock::now(); }
  void sleep_until(MonoTime deadline) override { std::this_thread::sleep_until(deadline); }
  bool wait_until(std::condition_variable& cv, std::unique_lock<std::mutex>& lock,
                  MonoTime deadline) override {
    return cv.wait_until(lock, deadline) == std::cv_status::no_timeout;
  }
};

class SystemRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override {
    while (!out.empty()) {
      const ssize_t size = ::getrandom(out.data(), out.size(), 0);
      MC_ASSERT(size > 0 || errno == EINTR, "the kernel gives random bytes");
      out = out.subspan(size > 0 ? static_cast<std::size_t>(size) : 0);
    }
  }
};

class SystemEnv final : public Env {
 public:
  Clock& clock() override { return clock_; }
  Random& random() override { return random_; }
  FileSystem& files() override { return files_; }
  Spawner& processes() override { return processes_; }
  std::optional<std::string> variable(const std::string& name) override {
    const char* value = std::getenv(name.c_str());
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
  }

 private:
  SystemClock clock_;
  SystemRandom random_;
  PosixFileSystem files_;
  PosixSpawner processes_;
};

}  // namespace

Env& system_env() {
  // Never destroyed: threads may use it while statics go away.
  static Env& instance = *new SystemEnv;
  return instance;
}

}  // namespace dsl::env
