// config_bench ours|toml++ TIMES FILE: reads a file of a thousand keys that many times and prints
// the milliseconds of one time. `config_bench write - FILE` makes the file.
//
// Both read the file and put every value where the program wants it; ours also finds unknown keys,
// asks the environment for each key and remembers where each value came from.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <malloc.h>
#include <toml++/toml.h>

#include "dsl/config/config.h"

namespace {

constexpr std::size_t kSections = 50;
constexpr std::size_t kKeysOfAKind = 5;  // texts, integers, booleans and lists in each section

struct Section {
  std::string name;
  std::vector<std::string> texts = std::vector<std::string>(kKeysOfAKind);
  std::vector<std::int64_t> integers = std::vector<std::int64_t>(kKeysOfAKind);
  bool booleans[kKeysOfAKind] = {};
  std::vector<std::vector<std::string>> lists = std::vector<std::vector<std::string>>(kKeysOfAKind);
};

std::string key(const char* kind, std::size_t i) { return std::string(kind) + std::to_string(i); }

std::vector<Section> sections() {
  std::vector<Section> out(kSections);
  for (std::size_t i = 0; i < kSections; ++i) {
    out[i].name = "section" + std::to_string(i);
  }
  return out;
}

bool write_file(const std::string& path) {
  std::string text;
  for (const Section& section : sections()) {
    text += "[" + section.name + "]\n";
    for (std::size_t i = 0; i < kKeysOfAKind; ++i) {
      text += key("text", i) + " = \"a value of some length\"\n";
      text += key("integer", i) + " = " + std::to_string(i * 1000) + "\n";
      text += key("boolean", i) + " = true\n";
      text += key("list", i) + " = [\"192.0.2.1:53\", \"198.51.100.1:53\"]\n";
    }
  }
  return dsl::env::system_env().files().write_file(path, text).has_value();
}

// The declaration of the keys is not counted: it is made once, whatever is read how often.
void declare(dsl::config::Table& table, std::vector<Section>& out) {
  for (Section& section : out) {
    for (std::size_t i = 0; i < kKeysOfAKind; ++i) {
      table.text(section.name + "." + key("text", i), &section.texts[i]);
      table.integer(section.name + "." + key("integer", i), &section.integers[i]);
      table.boolean(section.name + "." + key("boolean", i), &section.booleans[i]);
      table.list(section.name + "." + key("list", i), &section.lists[i]);
    }
  }
}

bool read_with_ours(const std::string& path, dsl::config::Table& table, std::vector<Section>& out) {
  return table.load(dsl::env::system_env(), {.file = path}).has_value() &&
         out.back().lists.back().size() == 2;
}

bool read_with_tomlplusplus(const std::string& path, std::vector<Section>& out) {
  const toml::table document = toml::parse_file(path);
  for (Section& section : out) {
    const toml::table& table = *document[section.name].as_table();
    for (std::size_t i = 0; i < kKeysOfAKind; ++i) {
      section.texts[i] = table[key("text", i)].value_or(std::string());
      section.integers[i] = table[key("integer", i)].value_or(std::int64_t{0});
      section.booleans[i] = table[key("boolean", i)].value_or(false);
      section.lists[i].clear();
      for (const toml::node& item : *table[key("list", i)].as_array()) {
        section.lists[i].push_back(item.value_or(std::string()));
      }
    }
  }
  return out.back().lists.back().size() == 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: config_bench ours|toml++|write TIMES FILE\n", stderr);
    return 2;
  }
  const std::string_view who = argv[1];
  if (who == "write") {
    return write_file(argv[3]) ? 0 : 1;
  }
  // Memory that one reading gave back is there for the next, as the pages of the file are. Else who
  // pays the kernel for them anew, each time, is decided by which block happens to lie on top.
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  const int times = std::atoi(argv[2]);
  std::vector<Section> out = sections();
  dsl::config::Table table("bench");
  declare(table, out);
  const auto begun = std::chrono::steady_clock::now();
  bool good = true;
  for (int i = 0; i < times; ++i) {
    good = good && (who == "ours" ? read_with_ours(argv[3], table, out)
                                  : read_with_tomlplusplus(argv[3], out));
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::printf("%.6f\n", took.count() * 1000 / times);
  return good ? 0 : 1;
}
