// Reads the text fixtures of this folder.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "mcp/model/codes.h"
#include "mcp/model/model.h"

namespace mcp::model::test {

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// What `path` should hold. With $MC_WRITE_EXPECTED set, `actual` is written there first: review
// the difference before committing it.
inline std::string expected_file(const std::filesystem::path& path, const std::string& actual) {
  if (std::getenv("MC_WRITE_EXPECTED") != nullptr) {
    std::ofstream(path, std::ios::binary) << actual;
  }
  return read_file(path);
}

// The *.toml files of a folder below this one, sorted.
inline std::vector<std::filesystem::path> fixtures(const std::string& folder) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(MC_TEST_DATA) + "/" + folder)) {
    if (entry.path().extension() == ".toml") {
      found.push_back(entry.path());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

// The reference platform's node, with loopback addresses in place of its own.
inline Node rift() {
  return {"rift", {{"loopback", "127.0.0.1"}, {"lan", "127.0.1.1"}, {"overlay", "127.0.2.1"}}};
}

inline Result<Service> parse_and_resolve(std::string_view toml, const std::string& file,
                                         const Platform& platform = {}, const Node& node = rift()) {
  MC_ASSIGN(const Definition definition, parse_definition(toml, file));
  return resolve(definition, platform, node);
}

}  // namespace mcp::model::test
