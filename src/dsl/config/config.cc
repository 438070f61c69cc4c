#include "dsl/config/config.h"

#include <algorithm>
#include <utility>

#include "dsl/config/key_state.h"
#include "dsl/config/loader.h"
#include "dsl/config/print.h"

namespace dsl::config {

struct Table::Impl {
  std::string service;
  States states;
  StatesByKey by_key;
  std::vector<std::function<Result<void>()>> rules;
  std::vector<Unapplied> restart_needed;

  KeyState* bind(std::string key, KeyState::Target target);
  void add_entries(Loader& loader, const KeyState& state, const TomlValue* tables);
  void check_rules(Loader& loader, const Sources& sources);
};

namespace {

Value bound(const KeyState& state, const std::string& notation) {
  Result<Value> value = value_from_text(state.kind(), notation);
  MC_ASSERT(value.has_value(), "the bounds of a range are in the key's own notation");
  return *value;
}

void assert_defaults_are_good(const States& states) {
  for (const auto& state : states) {
    MC_ASSERT(state->required || problem_with(*state, state->initial).empty(),
              "a default keeps to the range and the choices of its key");
  }
}

void set_origin(KeyState& state, Origin origin) {
  state.origin = std::move(origin);
  if (state.told_origin != nullptr) {
    *state.told_origin = state.origin;
  }
}

// The values that a reload has set, and the way back.
class Former {
 public:
  void keep(const KeyState& state) { values_.emplace_back(&state, state.current()); }
  void take_back() const {
    for (const auto& [state, value] : values_) {
      if (const auto* entries = std::get_if<Entries>(&state->target)) {
        entries->take_back();
      } else {
        state->set(value);
      }
    }
  }

 private:
  std::vector<std::pair<const KeyState*, Value>> values_;
};

Unapplied unapplied(const KeyState& state, const Loaded& loaded) {
  if (state.kind() == Kind::kTables) {
    return {state.key, text("{} in the file", state.entries), "others"};
  }
  if (state.secret) {
    return {state.key, quoted("***"), quoted("***")};
  }
  return {state.key, to_toml(state.current()), to_toml(loaded.value)};
}

}  // namespace

Key& Key::help(std::string text) {
  state_->help = std::move(text);
  return *this;
}

Key& Key::required() {
  state_->required = true;
  return *this;
}

Key& Key::secret() {
  MC_ASSERT(state_->kind() == Kind::kText, "a secret is a text");
  state_->secret = true;
  return *this;
}

Key& Key::reloadable() {
  const auto* entries = std::get_if<Entries>(&state_->target);
  MC_ASSERT(entries == nullptr || entries->take_back, "entries without a target stay");
  state_->reloadable = true;
  return *this;
}

Key& Key::range(const std::string& minimum, const std::string& maximum) {
  const Kind kind = state_->kind();
  MC_ASSERT(kind == Kind::kInteger || kind == Kind::kNumber || kind == Kind::kDuration ||
                kind == Kind::kSize,
            "a range is for numbers");
  if (!minimum.empty()) {
    state_->minimum = bound(*state_, minimum);
  }
  if (!maximum.empty()) {
    state_->maximum = bound(*state_, maximum);
  }
  return *this;
}

Key& Key::one_of(std::vector<std::string> values) {
  MC_ASSERT(state_->kind() == Kind::kText || state_->kind() == Kind::kList,
            "choices are for texts");
  state_->one_of = std::move(values);
  return *this;
}

Key& Key::each(std::function<Result<void>(const std::string&)> rule) {
  MC_ASSERT(state_->kind() == Kind::kText || state_->kind() == Kind::kList,
            "a rule for texts alone");
  state_->each = std::move(rule);
  return *this;
}

Key& Key::or_one() {
  MC_ASSERT(state_->kind() == Kind::kList, "only a list has several");
  state_->or_one = true;
  return *this;
}

Key& Key::origin(Origin* target) {
  state_->told_origin = target;
  return *this;
}

Key& Key::port_variable(const std::string& name) {
  MC_ASSERT(state_->kind() == Kind::kText || state_->kind() == Kind::kInteger,
            "a port is a number or the end of an address");
  state_->port_variable = name.empty() ? "PORT" : "PORT_" + name;
  return *this;
}

KeyState* Table::Impl::bind(std::string key, KeyState::Target target) {
  auto state = std::make_unique<KeyState>();
  state->key = std::move(key);
  state->index = states.size();
  MC_ASSERT(by_key.emplace(state->key, state.get()).second, "each key is bound once");
  state->target = std::move(target);
  state->initial = state->current();
  return states.emplace_back(std::move(state)).get();
}

void Table::Impl::add_entries(Loader& loader, const KeyState& state, const TomlValue* tables) {
  const Entries& entries = std::get<Entries>(state.target);
  if (entries.begin) {
    entries.begin();
  }
  if (tables == nullptr) {
    return;
  }
  for (const TomlValue& entry : tables->items) {
    if (const Result<void> added = entries.add(entry); !added) {
      for (const std::string& message : findings(added.error())) {
        loader.report_in_file(entry.position, dsl::text("{}: {}", state.key, message));
      }
    }
  }
}

void Table::Impl::check_rules(Loader& loader, const Sources& sources) {
  for (const std::function<Result<void>()>& rule : rules) {
    if (const Result<void> kept = rule(); !kept) {
      for (const std::string& message : findings(kept.error())) {
        loader.report(sources.file.empty() ? "configuration" : sources.file, {}, message);
      }
    }
  }
}

Table::Table(std::string service) : impl_(std::make_unique<Impl>()) {
  impl_->service = std::move(service);
}

Table::~Table() = default;

Key Table::text(std::string key, std::string* target) {
  return Key(impl_->bind(std::move(key), target));
}
Key Table::integer(std::string key, std::int64_t* target) {
  return Key(impl_->bind(std::move(key), target));
}
Key Table::number(std::string key, double* target) {
  return Key(impl_->bind(std::move(key), target));
}
Key Table::boolean(std::string key, bool* target) {
  return Key(impl_->bind(std::move(key), target));
}
Key Table::duration(std::string key, std::chrono::milliseconds* target) {
  return Key(impl_->bind(std::move(key), target));
}
Key Table::size(std::string key, std::uint64_t* target) {
  return Key(impl_->bind(std::move(key), target));
}
Key Table::list(std::string key, std::vector<std::string>* target) {
  return Key(impl_->bind(std::move(key), target));
}
Key Table::table(std::string key, std::map<std::string, std::string>* target) {
  return Key(impl_->bind(std::move(key), target));
}
Key Table::tables(std::string key, std::function<Result<void>(const TomlValue&)> add) {
  return tables(std::move(key), Entries{.begin = {}, .add = std::move(add), .take_back = {}});
}
Key Table::tables(std::string key, Entries entries) {
  return Key(impl_->bind(std::move(key), std::move(entries)));
}

void Table::check(std::function<Result<void>()> rule) { impl_->rules.push_back(std::move(rule)); }

Result<void> Table::load(env::Env& env, const Sources& sources) {
  assert_defaults_are_good(impl_->states);
  Loader loader(impl_->states, impl_->by_key, impl_->service, env, sources);
  loader.read();
  std::vector<std::pair<KeyState*, const TomlValue*>> entries;
  for (const auto& state : impl_->states) {
    Loaded loaded = loader.load_key(*state);
    state->set(std::move(loaded.value));
    set_origin(*state, std::move(loaded.origin));
    state->entries = loaded.entries();
    state->content = loaded.content();
    if (loaded.tables) {
      entries.emplace_back(state.get(), loaded.tables);
    }
  }
  for (const auto& [state, tables] : entries) {
    impl_->add_entries(loader, *state, tables);
  }
  if (loader.good()) {
    impl_->check_rules(loader, sources);
  }
  return loader.verdict();
}

Result<std::vector<std::string>> Table::reload(env::Env& env, const Sources& sources,
                                               const Apply& apply) {
  Loader loader(impl_->states, impl_->by_key, impl_->service, env, sources);
  loader.read();
  std::vector<Loaded> loaded;
  loaded.reserve(impl_->states.size());
  for (const auto& state : impl_->states) {
    loaded.push_back(loader.load_key(*state));
  }
  MC_TRY(loader.verdict());

  Former former;
  std::vector<std::string> changed;
  std::vector<Unapplied> restart_needed;
  for (std::size_t i = 0; i < loaded.size(); ++i) {
    const KeyState& state = *impl_->states[i];
    if (loaded[i].value == state.current() && loaded[i].content() == state.content) {
      continue;
    }
    if (!state.reloadable) {
      restart_needed.push_back(unapplied(state, loaded[i]));
      continue;
    }
    former.keep(state);
    changed.push_back(state.key);
    if (state.kind() == Kind::kTables) {
      impl_->add_entries(loader, state, loaded[i].tables);
    } else {
      state.set(loaded[i].value);
    }
  }

  if (loader.good()) {
    impl_->check_rules(loader, sources);
  }
  Result<void> verdict = loader.verdict();
  if (verdict && apply && !changed.empty()) {
    verdict = apply(changed);
  }
  if (!verdict) {
    former.take_back();
    return fail(std::move(verdict.error()));
  }
  for (std::size_t i = 0; i < loaded.size(); ++i) {
    if (KeyState& state = *impl_->states[i]; state.reloadable) {
      set_origin(state, loaded[i].origin);
      state.entries = loaded[i].entries();
      state.content = loaded[i].content();
    }
  }
  impl_->restart_needed = std::move(restart_needed);
  return changed;
}

const std::vector<Unapplied>& Table::restart_needed() const { return impl_->restart_needed; }

std::string Table::effective() const { return effective_text(impl_->states); }

std::string Table::reference() const { return reference_text(impl_->states, impl_->service); }

}  // namespace dsl::config
