// The rules as `iptables -S` prints them.
#include <cstdlib>
#include <sstream>

#include "mcp/agent/firewall.h"

namespace mcp::agent {

namespace {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

// "53", "8000:9000", "80,443".
bool lists_port(const std::string& value, std::uint16_t port) {
  for (const std::string& part : split(value, ',')) {
    const std::vector<std::string> ends = split(part, ':');
    const int first = std::atoi(ends.front().c_str());
    const int last = ends.size() > 1 ? std::atoi(ends.back().c_str()) : first;
    if (first <= port && port <= last) {
      return true;
    }
  }
  return false;
}

bool lists_word(const std::string& value, std::string_view wanted) {
  for (const std::string& part : split(value, ',')) {
    if (part == wanted) {
      return true;
    }
  }
  return false;
}

}  // namespace

class IptablesReader {
 public:
  using Match = Firewall::Match;
  using Verdict = Firewall::Verdict;

  explicit IptablesReader(Firewall& out) : out_(out) {}

  void line(const std::vector<std::string>& words) {
    if (words.size() < 2) {
      return;
    }
    if (words[0] == "-P" && words[1] == "INPUT") {
      out_.bases_.push_back({"INPUT", words.size() > 2 && words[2] == "DROP"});
    } else if (words[0] == "-A") {
      out_.chains_[words[1]].push_back(rule(words));
    }
  }

 private:
  static Firewall::Rule rule(const std::vector<std::string>& words) {
    Firewall::Rule out;
    bool negated = false;
    for (std::size_t i = 2; i < words.size(); ++i) {
      const std::string& option = words[i];
      if (option == "!") {
        negated = true;
        continue;
      }
      const bool has_value = i + 1 < words.size() && !words[i + 1].starts_with("-");
      const std::string value = has_value ? words[i + 1] : "";
      i += has_value ? 1 : 0;
      if (option == "-j" || option == "-g") {
        verdict(value, out);
        break;  // what follows belongs to the target
      } else if (option != "-m" && option != "--comment") {
        out.conditions.push_back(condition(option, value, negated));
      }
      negated = false;
    }
    return out;
  }

  static void verdict(const std::string& target, Firewall::Rule& out) {
    out.verdict = target == "ACCEPT"                       ? Verdict::kAccept
                  : target == "DROP" || target == "REJECT" ? Verdict::kDrop
                  : target == "RETURN"                     ? Verdict::kReturn
                  : target == "LOG"                        ? Verdict::kNone
                                                           : Verdict::kJump;
    out.target = target;
  }

  static Firewall::Condition condition(const std::string& option, const std::string& value,
                                       bool negated) {
    return [option, value, negated](const WantedPort& port) {
      const Match found = compare(option, value, port);
      return !negated || found == Match::kMaybe ? found
             : found == Match::kHit             ? Match::kMiss
                                                : Match::kHit;
    };
  }

  static Match compare(const std::string& option, const std::string& value,
                       const WantedPort& port) {
    const auto yes_if = [](bool holds) { return holds ? Match::kHit : Match::kMiss; };
    if (option == "-p") {
      return yes_if(value == port.protocol || value == "all");
    }
    if (option == "--dport" || option == "--dports") {
      return yes_if(lists_port(value, port.port));
    }
    if (option == "--ctstate" || option == "--state") {
      return yes_if(lists_word(value, "NEW"));
    }
    if (option == "-i" && value == "lo") {
      return Match::kMiss;
    }
    if (option == "-d" && !port.ip.empty() && value.ends_with("/32")) {
      return yes_if(value == port.ip + "/32");
    }
    return Match::kMaybe;
  }

  Firewall& out_;
};

Firewall Firewall::from_iptables(std::string_view rules) {
  Firewall out;
  IptablesReader reader(out);
  std::istringstream in{std::string(rules)};
  for (std::string line; std::getline(in, line);) {
    std::istringstream words{line};
    std::vector<std::string> list;
    for (std::string word; words >> word;) {
      list.push_back(std::move(word));
    }
    reader.line(list);
  }
  return out;
}

}  // namespace mcp::agent
