// What /proc says about processes and listeners. The parsers are pure and take foreign bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/env/env.h"

namespace mcp::runtime {

struct ProcessStat {
  int pid = 0;
  int parent = 0;
  char state = '?';               // Z and X are dead
  std::uint64_t start_ticks = 0;  // since boot; with the pid it names a process for good
  std::string name;               // 15 bytes at most
  bool alive() const { return state != 'Z' && state != 'X'; }
};

// /proc/<pid>/stat; nothing when it is not one. The name may hold any byte, also ')' and spaces.
std::optional<ProcessStat> parse_stat(std::string_view text);
// /proc/<pid>/cmdline, split at its NULs.
std::vector<std::string> parse_cmdline(std::string_view text);

// A socket that waits for peers: TCP in LISTEN, or bound UDP.
struct Listener {
  std::string ip;  // literal
  std::uint16_t port = 0;
  std::string protocol;  // tcp, udp
  std::uint32_t uid = 0;
  bool operator==(const Listener&) const = default;
};

// /proc/net/tcp, tcp6, udp or udp6; malformed lines are skipped.
std::vector<Listener> parse_listeners(std::string_view text, std::string_view protocol);

// Reads below `root`, so that tests can lay out a /proc of their own. Thread-safe as `files` is.
class Proc {
 public:
  explicit Proc(dsl::env::FileSystem& files, std::string root = "/proc")
      : files_(files), root_(std::move(root)) {}

  std::vector<int> pids() const;
  std::optional<ProcessStat> stat(int pid) const;  // nothing when there is no such process
  std::vector<std::string> cmdline(int pid) const;
  // A file of the process; empty when it is gone or not ours to read.
  std::string file(int pid, std::string_view name) const;
  std::uint32_t owner(int pid) const;  // uid; UINT32_MAX when it is gone
  // Targets of its descriptors: "pipe:[29420]", "/var/log/x".
  std::vector<std::string> descriptors(int pid) const;
  // The numbers of those that are sockets, of any kind.
  std::vector<int> sockets(int pid) const;
  std::vector<Listener> listeners() const;

 private:
  dsl::env::FileSystem& files_;
  std::string root_;
};

}  // namespace mcp::runtime
