#include "mcp/model/run_line.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "mcp/model/problems.h"
#include "mcp/model/words.h"

namespace mcp::model {

namespace {

using dsl::Code;
using dsl::fail;

class RunParser;

// What becomes of an option: `read` takes its value; without one, `drop` says why it is left out,
// and without both a definition cannot express it.
struct RunOption {
  std::string_view name;
  char letter = 0;
  bool takes_value = true;
  Result<void> (RunParser::*read)(const std::string& value) = nullptr;
  std::string_view drop = {};
};

class RunParser {
 public:
  explicit RunParser(const std::vector<std::string>& words) : words_(words) {}

  Result<RunLine> run() {
    MC_TRY(command());
    MC_TRY(options());
    if (at_ == words_.size()) {
      return refuse("no image is named");
    }
    line_.component.image = words_[at_++];
    if (!parse_image(line_.component.image)) {
      return refuse(dsl::text("\"{}\" is not an image reference", line_.component.image));
    }
    if (at_ < words_.size()) {
      line_.component.cmd.emplace(words_.begin() + static_cast<std::ptrdiff_t>(at_), words_.end());
    }
    return std::move(line_);
  }

  // --- the options that a definition has ---
  Result<void> detach(const std::string& value) { return set_flag(value, line_.detached); }
  Result<void> name(const std::string& value) {
    if (!is_runtime_name(value)) {
      return refuse(dsl::text("--name {}: not a container name", value));
    }
    line_.component.container = value;
    return {};
  }
  Result<void> restart(const std::string& value) {
    if (!is_restart_policy(value)) {
      return refuse(dsl::text("--restart {}: no such policy", value));
    }
    line_.component.restart = value;
    line_.has_restart = true;
    return {};
  }
  Result<void> network(const std::string& value) {
    const std::size_t colon = value.find(':');
    const std::string name = value.substr(0, colon);
    if (line_.has_network) {
      return refuse("--network twice: a definition has one network");
    }
    if (!is_runtime_name(name)) {
      return refuse(dsl::text("--network {}: not a network's name", value));
    }
    line_.has_network = true;
    line_.component.network = name;
    for (std::string_view rest = colon == std::string::npos
                                     ? std::string_view()
                                     : std::string_view(value).substr(colon + 1);
         !rest.empty();) {
      const std::size_t comma = rest.find(',');
      const std::string_view part = rest.substr(0, comma);
      if (!part.starts_with("alias=")) {
        return refuse(dsl::text("--network {}: a definition cannot express {}", value, part));
      }
      MC_TRY(alias(std::string(part.substr(6))));
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
    return {};
  }
  Result<void> alias(const std::string& value) {
    line_.has_alias = true;
    line_.component.aliases.push_back(value);
    return {};
  }
  Result<void> user(const std::string& value) {
    line_.component.user = value;
    line_.has_user = true;
    return {};
  }
  Result<void> publish(const std::string& value) {
    MC_ASSIGN(Port port, parse_port(value));
    if (port.host_ip.starts_with('@')) {
      return refuse(dsl::text("-p {}: podman knows no address labels", value));
    }
    line_.component.ports.push_back(std::move(port));
    return {};
  }
  Result<void> volume(const std::string& value) {
    MC_ASSIGN(Volume volume, parse_volume(value));
    line_.component.volumes.push_back(std::move(volume));
    return {};
  }
  Result<void> mount(const std::string& value) {
    std::map<std::string, std::string> parts;
    for (std::string_view rest = value; !rest.empty();) {
      const std::size_t comma = rest.find(',');
      const std::string_view part = rest.substr(0, comma);
      const std::size_t equals = part.find('=');
      parts[std::string(part.substr(0, equals))] =
          equals == std::string_view::npos ? "true" : part.substr(equals + 1);
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
    const auto take = [&](std::initializer_list<const char*> keys) {
      std::string found;
      for (const char* key : keys) {
        if (const auto node = parts.extract(key)) {
          found = node.mapped();
        }
      }
      return found;
    };
    const std::string type = take({"type"});
    const std::string source = take({"source", "src"});
    const std::string target = take({"target", "destination", "dst"});
    const std::string read_only = take({"readonly", "ro"});
    if (!parts.empty()) {
      return refuse(
          dsl::text("--mount {}: a definition cannot express {}", value, parts.begin()->first));
    }
    line_.notices.push_back(dsl::text("--mount {}: written in the short form", value));
    if (type == "tmpfs" && source.empty() && read_only.empty()) {
      line_.component.tmpfs.push_back(target);
      return {};
    }
    if (type != "bind") {
      return refuse(dsl::text("--mount {}: a definition has bind mounts and tmpfs", value));
    }
    return volume(source + ":" + target + (read_only == "true" ? ":ro" : ""));
  }
  Result<void> env(const std::string& value) {
    const std::size_t equals = value.find('=');
    if (equals == std::string::npos) {
      return refuse(
          dsl::text("-e {}: takes its value from the environment of the shell; write it "
                    "out",
                    value));
    }
    // podman: the last one counts.
    auto& env = line_.component.env;
    const std::string key = value.substr(0, equals);
    std::erase_if(env, [&](const auto& pair) { return pair.first == key; });
    env.emplace_back(key, value.substr(equals + 1));
    return {};
  }
  Result<void> label(const std::string& value) {
    const std::size_t equals = value.find('=');
    const std::string key = value.substr(0, equals);
    if (key.starts_with("mcp.")) {
      line_.notices.push_back(dsl::text("--label {}: left out, the agent writes it", key));
      return {};
    }
    line_.labels[key] = equals == std::string::npos ? "" : value.substr(equals + 1);
    return {};
  }
  Result<void> secret(const std::string& value) {
    SecretUse use;
    std::string type = "mount";
    std::string target;
    std::size_t begin = 0;
    while (begin <= value.size()) {
      const std::size_t comma = std::min(value.find(',', begin), value.size());
      const std::string part = value.substr(begin, comma - begin);
      if (begin == 0) {
        use.name = part;
      } else if (part.starts_with("type=")) {
        type = part.substr(5);
      } else if (part.starts_with("target=")) {
        target = part.substr(7);
      } else {
        return refuse(dsl::text("--secret {}: a definition cannot express {}", value, part));
      }
      begin = comma + 1;
    }
    if (type == "env") {
      use.env = target.empty() ? use.name : target;
    } else if (type == "mount") {
      target = target.empty() ? use.name : target;
      use.file = target.starts_with('/') ? target : "/run/secrets/" + target;
    } else {
      return refuse(dsl::text("--secret {}: type is mount or env", value));
    }
    line_.component.secrets.push_back(std::move(use));
    return {};
  }
  Result<void> entrypoint(const std::string& value) {
    std::vector<std::string>& words = line_.component.entrypoint.emplace();
    if (!value.starts_with('[')) {
      if (!value.empty()) {
        words.push_back(value);
      }
      return {};
    }
    boost::json::error_code error;
    const boost::json::value json = boost::json::parse(value, error);
    if (error || !json.is_array()) {
      return refuse(dsl::text("--entrypoint {}: not an array of strings", value));
    }
    for (const boost::json::value& word : json.get_array()) {
      if (!word.is_string()) {
        return refuse(dsl::text("--entrypoint {}: not an array of strings", value));
      }
      words.emplace_back(word.get_string());
    }
    return {};
  }
  Result<void> workdir(const std::string& value) { return set(line_.component.workdir, value); }
  Result<void> hostname(const std::string& value) { return set(line_.component.hostname, value); }
  Result<void> dns(const std::string& value) { return add(line_.component.dns, value); }
  Result<void> add_host(const std::string& value) {
    return add(line_.component.extra_hosts, value);
  }
  Result<void> tmpfs(const std::string& value) { return add(line_.component.tmpfs, value); }
  Result<void> device(const std::string& value) { return add(line_.component.devices, value); }
  Result<void> sysctl(const std::string& value) {
    const std::size_t equals = value.find('=');
    if (equals == std::string::npos) {
      return refuse(dsl::text("--sysctl {}: write name=value", value));
    }
    line_.component.sysctls[value.substr(0, equals)] = value.substr(equals + 1);
    return {};
  }
  Result<void> cap_add(const std::string& value) { return add(line_.component.cap_add, value); }
  Result<void> cap_drop(const std::string& value) { return add(line_.component.cap_drop, value); }
  Result<void> read_only(const std::string& value) {
    return set_flag(value, line_.component.read_only);
  }
  Result<void> security(const std::string& value) {
    if (value == "no-new-privileges" || value == "no-new-privileges:true" ||
        value == "no-new-privileges=true") {
      line_.has_no_new_privileges = true;
      return {};
    }
    return refuse(dsl::text("--security-opt {}: a definition has only no_new_privileges", value));
  }
  Result<void> memory(const std::string& value) {
    const char* end = value.data() + value.size();
    std::uint64_t number = 0;
    const auto parsed = std::from_chars(value.data(), end, number);
    std::string unit(parsed.ptr, end);
    std::transform(unit.begin(), unit.end(), unit.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (unit.size() > 1 && (unit.substr(1) == "b" || unit.substr(1) == "ib")) {
      unit.resize(1);
    }
    static constexpr std::string_view kUnits = "bkmgt";
    const std::size_t power = unit.empty() ? 0 : kUnits.find(unit);
    if (parsed.ec != std::errc() || parsed.ptr == value.data() || unit.size() > 1 ||
        power == std::string_view::npos || number > (std::uint64_t{1} << 62 >> (10 * power))) {
      return refuse(dsl::text("--memory {}: not a size", value));
    }
    line_.component.memory_bytes = number << (10 * power);
    return {};
  }
  Result<void> cpus(const std::string& value) {
    double number = 0;
    const char* end = value.data() + value.size();
    const auto parsed = std::from_chars(value.data(), end, number);
    // Written so that NaN is refused as well.
    if (parsed.ec != std::errc() || parsed.ptr != end || !(number >= 0 && number <= 4096)) {
      return refuse(dsl::text("--cpus {}: not a number", value));
    }
    line_.component.cpus = std::round(number * 1000) / 1000;
    return {};
  }
  Result<void> pids(const std::string& value) {
    MC_ASSIGN(const std::int64_t number, integer("--pids-limit", value));
    line_.component.pids = std::max<std::int64_t>(number, 0);  // -1 is podman's "no limit"
    return {};
  }
  Result<void> stop_timeout(const std::string& value) {
    MC_ASSIGN(const std::int64_t number, integer("--stop-timeout", value));
    if (number < 0 || number > 86400) {
      return refuse(dsl::text("--stop-timeout {}: from 0 to 86400", value));
    }
    line_.component.stop_timeout = std::chrono::seconds(number);
    return {};
  }
  Result<void> stop_signal(const std::string& value) {
    return set(line_.component.stop_signal, value);
  }

 private:
  dsl::Failure refuse(const std::string& message) const {
    return fail(Code::kInvalidArgument, "{}", message).id(code::kCannotConvert);
  }

  static Result<void> set(std::string& target, const std::string& value) {
    target = value;
    return {};
  }
  static Result<void> add(std::vector<std::string>& target, const std::string& value) {
    target.push_back(value);
    return {};
  }
  Result<void> set_flag(const std::string& value, bool& target) const {
    if (value != "true" && value != "false") {
      return refuse(dsl::text("a flag is true or false, not {}", value));
    }
    target = value == "true";
    return {};
  }
  Result<std::int64_t> integer(std::string_view option, const std::string& value) const {
    std::int64_t number = 0;
    const char* end = value.data() + value.size();
    const auto parsed = std::from_chars(value.data(), end, number);
    if (parsed.ec != std::errc() || parsed.ptr != end) {
      return refuse(dsl::text("{} {}: not a number", option, value));
    }
    return number;
  }

  Result<void> command() {
    const auto is = [&](std::size_t i, std::string_view word) {
      return i < words_.size() && words_[i] == word;
    };
    at_ = is(0, "sudo") ? 1 : 0;
    if (!is(at_, "podman") && !is(at_, "docker")) {
      return refuse(dsl::text("\"{}\" is not a podman run command", words_.front()));
    }
    ++at_;
    if (is(at_, "container")) {
      ++at_;
    }
    if (!is(at_, "run") && !is(at_, "create")) {
      return refuse(dsl::text("\"{}\" is not a podman run command; only run lines are converted",
                              at_ < words_.size() ? "podman " + words_[at_] : "podman"));
    }
    ++at_;
    return {};
  }

  Result<void> options() {
    while (at_ < words_.size()) {
      const std::string& word = words_[at_];
      if (word == "--") {
        ++at_;
        return {};
      }
      if (word.size() < 2 || word[0] != '-') {
        return {};
      }
      ++at_;
      MC_TRY(word[1] == '-' ? long_option(word) : short_options(word));
    }
    return {};
  }

  Result<void> long_option(const std::string& word);
  Result<void> short_options(const std::string& word);

  Result<std::string> next_value(const std::string& option) {
    if (at_ == words_.size()) {
      return refuse(dsl::text("{} needs a value", option));
    }
    return words_[at_++];
  }

  Result<void> apply(const RunOption& option, const std::string& value) {
    if (option.read != nullptr) {
      return (this->*option.read)(value);
    }
    if (!option.drop.empty()) {
      line_.notices.push_back(dsl::text("--{}: left out, {}", option.name, option.drop));
      return {};
    }
    return refuse(dsl::text("--{} cannot be expressed in a definition", option.name));
  }

  const std::vector<std::string>& words_;
  std::size_t at_ = 0;
  RunLine line_;
};

constexpr std::string_view kAgents = "the agent does that itself";
constexpr std::string_view kTerminal = "a service has no terminal";

using P = RunParser;
constexpr RunOption kOptions[] = {
    {"detach", 'd', false, &P::detach},
    {"name", 0, true, &P::name},
    {"restart", 0, true, &P::restart},
    {"network", 0, true, &P::network},
    {"net", 0, true, &P::network},
    {"network-alias", 0, true, &P::alias},
    {"user", 'u', true, &P::user},
    {"publish", 'p', true, &P::publish},
    {"volume", 'v', true, &P::volume},
    {"mount", 0, true, &P::mount},
    {"env", 'e', true, &P::env},
    {"label", 'l', true, &P::label},
    {"secret", 0, true, &P::secret},
    {"entrypoint", 0, true, &P::entrypoint},
    {"workdir", 'w', true, &P::workdir},
    {"hostname", 'h', true, &P::hostname},
    {"dns", 0, true, &P::dns},
    {"add-host", 0, true, &P::add_host},
    {"tmpfs", 0, true, &P::tmpfs},
    {"device", 0, true, &P::device},
    {"sysctl", 0, true, &P::sysctl},
    {"cap-add", 0, true, &P::cap_add},
    {"cap-drop", 0, true, &P::cap_drop},
    {"read-only", 0, false, &P::read_only},
    {"security-opt", 0, true, &P::security},
    {"memory", 'm', true, &P::memory},
    {"cpus", 0, true, &P::cpus},
    {"pids-limit", 0, true, &P::pids},
    {"stop-timeout", 0, true, &P::stop_timeout},
    {"stop-signal", 0, true, &P::stop_signal},
    // Without meaning for a managed container.
    {"rm", 0, false, nullptr, "a managed container stays"},
    {"replace", 0, false, nullptr, kAgents},
    {"interactive", 'i', false, nullptr, kTerminal},
    {"tty", 't', false, nullptr, kTerminal},
    {"attach", 'a', true, nullptr, kTerminal},
    {"detach-keys", 0, true, nullptr, kTerminal},
    {"sig-proxy", 0, false, nullptr, kTerminal},
    {"quiet", 'q', false, nullptr, kAgents},
    {"pull", 0, true, nullptr, kAgents},
    {"cidfile", 0, true, nullptr, kAgents},
    {"conmon-pidfile", 0, true, nullptr, kAgents},
    {"pidfile", 0, true, nullptr, kAgents},
    {"log-driver", 0, true, nullptr, kAgents},
    {"log-opt", 0, true, nullptr, kAgents},
    {"sdnotify", 0, true, nullptr, kAgents},
    {"no-healthcheck", 0, false, nullptr, "gates are the agent's"},
    {"health-cmd", 0, true, nullptr, "write [components.health] instead"},
    {"health-interval", 0, true, nullptr, "write [components.health] instead"},
    {"health-retries", 0, true, nullptr, "write [components.health] instead"},
    {"health-start-period", 0, true, nullptr, "write [components.health] instead"},
    {"health-timeout", 0, true, nullptr, "write [components.health] instead"},
    // Known, but a definition cannot say it: refused by name.
    {"env-file"},
    {"env-host", 0, false},
    {"annotation"},
    {"arch"},
    {"blkio-weight"},
    {"cgroup-parent"},
    {"cgroupns"},
    {"cgroups"},
    {"cpu-period"},
    {"cpu-quota"},
    {"cpu-shares", 'c'},
    {"cpuset-cpus"},
    {"cpuset-mems"},
    {"dns-option"},
    {"dns-search"},
    {"expose"},
    {"gidmap"},
    {"group-add"},
    {"hooks-dir"},
    {"http-proxy", 0, false},
    {"init", 0, false},
    {"ip"},
    {"ip6"},
    {"ipc"},
    {"label-file"},
    {"mac-address"},
    {"memory-reservation"},
    {"memory-swap"},
    {"memory-swappiness"},
    {"no-hosts", 0, false},
    {"oom-kill-disable", 0, false},
    {"oom-score-adj"},
    {"os"},
    {"passwd", 0, false},
    {"personality"},
    {"pid"},
    {"platform"},
    {"pod"},
    {"privileged", 0, false},
    {"publish-all", 'P', false},
    {"requires"},
    {"rootfs", 0, false},
    {"seccomp-policy"},
    {"shm-size"},
    {"subgidname"},
    {"subuidname"},
    {"systemd"},
    {"timeout"},
    {"tz"},
    {"uidmap"},
    {"ulimit"},
    {"umask"},
    {"unsetenv"},
    {"userns"},
    {"uts"},
    {"volumes-from"},
};

const RunOption* find(std::string_view name) {
  const auto found = std::find_if(std::begin(kOptions), std::end(kOptions),
                                  [&](const RunOption& option) { return option.name == name; });
  return found == std::end(kOptions) ? nullptr : &*found;
}

const RunOption* find(char letter) {
  const auto found = std::find_if(std::begin(kOptions), std::end(kOptions),
                                  [&](const RunOption& option) { return option.letter == letter; });
  return found == std::end(kOptions) ? nullptr : &*found;
}

Result<void> RunParser::long_option(const std::string& word) {
  const std::size_t equals = word.find('=');
  const std::string name = word.substr(2, equals == std::string::npos ? equals : equals - 2);
  const RunOption* option = find(name);
  if (option == nullptr) {
    std::vector<std::string> known;
    for (const RunOption& each : kOptions) {
      known.emplace_back(each.name);
    }
    const std::string near = suggestion(name, known);
    return refuse(
        dsl::text("podman run has no option --{}{}", name, near.starts_with(", did") ? near : ""));
  }
  if (equals != std::string::npos) {
    return apply(*option, word.substr(equals + 1));
  }
  if (!option->takes_value) {
    return apply(*option, "true");
  }
  MC_ASSIGN(const std::string value, next_value("--" + name));
  return apply(*option, value);
}

// -dit, -p 80:80, -p80:80, -p=80:80
Result<void> RunParser::short_options(const std::string& word) {
  for (std::size_t i = 1; i < word.size(); ++i) {
    const std::string shown = std::string("-") + word[i];
    const RunOption* option = word[i] != '=' ? find(word[i]) : nullptr;
    if (option == nullptr) {
      return refuse(dsl::text("podman run has no option {}", shown));
    }
    std::string rest = word.substr(i + 1);
    if (!option->takes_value && !rest.starts_with('=')) {
      MC_TRY(apply(*option, "true"));
      continue;
    }
    if (rest.empty()) {
      MC_ASSIGN(rest, next_value(shown));
    } else if (rest.starts_with('=')) {
      rest.erase(0, 1);
    }
    return apply(*option, rest);
  }
  return {};
}

}  // namespace

Result<RunLine> parse_run_line(const std::vector<std::string>& words) {
  return RunParser(words).run();
}

}  // namespace mcp::model
