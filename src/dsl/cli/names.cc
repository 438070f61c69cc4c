#include "dsl/cli/names.h"

#include <algorithm>
#include <set>
#include <utility>

namespace dsl::cli {

namespace {

// `known` are the spellings further up.
std::string shadowed_below(const Command& command, const std::string& path,
                           std::set<std::string> known) {
  std::set<std::string> own;
  for (const Option& option : command.options) {
    for (std::string& spelling : spellings(option)) {
      if (!is_positional(option) && known.contains(spelling)) {
        return path + " " + spelling;
      }
      own.insert(std::move(spelling));
    }
  }
  known.merge(own);
  for (const Command& sub : command.commands) {
    if (std::string found = shadowed_below(sub, path + " " + sub.name, known); !found.empty()) {
      return found;
    }
  }
  return {};
}

}  // namespace

bool is_positional(const Option& option) { return !option.name.starts_with('-'); }

bool takes_value(const Option& option) { return !std::holds_alternative<bool*>(option.target); }

bool is_list(const Option& option) {
  return std::holds_alternative<std::vector<std::string>*>(option.target);
}

std::vector<std::string> spellings(const Option& option) {
  std::vector<std::string> out;
  std::string_view rest = option.name;
  for (std::size_t comma = rest.find(','); comma != std::string_view::npos;
       comma = rest.find(',')) {
    out.emplace_back(rest.substr(0, comma));
    rest.remove_prefix(comma + 1);
  }
  out.emplace_back(rest);
  return out;
}

std::string value_name(const Option& option) {
  if (!takes_value(option)) {
    return {};
  }
  if (!option.value_name.empty()) {
    return option.value_name;
  }
  if (is_positional(option)) {
    return option.name;
  }
  if (std::holds_alternative<std::int64_t*>(option.target)) {
    return "N";
  }
  if (std::holds_alternative<std::chrono::milliseconds*>(option.target)) {
    return "DURATION";
  }
  return option.complete == "file" ? "FILE" : "VALUE";
}

bool answers_to(const Option& option, std::string_view spelling) {
  const std::vector<std::string> known = spellings(option);
  return std::find(known.begin(), known.end(), spelling) != known.end();
}

const Command* find_command(const Command& parent, std::string_view name) {
  const auto found = std::find_if(parent.commands.begin(), parent.commands.end(),
                                  [&](const Command& command) { return command.name == name; });
  return found == parent.commands.end() ? nullptr : &*found;
}

const Option* find_option(const std::vector<const Command*>& path, std::string_view spelling) {
  for (auto command = path.rbegin(); command != path.rend(); ++command) {
    for (const Option& option : (*command)->options) {
      if (!is_positional(option) && answers_to(option, spelling)) {
        return &option;
      }
    }
  }
  return nullptr;
}

std::string shadowed_option(const Command& program) {
  return shadowed_below(program, program.name, {"-h", "--help"});
}

}  // namespace dsl::cli
