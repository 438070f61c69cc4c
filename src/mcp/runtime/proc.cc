#include "mcp/runtime/proc.h"

#include <array>
#include <charconv>
#include <filesystem>
#include <limits>

#include <arpa/inet.h>

namespace mcp::runtime {

namespace {

template <class T>
bool parse_number(std::string_view text, T& value, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

std::vector<std::string_view> words_of(std::string_view text) {
  constexpr std::string_view kBlank = " \t\n";
  std::vector<std::string_view> words;
  while (true) {
    const auto start = text.find_first_not_of(kBlank);
    if (start == std::string_view::npos) {
      return words;
    }
    text.remove_prefix(start);
    const auto end = text.find_first_of(kBlank);
    words.push_back(text.substr(0, end));
    text.remove_prefix(words.back().size());
  }
}

// "0100007F" is 127.0.0.1: 32-bit words in the byte order of the machine.
std::string ip_of(std::string_view hex) {
  std::array<std::uint32_t, 4> words{};
  const std::size_t count = hex.size() / 8;
  if ((count != 1 && count != 4) || hex.size() % 8 != 0) {
    return "";
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (!parse_number(hex.substr(i * 8, 8), words[i], 16)) {
      return "";
    }
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (::inet_ntop(count == 1 ? AF_INET : AF_INET6, words.data(), text.data(), text.size()) ==
      nullptr) {
    return "";
  }
  return text.data();
}

}  // namespace

std::optional<ProcessStat> parse_stat(std::string_view text) {
  const auto open = text.find('(');
  const auto close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return std::nullopt;
  }
  // proc(5): after the name come state (3), ppid (4), ... starttime (22).
  constexpr std::size_t kState = 0;
  constexpr std::size_t kParent = 1;
  constexpr std::size_t kStart = 19;
  ProcessStat stat;
  const auto before = words_of(text.substr(0, open));
  const auto after = words_of(text.substr(close + 1));
  if (before.size() != 1 || after.size() <= kStart || after[kState].size() != 1 ||
      !parse_number(before[0], stat.pid) || !parse_number(after[kParent], stat.parent) ||
      !parse_number(after[kStart], stat.start_ticks)) {
    return std::nullopt;
  }
  stat.state = after[kState][0];
  stat.name = text.substr(open + 1, close - open - 1);
  return stat;
}

std::vector<std::string> parse_cmdline(std::string_view text) {
  std::vector<std::string> arguments;
  while (!text.empty()) {
    const auto end = text.find('\0');
    arguments.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return arguments;
}

std::vector<Listener> parse_listeners(std::string_view text, std::string_view protocol) {
  // Columns: sl local_address rem_address st queues timer retransmits uid ...
  constexpr std::size_t kLocal = 1;
  constexpr std::size_t kState = 3;
  constexpr std::size_t kUid = 7;
  // include/net/tcp_states.h: LISTEN is 0A; a UDP socket without a peer is in CLOSE, 07.
  const std::string_view waiting = protocol == "tcp" ? "0A" : "07";
  std::vector<Listener> listeners;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto words = words_of(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (words.size() <= kUid || words[kState] != waiting) {
      continue;
    }
    const auto colon = words[kLocal].find(':');
    Listener listener;
    if (colon == std::string_view::npos ||
        !parse_number(words[kLocal].substr(colon + 1), listener.port, 16) ||
        !parse_number(words[kUid], listener.uid)) {
      continue;
    }
    listener.ip = ip_of(words[kLocal].substr(0, colon));
    listener.protocol = protocol;
    if (!listener.ip.empty()) {
      listeners.push_back(std::move(listener));
    }
  }
  return listeners;
}

std::vector<int> Proc::pids() const {
  std::vector<int> pids;
  // Without a /proc there are no processes to see.
  for (const auto& name : files_.list(root_).value_or(std::vector<std::string>{})) {
    if (int pid = 0; parse_number(std::string_view(name), pid)) {
      pids.push_back(pid);
    }
  }
  return pids;
}

std::string Proc::file(int pid, std::string_view name) const {
  return files_.read_file(dsl::text("{}/{}/{}", root_, pid, name)).value_or("");
}

std::optional<ProcessStat> Proc::stat(int pid) const { return parse_stat(file(pid, "stat")); }

std::vector<std::string> Proc::cmdline(int pid) const {
  return parse_cmdline(file(pid, "cmdline"));
}

std::uint32_t Proc::owner(int pid) const {
  const auto info = files_.stat(dsl::text("{}/{}", root_, pid));
  return info ? info->uid : std::numeric_limits<std::uint32_t>::max();
}

std::vector<std::string> Proc::descriptors(int pid) const {
  std::vector<std::string> targets;
  std::error_code error;
  const std::filesystem::path folder = dsl::text("{}/{}/fd", root_, pid);
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    std::error_code gone;
    const auto target = std::filesystem::read_symlink(entry->path(), gone);
    if (!gone) {
      targets.push_back(target.string());
    }
  }
  return targets;
}

std::vector<int> Proc::sockets(int pid) const {
  std::vector<int> numbers;
  std::error_code error;
  std::filesystem::directory_iterator entry(dsl::text("{}/{}/fd", root_, pid), error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry->path(), gone).string();
    int number = 0;
    if (!gone && target.starts_with("socket:") &&
        parse_number(std::string_view(entry->path().filename().native()), number)) {
      numbers.push_back(number);
    }
  }
  return numbers;
}

std::vector<Listener> Proc::listeners() const {
  std::vector<Listener> all;
  for (const char* name : {"tcp", "tcp6", "udp", "udp6"}) {
    const std::string protocol(name, 3);
    const auto text = files_.read_file(dsl::text("{}/net/{}", root_, name));
    for (auto& listener : parse_listeners(text.value_or(""), protocol)) {
      all.push_back(std::move(listener));
    }
  }
  return all;
}

}  // namespace mcp::runtime
