#include "dsl/config/loader.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "dsl/config/nearest.h"
#include "dsl/config/toml_node.h"
#include "dsl/config/units.h"

namespace dsl::config {

namespace {

constexpr std::size_t kFileMax = 1u << 20;
constexpr std::size_t kSecretMax = 64u << 10;
constexpr std::string_view kCommandLine = "command line";

std::string last_part(std::string_view key) { return std::string(key.substr(key.rfind('.') + 1)); }

std::string range_text(const KeyState& state) {
  const auto shown = [](const Value& value) {
    std::string toml = to_toml(value);
    std::erase(toml, '"');
    return toml;
  };
  if (!state.maximum) {
    return "at least " + shown(*state.minimum);
  }
  if (!state.minimum) {
    return "at most " + shown(*state.maximum);
  }
  return shown(*state.minimum) + " to " + shown(*state.maximum);
}

std::string choices_text(const KeyState& state) {
  std::string out;
  for (const std::string& choice : state.one_of) {
    out += (out.empty() ? "" : ", ") + quoted(choice);
  }
  return out;
}

// Message and hint of an error on one line.
std::string one_line(const Error& error) {
  return error.hint().empty() ? error.message() : text("{} ({})", error.message(), error.hint());
}

}  // namespace

std::vector<std::string> findings(const Error& error) {
  std::vector<std::string> out;
  for (const Detail& detail : error.details()) {
    out.push_back(detail.where.empty() ? detail.message
                                       : text("{}: {}", detail.where, detail.message));
  }
  if (out.empty()) {
    out.push_back(error.message());
  }
  if (!error.hint().empty()) {
    out.back() += text(" ({})", error.hint());
  }
  return out;
}

std::string problem_with(const KeyState& state, const Value& value) {
  const bool too_small = state.minimum && value < *state.minimum;
  const bool too_large = state.maximum && *state.maximum < value;
  if (too_small || too_large) {
    return text("{} is out of range: {}", to_toml(value), range_text(state));
  }
  if (state.one_of.empty()) {
    return {};
  }
  const auto* list = std::get_if<std::vector<std::string>>(&value);
  const std::vector<std::string> items =
      list ? *list : std::vector<std::string>{std::get<std::string>(value)};
  for (const std::string& item : items) {
    if (std::find(state.one_of.begin(), state.one_of.end(), item) == state.one_of.end()) {
      const std::string near = nearest(item, state.one_of);
      return text("{} is none of {}{}", quoted(item), choices_text(state),
                  near.empty() ? "" : text("; did you mean {}?", quoted(near)));
    }
  }
  return {};
}

Loader::Loader(const States& states, const StatesByKey& by_key, std::string_view service,
               env::Env& env, const Sources& sources)
    : states_(states),
      service_(service),
      env_(env),
      sources_(sources),
      by_key_(by_key),
      file_(std::make_shared<const std::string>(sources.file)),
      next_key_(by_key.begin()),
      found_(states.size()),
      variable_(variable_name(service, "")),
      variable_stem_(variable_.size()) {
  std::string_view before;
  for (const auto& state : states) {
    std::string_view section = state->section();
    if (section == before) {
      continue;  // keys of a section are bound together
    }
    before = section;
    while (!section.empty()) {
      sections_.emplace(section);
      const std::size_t dot = section.rfind('.');
      section = dot == std::string_view::npos ? std::string_view() : section.substr(0, dot);
    }
  }
}

Loader::~Loader() = default;

void Loader::read() {
  read_file();
  match_flags();
}

void Loader::report(const std::string& source, Position position, std::string message) {
  std::string where = position.line > 0 ? at(source, position) : source;
  problems_.push_back({position, std::move(where), std::move(message)});
}

Result<void> Loader::verdict() const {
  if (good()) {
    return {};
  }
  // Those of the file first, from its top to its end; the others as they were found.
  std::vector<Problem> sorted = problems_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Problem& a, const Problem& b) {
    return std::tuple(a.position.line == 0, a.position.line, a.position.column) <
           std::tuple(b.position.line == 0, b.position.line, b.position.column);
  });
  Error error(Code::kInvalidArgument, text("the configuration of {} has {} problem{}", service_,
                                           problems_.size(), problems_.size() == 1 ? "" : "s"));
  for (Problem& problem : sorted) {
    error.add_detail(std::move(problem.where), std::move(problem.message));
  }
  error.set_hint(text("`{} config reference` shows every key", service_));
  return fail(std::move(error));
}

// --- what the file and the flags say ---

void Loader::read_file() {
  if (sources_.file.empty()) {
    return;
  }
  const Result<std::string> content = env_.files().read_file(sources_.file, kFileMax);
  if (!content) {
    if (content.error().code() != Code::kNotFound || sources_.file_required) {
      report(sources_.file, {}, "cannot be read: " + one_line(content.error()));
      file_failed_ = true;
    }
    return;
  }
  Position where;
  auto document = parse_document(*content, where);
  if (!document) {
    report(sources_.file, where, document.error().message());
    file_failed_ = true;
    return;
  }
  document_ = std::move(*document);
  match_table(*document_, "");
}

// In the order of names, as toml++ keeps them; problems are sorted by their places in the end.
void Loader::match_table(toml::table& table, const std::string& prefix) {
  std::string name = prefix.empty() ? prefix : prefix + ".";
  const std::size_t stem = name.size();
  for (auto&& [key, value] : table) {
    name.resize(stem);
    name += key.str();
    match_member(key, value, name);
  }
}

// toml++ has its keys in the order that `by_key_` has: mostly it is the next one.
const KeyState* Loader::find_key(const std::string& name) {
  if (next_key_ == by_key_.end() || next_key_->first != name) {
    next_key_ = by_key_.find(name);
  }
  return next_key_ == by_key_.end() ? nullptr : (next_key_++)->second;
}

void Loader::match_member(const toml::key& key, toml::node& value, const std::string& name) {
  // A quoted key may hold dots of its own; no key of ours does.
  const bool plain = key.str().find('.') == std::string_view::npos;
  if (const KeyState* known = plain ? find_key(name) : nullptr) {
    found_[known->index].value = &value;
    return;
  }
  if (plain && sections_.contains(name)) {
    if (toml::table* section = value.as_table()) {
      match_table(*section, name);
    } else {
      report(sources_.file, position_of(key.source()),
             text("{} is a section: write [{}]", name, name));
    }
    return;
  }
  constexpr std::string_view kFileSuffix = "_file";
  if (plain && name.ends_with(kFileSuffix)) {
    const auto secret =
        by_key_.find(std::string_view(name).substr(0, name.size() - kFileSuffix.size()));
    if (secret != by_key_.end() && secret->second->secret) {
      found_[secret->second->index].secret_file = &value;
      return;
    }
  }
  report_unknown(position_of(key.source()), value.is_table(), name);
}

// A table may be a mistyped section, or the value of a mistyped key.
void Loader::report_unknown(Position position, bool is_table, const std::string& name) {
  if (is_table) {
    const std::string near =
        nearest(name, std::vector<std::string>(sections_.begin(), sections_.end()));
    report(sources_.file, position,
           text("unknown section [{}]{}", name,
                near.empty() ? suggestion(name) : text("; did you mean [{}]?", near)));
    return;
  }
  report(sources_.file, position, text("unknown key {}{}", name, suggestion(name)));
}

// "; did you mean agent.tick?", or nothing.
std::string Loader::suggestion(const std::string& name) const {
  std::vector<std::string> known;
  std::string elsewhere;  // the right name in the wrong section
  for (const auto& state : states_) {
    known.push_back(state->key);
  }
  std::sort(known.begin(), known.end());
  for (const std::string& key : known) {
    if (elsewhere.empty() && last_part(key) == last_part(name)) {
      elsewhere = key;
    }
  }
  const std::string near = nearest(name, known);
  const std::string& meant = near.empty() ? elsewhere : near;
  return meant.empty() ? "" : text("; did you mean {}?", meant);
}

void Loader::match_flags() {
  for (const auto& [key, value] : sources_.flags) {
    if (!by_key_.contains(key)) {
      report(std::string(kCommandLine), {}, text("unknown key {}{}", key, suggestion(key)));
    }
  }
}

// --- one key ---

Loaded Loader::load_key(const KeyState& state) {
  std::optional<Setting> setting = find_setting(state);
  if (!setting) {
    // Without the file nobody can say what is missing.
    if (state.required && !file_failed_) {
      report(sources_.file.empty() ? "environment" : sources_.file, {},
             text("{} is required; set it in the file or in ${}", state.key,
                  variable_name(service_, state.key)));
    }
    return {state.initial, {}};
  }
  const std::string& source = setting->source.empty() ? sources_.file : setting->source;
  if (!setting->value) {
    report(source, setting->position, text("{}: {}", state.key, one_line(setting->value.error())));
    return {state.initial, setting->origin};
  }
  const std::string problem = problem_with(state, *setting->value);
  if (!problem.empty()) {
    report(source, setting->position,
           text("{}: {}", state.key, state.secret ? "the value is not allowed" : problem));
  }
  if (problem.empty() && state.each) {
    check_each(state, *setting, source);
  }
  const bool is_tables = state.kind() == Kind::kTables;
  return {std::move(*setting->value), std::move(setting->origin),
          is_tables ? &tables_.back() : nullptr};
}

void Loader::check_each(const KeyState& state, const Setting& setting, const std::string& source) {
  const auto* list = std::get_if<std::vector<std::string>>(&*setting.value);
  const std::vector<std::string> items =
      list ? *list : std::vector<std::string>{std::get<std::string>(*setting.value)};
  for (const std::string& item : items) {
    if (const Result<void> kept = state.each(item); !kept) {
      for (const std::string& message : findings(kept.error())) {
        report(source, setting.position, text("{}: {}", state.key, message));
      }
    }
  }
}

// command flag > $PORT > variable > file
std::optional<Loader::Setting> Loader::find_setting(const KeyState& state) {
  if (std::optional<Setting> setting = setting_from_flags(state)) {
    return setting;
  }
  std::optional<Setting> setting = setting_from_variables(state);
  if (!setting) {
    setting = setting_from_file(state);
  }
  apply_port(state, setting);
  return setting;
}

std::optional<Loader::Setting> Loader::setting_from_flags(const KeyState& state) {
  const auto flag = sources_.flags.find(state.key);
  if (flag == sources_.flags.end()) {
    return std::nullopt;
  }
  const std::string origin(kCommandLine);
  return Setting{{origin}, {}, origin, value_from_text(state.kind(), flag->second)};
}

// Asked for each key, set for few: no memory is asked for.
const std::string& Loader::variable_of(const KeyState& state) {
  variable_.resize(variable_stem_);
  append_variable_name(state.key, variable_);
  return variable_;
}

std::optional<Loader::Setting> Loader::setting_from_variables(const KeyState& state) {
  const std::string& name = variable_of(state);
  const std::optional<std::string> value = env_.variable(name);
  if (value && !value->empty()) {
    const std::string origin = "$" + name;
    return Setting{{origin}, {}, origin, value_from_text(state.kind(), *value)};
  }
  if (!state.secret) {
    return std::nullopt;
  }
  const std::optional<std::string> path = env_.variable(name + "_FILE");
  if (!path || path->empty()) {
    return std::nullopt;
  }
  return Setting{
      {text("${}_FILE = {}", name, *path)}, {}, text("${}_FILE", name), read_secret(*path)};
}

std::optional<Loader::Setting> Loader::setting_from_file(const KeyState& state) {
  const Found& found = found_[state.index];
  if (!found.value && !found.secret_file) {
    return std::nullopt;
  }
  Position position;
  if (!found.secret_file) {
    TomlValue toml = convert(*found.value);
    const bool is_one = state.or_one && toml.kind == TomlValue::Kind::kString;
    Result<Value> value = value_from_toml(is_one ? Kind::kText : state.kind(), toml, position);
    if (is_one) {
      value = Value(std::vector<std::string>{std::get<std::string>(*value)});
    }
    if (state.kind() == Kind::kTables) {
      tables_.push_back(std::move(toml));
    }
    return Setting{in_file(position), position, {}, std::move(value)};
  }

  TomlValue toml = convert(*found.secret_file);
  Result<Value> path = value_from_toml(Kind::kText, toml, position);
  if (found.value) {
    path = fail(Code::kInvalidArgument, "both {} and {}_file are set; keep one", state.name(),
                state.name());
  }
  if (!path) {
    return Setting{in_file(position), position, {}, std::move(path)};
  }
  const std::string& name = std::get<std::string>(*path);
  return Setting{in_file(position, " = " + name), position, {}, read_secret(name)};
}

// Lets $PORT stand for the value, or for the port of a "host:port".
void Loader::apply_port(const KeyState& state, std::optional<Setting>& setting) {
  if (!state.port_variable) {
    return;
  }
  const std::optional<std::string> port = env_.variable(*state.port_variable);
  if (!port || port->empty()) {
    return;
  }
  const std::string origin = "$" + *state.port_variable;
  if (state.kind() == Kind::kInteger) {
    setting = Setting{{origin}, {}, origin, value_from_text(state.kind(), *port)};
    return;
  }
  if (const auto parsed = parse_host_port(":" + *port); !parsed) {
    setting = Setting{
        {origin}, {}, origin, fail(Code::kInvalidArgument, "\"{}\" is not a port number", *port)};
    return;
  }
  const Value base = setting && setting->value ? *setting->value : state.initial;
  const std::string& listen = std::get<std::string>(base);
  const std::size_t colon = listen.rfind(':');
  setting = Setting{
      {origin}, {}, origin, Value(listen.substr(0, std::min(colon, listen.size())) + ":" + *port)};
}

Result<Value> Loader::read_secret(const std::string& path) {
  MC_ASSIGN(std::string content, env_.files().read_file(path, kSecretMax));
  // Editors and `echo` end a file with a line feed; no secret does.
  while (content.ends_with('\n') || content.ends_with('\r')) {
    content.pop_back();
  }
  if (content.empty()) {
    return fail(Code::kInvalidArgument, "{} is empty", path);
  }
  return content;
}

}  // namespace dsl::config
