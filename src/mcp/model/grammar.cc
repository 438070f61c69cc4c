#include "mcp/model/grammar.h"

#include <algorithm>
#include <chrono>

#include "dsl/config/units.h"
#include "mcp/model/words.h"

namespace mcp::model {

namespace {

using dsl::config::Position;
using dsl::config::TomlMember;
using dsl::config::TomlValue;

constexpr std::int64_t kDayMs = 86'400'000;

// --- checks of single texts ---

std::string check_name(std::string_view text) {
  return is_name(text) ? "" : "a name is 1 to 63 of a-z, 0-9 and -, not - at either end";
}

std::string check_runtime_name(std::string_view text) {
  return is_runtime_name(text) ? "" : "a name is letters, digits, _ . and -, the first no sign";
}

std::string check_image(std::string_view text) {
  return parse_image(text) ? "" : "this is not an image reference";
}

std::string check_version(std::string_view text) {
  return text.empty() || is_image_tag(text) ? "" : "this is not an image tag";
}

std::string check_dependency(std::string_view text) {
  const std::size_t slash = text.find('/');
  const bool good = is_name(text.substr(0, slash)) &&
                    (slash == std::string_view::npos || is_name(text.substr(slash + 1)));
  return good ? "" : "a dependency is `service` or `service/component`";
}

std::string check_source_path(std::string_view text) {
  const bool beneath = !text.empty() && text.front() != '/' &&
                       ("/" + std::string(text) + "/").find("/../") == std::string::npos;
  return beneath ? "" : "a path below the workspace is needed";
}

std::string check_user(std::string_view text) {
  const bool good = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == ':';
  });
  return good ? "" : "a user is `uid[:gid]`, `name[:group]`, or `image`";
}

std::string check_restart(std::string_view text) {
  return is_restart_policy(text) ? "" : "restart is unless-stopped, always, on-failure[:n] or no";
}

std::string check_address(std::string_view text) {
  return dsl::config::is_address(text) ? "" : "an IPv4 or IPv6 literal is needed";
}

std::string check_extra_host(std::string_view text) {
  const std::size_t colon = text.find(':');
  const bool good =
      colon != std::string_view::npos && colon > 0 &&
      (dsl::config::is_address(text.substr(colon + 1)) || text.substr(colon + 1) == "host-gateway");
  return good ? "" : "an extra host is `name:address`";
}

std::string check_absolute(std::string_view text) {
  return text.starts_with('/') ? "" : "an absolute path is needed";
}

std::string check_capability(std::string_view text) {
  const bool good = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || c == '_';
  });
  return good ? "" : "a capability is written like NET_BIND_SERVICE";
}

std::string check_signal(std::string_view text) {
  const bool good =
      !text.empty() && text.size() <= 16 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-';
      });
  return good ? "" : "a signal is written like TERM";
}

std::string check_cert(std::string_view text) {
  return text == "auto" || text.starts_with('/') ? "" : "cert is `auto` or an absolute path";
}

std::string check_hostname(std::string_view text) {
  const bool good =
      !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.' || c == '*' || c == '_';
      });
  return good ? "" : "this is not a host name";
}

std::string check_variable(std::string_view text) {
  const bool good = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  }) && !(text.front() >= '0' && text.front() <= '9');
  return good ? "" : "a variable's name is letters, digits, _ . and -, not beginning with a digit";
}

// --- the tables ---

constexpr std::string_view kModes[] = {"l4", "l7"};
constexpr std::string_view kStrategies[] = {"recreate", "overlap"};
constexpr std::string_view kReconcile[] = {"report", "restart", "enforce"};
constexpr std::string_view kGates[] = {"dns", "tcp", "http", "https", "grpc", "exec", "none"};
constexpr std::string_view kTls[] = {"verify", "any", "off"};
constexpr std::string_view kMethods[] = {"GET", "HEAD", "POST"};

constexpr KeyRule kHealthKeys[] = {
    {.name = "type", .values = kGates},
    {.name = "port", .form = Form::kInteger, .minimum = 1, .maximum = 65535},
    {.name = "path", .check = check_absolute},
    {.name = "host", .check = check_hostname},
    {.name = "query", .check = check_hostname},
    {.name = "expect"},
    {.name = "method", .values = kMethods},
    {.name = "cmd", .form = Form::kTextList},
    {.name = "service"},
    {.name = "tls", .values = kTls},
    {.name = "interval", .form = Form::kDuration, .minimum = 50, .maximum = kDayMs},
    {.name = "timeout", .form = Form::kDuration, .minimum = 10, .maximum = kDayMs},
    {.name = "start_period", .form = Form::kDuration, .minimum = 0, .maximum = kDayMs},
    {.name = "deadline", .form = Form::kDuration, .minimum = 100, .maximum = kDayMs},
    {.name = "successes", .form = Form::kInteger, .minimum = 1, .maximum = 100},
};
constexpr Section kHealth{"health", kHealthKeys};

constexpr KeyRule kRouteKeys[] = {
    {.name = "name", .check = check_name},
    {.name = "port", .form = Form::kInteger, .minimum = 1, .maximum = 65535},
    {.name = "mode", .values = kModes},
    {.name = "hostname", .form = Form::kTextOrList, .check = check_hostname},
    {.name = "target", .form = Form::kInteger, .minimum = 1, .maximum = 65535},
    {.name = "backend_tls", .form = Form::kBool},
    {.name = "cert", .check = check_cert},
};
constexpr Section kRoute{"a route", kRouteKeys};

constexpr KeyRule kSecretKeys[] = {
    {.name = "name", .check = check_runtime_name, .required = true},
    {.name = "env", .check = check_variable},
    {.name = "file", .check = check_absolute},
};
constexpr Section kSecret{"a secret", kSecretKeys};

constexpr KeyRule kSocketKeys[] = {
    {.name = "name", .check = check_name, .required = true},
    {.name = "listen", .required = true},
};
constexpr Section kSocket{"a socket", kSocketKeys};

constexpr KeyRule kComponentKeys[] = {
    {.name = "name", .check = check_name},
    {.name = "container", .check = check_runtime_name},
    {.name = "image", .check = check_image},
    {.name = "version", .check = check_version},
    {.name = "volumes", .form = Form::kTextList},
    {.name = "default_volume", .form = Form::kBool},
    {.name = "network", .check = check_runtime_name},
    {.name = "aliases", .form = Form::kTextList, .check = check_runtime_name},
    {.name = "user", .check = check_user},
    {.name = "restart", .check = check_restart},
    {.name = "ports", .form = Form::kTextList},
    {.name = "env", .form = Form::kEnvironment, .check = check_variable},
    {.name = "secrets", .form = Form::kTables, .section = &kSecret},
    {.name = "cmd", .form = Form::kTextList},
    {.name = "entrypoint", .form = Form::kTextList},
    {.name = "workdir", .check = check_absolute},
    {.name = "hostname", .check = check_hostname},
    {.name = "dns", .form = Form::kTextList, .check = check_address},
    {.name = "extra_hosts", .form = Form::kTextList, .check = check_extra_host},
    {.name = "tmpfs", .form = Form::kTextList, .check = check_absolute},
    {.name = "devices", .form = Form::kTextList, .check = check_absolute},
    {.name = "sysctls", .form = Form::kTextTable},
    {.name = "cap_add", .form = Form::kTextList, .check = check_capability},
    {.name = "cap_drop", .form = Form::kTextList, .check = check_capability},
    {.name = "read_only", .form = Form::kBool},
    {.name = "no_new_privileges", .form = Form::kBool},
    {.name = "memory", .form = Form::kSize},
    {.name = "cpus", .form = Form::kNumber, .minimum = 0, .maximum = 4096},
    {.name = "pids", .form = Form::kInteger, .minimum = 1, .maximum = 4'194'304},
    {.name = "stop_timeout", .form = Form::kDuration, .minimum = 0, .maximum = kDayMs},
    {.name = "stop_signal", .check = check_signal},
    {.name = "after", .form = Form::kTextList, .check = check_name},
    {.name = "health", .form = Form::kTable, .section = &kHealth},
    {.name = "strategy", .values = kStrategies},
    {.name = "shared_data", .form = Form::kBool},
    {.name = "routes", .form = Form::kTables, .section = &kRoute},
    {.name = "sockets", .form = Form::kTables, .section = &kSocket},
};
constexpr Section kComponent{"a component", kComponentKeys};

constexpr KeyRule kBuildKeys[] = {{.name = "images", .form = Form::kTextTable}};
constexpr Section kBuild{"[build]", kBuildKeys};

constexpr KeyRule kServiceKeys[] = {
    {.name = "name", .check = check_name, .required = true},
    {.name = "node", .check = check_runtime_name},
    {.name = "version", .check = check_version},
    {.name = "image", .check = check_image},
    {.name = "active", .form = Form::kBool},
    {.name = "tier", .check = check_runtime_name},
    {.name = "depends_on", .form = Form::kTextList, .check = check_dependency},
    {.name = "essential", .form = Form::kBool},
    {.name = "public", .form = Form::kBool},
    {.name = "path", .check = check_source_path},
    {.name = "allow_floating", .form = Form::kBool},
    {.name = "reconcile", .values = kReconcile},
    {.name = "build", .form = Form::kTable, .section = &kBuild},
    {.name = "labels", .form = Form::kTextTable},
    {.name = "components", .form = Form::kTables, .section = &kComponent},
    {.name = "routes", .form = Form::kTables, .section = &kRoute},
};
constexpr Section kService{"a definition", kServiceKeys};

// --- the check ---

std::string_view expected(Form form) {
  switch (form) {
    case Form::kText:
      return "a string";
    case Form::kBool:
      return "true or false";
    case Form::kInteger:
      return "an integer";
    case Form::kNumber:
      return "a number";
    case Form::kDuration:
      return "a duration such as \"30s\"";
    case Form::kSize:
      return "a size such as \"64MiB\"";
    case Form::kTextList:
      return "an array of strings";
    case Form::kTextOrList:
      return "a string or an array of strings";
    case Form::kTextTable:
      return "a table of strings";
    case Form::kEnvironment:
      return "an array of \"KEY=VALUE\" or a table of strings";
    case Form::kTable:
      return "a table";
    case Form::kTables:
      return "an array of tables";
  }
  return "nothing";
}

class Checker {
 public:
  explicit Checker(Problems& problems) : problems_(problems) {}

  void section(const TomlValue& table, const Section& section) {
    for (const TomlMember& member : table.members) {
      const KeyRule* rule = find(section, member.key);
      if (rule != nullptr) {
        value(member, *rule);
        continue;
      }
      std::vector<std::string> known;
      for (const KeyRule& key : section.keys) {
        known.emplace_back(key.name);
      }
      problems_.add(member.position, dsl::text("{} has no key `{}`{}", section.title, member.key,
                                               suggestion(member.key, known)));
    }
    for (const KeyRule& rule : section.keys) {
      if (rule.required && table.find(rule.name) == nullptr) {
        problems_.add(table.position, dsl::text("{} needs `{}`", section.title, rule.name));
      }
    }
  }

 private:
  static const KeyRule* find(const Section& section, std::string_view key) {
    const auto found = std::find_if(section.keys.begin(), section.keys.end(),
                                    [&](const KeyRule& rule) { return rule.name == key; });
    return found == section.keys.end() ? nullptr : &*found;
  }

  void wrong_type(const TomlMember& member, const KeyRule& rule, const TomlValue& at) {
    problems_.add(at.position, dsl::text("`{}` must be {}, not {}", member.key, expected(rule.form),
                                         at.kind_name()));
  }

  void text(const TomlMember& member, const KeyRule& rule, const TomlValue& at) {
    if (at.kind != TomlValue::Kind::kString) {
      wrong_type(member, rule, at);
      return;
    }
    if (at.string.find('\0') != std::string::npos) {
      problems_.add(at.position, dsl::text("`{}` holds a NUL byte", member.key));
      return;
    }
    if (!rule.values.empty() &&
        std::find(rule.values.begin(), rule.values.end(), at.string) == rule.values.end()) {
      const std::vector<std::string> known(rule.values.begin(), rule.values.end());
      problems_.add(at.position, dsl::text("`{}` cannot be \"{}\"{}", member.key, at.string,
                                           suggestion(at.string, known)));
    }
    if (rule.check != nullptr && rule.form != Form::kEnvironment) {
      if (const std::string why = rule.check(at.string); !why.empty()) {
        problems_.add(at.position, dsl::text("`{}` is \"{}\": {}", member.key, at.string, why));
      }
    }
  }

  void list(const TomlMember& member, const KeyRule& rule) {
    for (const TomlValue& item : member.value.items) {
      text(member, rule, item);
    }
  }

  void text_table(const TomlMember& member, const KeyRule& rule) {
    for (const TomlMember& entry : member.value.members) {
      if (entry.key.empty() ||
          entry.key.find_first_of(std::string_view("=\0\n", 3)) != std::string::npos) {
        problems_.add(entry.position, dsl::text("`{}` has a malformed key", member.key));
      }
      text(member, {.name = rule.name, .form = rule.form}, entry.value);
    }
  }

  void environment(const TomlMember& member, const KeyRule& rule) {
    const auto name = [&](Position where, std::string_view variable) {
      if (const std::string why = rule.check(variable); !why.empty()) {
        problems_.add(where, dsl::text("`env` names \"{}\": {}", variable, why));
      }
    };
    if (member.value.kind == TomlValue::Kind::kTable) {
      text_table(member, rule);
      for (const TomlMember& entry : member.value.members) {
        name(entry.position, entry.key);
      }
      return;
    }
    list(member, rule);
    for (const TomlValue& item : member.value.items) {
      if (item.kind != TomlValue::Kind::kString) {
        continue;
      }
      const std::size_t equals = item.string.find('=');
      if (equals == std::string::npos) {
        problems_.add(item.position, dsl::text("`env` holds \"{}\": write KEY=VALUE", item.string));
      } else {
        name(item.position, std::string_view(item.string).substr(0, equals));
      }
    }
  }

  void integer(const TomlMember& member, const KeyRule& rule) {
    const std::int64_t number = member.value.integer;
    if (number < rule.minimum || number > rule.maximum) {
      problems_.add(member.value.position,
                    dsl::text("`{}` is {}: it must be from {} to {}", member.key, number,
                              rule.minimum, rule.maximum));
    }
  }

  void number(const TomlMember& member, const KeyRule& rule) {
    const TomlValue& value = member.value;
    const double number =
        value.kind == TomlValue::Kind::kFloat ? value.number : static_cast<double>(value.integer);
    // Written so that NaN fails as well.
    if (!(number > static_cast<double>(rule.minimum) &&
          number <= static_cast<double>(rule.maximum))) {
      problems_.add(value.position, dsl::text("`{}` must be above {}, and at most {}", member.key,
                                              rule.minimum, rule.maximum));
    }
  }

  void duration(const TomlMember& member, const KeyRule& rule) {
    const auto parsed = dsl::config::parse_duration(member.value.string);
    if (!parsed) {
      problems_.add(member.value.position,
                    dsl::text("`{}`: {}", member.key, parsed.error().message()));
    } else if (parsed->count() < rule.minimum || parsed->count() > rule.maximum) {
      problems_.add(
          member.value.position,
          dsl::text("`{}` must be from {} to {}", member.key,
                    dsl::config::format_duration(std::chrono::milliseconds(rule.minimum)),
                    dsl::config::format_duration(std::chrono::milliseconds(rule.maximum))));
    }
  }

  void size(const TomlMember& member) {
    const TomlValue& value = member.value;
    if (value.kind == TomlValue::Kind::kInteger) {
      if (value.integer <= 0) {
        problems_.add(value.position, dsl::text("`{}` must be above 0", member.key));
      }
      return;
    }
    const auto parsed = dsl::config::parse_size(value.string);
    if (!parsed) {
      problems_.add(value.position, dsl::text("`{}`: {}", member.key, parsed.error().message()));
    } else if (*parsed == 0) {
      problems_.add(value.position, dsl::text("`{}` must be above 0", member.key));
    }
  }

  void tables(const TomlMember& member, const KeyRule& rule) {
    if (member.value.kind == TomlValue::Kind::kTable) {
      section(member.value, *rule.section);
      return;
    }
    for (const TomlValue& item : member.value.items) {
      if (item.kind != TomlValue::Kind::kTable) {
        wrong_type(member, rule, item);
      } else {
        section(item, *rule.section);
      }
    }
  }

  void value(const TomlMember& member, const KeyRule& rule) {
    using Kind = TomlValue::Kind;
    const Kind kind = member.value.kind;
    const auto is = [&](Kind a, Kind b) { return kind == a || kind == b; };
    switch (rule.form) {
      case Form::kText:
        return text(member, rule, member.value);
      case Form::kBool:
        return kind == Kind::kBool ? void() : wrong_type(member, rule, member.value);
      case Form::kInteger:
        return kind == Kind::kInteger ? integer(member, rule)
                                      : wrong_type(member, rule, member.value);
      case Form::kNumber:
        return is(Kind::kInteger, Kind::kFloat) ? number(member, rule)
                                                : wrong_type(member, rule, member.value);
      case Form::kDuration:
        return kind == Kind::kString ? duration(member, rule)
                                     : wrong_type(member, rule, member.value);
      case Form::kSize:
        return is(Kind::kString, Kind::kInteger) ? size(member)
                                                 : wrong_type(member, rule, member.value);
      case Form::kTextList:
        return kind == Kind::kArray ? list(member, rule) : wrong_type(member, rule, member.value);
      case Form::kTextOrList:
        return kind == Kind::kArray ? list(member, rule) : text(member, rule, member.value);
      case Form::kTextTable:
        return kind == Kind::kTable ? text_table(member, rule)
                                    : wrong_type(member, rule, member.value);
      case Form::kEnvironment:
        return is(Kind::kArray, Kind::kTable) ? environment(member, rule)
                                              : wrong_type(member, rule, member.value);
      case Form::kTable:
        return kind == Kind::kTable ? section(member.value, *rule.section)
                                    : wrong_type(member, rule, member.value);
      case Form::kTables:
        return is(Kind::kArray, Kind::kTable) ? tables(member, rule)
                                              : wrong_type(member, rule, member.value);
    }
  }

  Problems& problems_;
};

}  // namespace

const Section& definition_grammar() { return kService; }

void check_section(const TomlValue& table, const Section& section, Problems& problems) {
  Checker(problems).section(table, section);
}

}  // namespace mcp::model
