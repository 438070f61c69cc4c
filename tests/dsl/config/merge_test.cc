// Properties of the merge of all sources.
#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "dsl/config/config.h"
#include "support/test_env.h"

namespace dsl::config {
namespace {

constexpr std::size_t kKeys = 6;

// A program with six integers, "a.k0" to "b.k5"; each defaults to its number.
struct Program {
  Program() {
    for (std::size_t i = 0; i < kKeys; ++i) {
      values.at(i) = static_cast<std::int64_t>(i);
      names.at(i) = (i < 3 ? "a.k" : "b.k") + std::to_string(i);
      table.integer(names.at(i), &values.at(i));
    }
  }

  std::array<std::int64_t, kKeys> values{};
  std::array<std::string, kKeys> names;
  Table table{"svc"};
};

// What one source says about each key.
using Layer = std::array<std::optional<std::int64_t>, kKeys>;

Layer any_layer() {
  Layer layer;
  for (auto& value : layer) {
    if (*rc::gen::arbitrary<bool>()) {
      value = *rc::gen::arbitrary<std::int64_t>();
    }
  }
  return layer;
}

std::string variable_of(std::string key) {
  std::replace(key.begin(), key.end(), '.', '_');
  std::transform(key.begin(), key.end(), key.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return "SVC_" + key;
}

RC_GTEST_PROP(Merge, TheFirstSourceThatKnowsAKeyDecidesIt, ()) {
  const Layer flags = any_layer();
  const Layer variables = any_layer();
  const Layer file = any_layer();
  Program program;
  test::TestEnv env(1);
  Sources sources{"/svc.toml", true, {}};
  std::string toml;
  for (std::size_t i = 0; i < kKeys; ++i) {
    const std::string& name = program.names.at(i);
    if (flags.at(i)) {
      sources.flags[name] = std::to_string(*flags.at(i));
    }
    if (variables.at(i)) {
      env.variables[variable_of(name)] = std::to_string(*variables.at(i));
    }
    if (file.at(i)) {
      toml += name + " = " + std::to_string(*file.at(i)) + "\n";
    }
  }
  RC_ASSERT(env.files().write_file("/svc.toml", toml).has_value());

  const auto loaded = program.table.load(env, sources);

  RC_ASSERT(loaded.has_value());
  for (std::size_t i = 0; i < kKeys; ++i) {
    const auto expected = flags.at(i).value_or(
        variables.at(i).value_or(file.at(i).value_or(static_cast<std::int64_t>(i))));
    RC_ASSERT(program.values.at(i) == expected);
  }
}

RC_GTEST_PROP(Merge, EffectiveReadsBackToTheSameValues, ()) {
  struct Values {
    std::string text;
    std::int64_t integer = 0;
    bool boolean = false;
    std::chrono::milliseconds duration{0};
    std::uint64_t size = 0;
    std::vector<std::string> list;
    std::map<std::string, std::string> table;
    bool operator==(const Values&) const = default;
  };
  const auto bind = [](Table& table, Values& values) {
    table.text("x.text", &values.text);
    table.integer("x.integer", &values.integer);
    table.boolean("y.boolean", &values.boolean);
    table.duration("y.duration", &values.duration);
    table.size("y.z.size", &values.size);
    table.list("list", &values.list);
    table.table("labels", &values.table);
  };
  // TOML is UTF-8; any ASCII, control characters among it.
  const auto any_text = rc::gen::container<std::string>(rc::gen::inRange<char>(0, 127));
  Values before;
  before.text = *any_text;
  before.integer = *rc::gen::arbitrary<std::int64_t>();
  before.boolean = *rc::gen::arbitrary<bool>();
  before.duration = std::chrono::milliseconds{*rc::gen::inRange<std::int64_t>(0, 1ll << 50)};
  before.size = *rc::gen::arbitrary<std::uint64_t>();
  before.list = *rc::gen::container<std::vector<std::string>>(any_text);
  before.table = *rc::gen::container<std::map<std::string, std::string>>(any_text, any_text);
  Table writer("svc");
  bind(writer, before);
  test::TestEnv env(1);
  RC_ASSERT(env.files().write_file("/svc.toml", writer.effective()).has_value());

  Values after;
  Table reader("svc");
  bind(reader, after);
  const auto loaded = reader.load(env, {"/svc.toml", true, {}});

  RC_LOG() << writer.effective();
  RC_ASSERT(loaded.has_value());
  RC_ASSERT(after == before);
}

}  // namespace
}  // namespace dsl::config
