#include "dsl/config/print.h"

#include <algorithm>

namespace dsl::config {

namespace {

std::string effective_line(const KeyState& state) {
  if (state.kind() == Kind::kTables) {
    return text("# [[{}]]: {} in the file  # {}\n", state.key, state.entries, state.origin.shown());
  }
  const Value value = state.current();
  std::string shown = to_toml(value);
  if (state.secret && !std::get<std::string>(value).empty()) {
    shown = quoted("***");
  }
  return text("{} = {}  # {}\n", state.key, shown, state.origin.shown());
}

std::string bound_text(const std::optional<Value>& value) {
  return value ? to_toml(*value) : std::string("any");
}

std::string as_comment(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    out += dsl::text("# {}\n", line);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return out;
}

// "a duration such as "30s", "1s" to "1h"; required; taken over by a reload; $MCQ_AGENT_TICK"
std::string traits(const KeyState& state, std::string_view service) {
  std::string out(description(state.kind()));
  if (state.minimum || state.maximum) {
    out += text(", {} to {}", bound_text(state.minimum), bound_text(state.maximum));
  }
  for (std::size_t i = 0; i < state.one_of.size(); ++i) {
    out += (i == 0 ? ": " : ", ") + quoted(state.one_of[i]);
  }
  out += state.required ? "; required" : "";
  out += state.secret ? text("; secret: {}_file = path is accepted, too", state.name()) : "";
  out += state.reloadable ? "; reloadable" : "";
  if (state.kind() != Kind::kTables) {
    out += text("; ${}", variable_name(service, state.key));
  }
  out += state.port_variable ? text("; ${}", *state.port_variable) : "";
  return out;
}

// Words for people begin with "# ", keys that stand for their default with "#" alone.
std::string reference_entry(const KeyState& state, std::string_view service) {
  std::string out = "\n" + as_comment(state.help) + as_comment(traits(state, service));
  if (state.kind() == Kind::kTables) {
    return out + text("#[[{}]]\n", state.key);
  }
  const std::string value = state.secret ? quoted("") : to_toml(state.initial);
  return out + text("{}{} = {}\n", state.required ? "" : "#", state.name(), value);
}

// Sections in the order in which they first appear, keys without one before them.
std::vector<std::string> sections_of(const States& states) {
  std::vector<std::string> out{""};
  for (const auto& state : states) {
    const std::string section(state->kind() == Kind::kTables ? std::string_view()
                                                             : state->section());
    if (std::find(out.begin(), out.end(), section) == out.end()) {
      out.push_back(section);
    }
  }
  return out;
}

}  // namespace

std::string effective_text(const States& states) {
  std::string out;
  for (const auto& state : states) {
    out += effective_line(*state);
  }
  return out;
}

std::string reference_text(const States& states, std::string_view service) {
  std::string out = text(
      "# Every key of {}. A key behind \"#\" shows its default.\n"
      "# What is given later here counts more: default, this file, variable, command line.\n",
      service);
  for (const std::string& section : sections_of(states)) {
    out += section.empty() ? "" : text("\n[{}]\n", section);
    for (const auto& state : states) {
      if (state->kind() != Kind::kTables && state->section() == section) {
        out += reference_entry(*state, service);
      }
    }
  }
  // Last: [[...]] would swallow the keys that follow it.
  for (const auto& state : states) {
    if (state->kind() == Kind::kTables) {
      out += reference_entry(*state, service);
    }
  }
  return out;
}

}  // namespace dsl::config
