#include "mcns/seed/files.h"

#include "dsl/env/path.h"

namespace mcns::seed {
namespace {

using dsl::Code;
using dsl::Result;

// `*` is any number of characters, `?` one.
bool matches(std::string_view name, std::string_view pattern) {
  std::size_t at = 0;
  std::size_t in_pattern = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_at = 0;
  while (at < name.size()) {
    if (in_pattern < pattern.size() &&
        (pattern[in_pattern] == '?' || pattern[in_pattern] == name[at]) &&
        pattern[in_pattern] != '*') {
      ++at;
      ++in_pattern;
    } else if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
      star = in_pattern++;
      star_at = at;
    } else if (star != std::string_view::npos) {
      // The last star takes one more.
      in_pattern = star + 1;
      at = ++star_at;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', in_pattern) == std::string_view::npos;
}

}  // namespace

Result<std::vector<std::string>> matching_files(dsl::env::Env& env, const std::string& path) {
  const std::string pattern = dsl::env::name_of(path);
  std::vector<std::string> files;
  if (pattern.find_first_of("*?") == std::string::npos) {
    MC_ASSIGN(const bool is_there, env.files().exists(path));
    if (is_there) {
      files.push_back(path);
    }
    return files;
  }
  const std::string folder = dsl::env::folder_of(path);
  const auto names = env.files().list(folder);
  if (!names) {
    return names.error().code() == Code::kNotFound ? Result<std::vector<std::string>>(files)
                                                   : tl::unexpected(names.error());
  }
  for (const std::string& name : *names) {
    // A star does not mean hidden files, as everywhere.
    if (!name.starts_with('.') && matches(name, pattern)) {
      files.push_back(folder == "/" ? folder + name : folder + "/" + name);
    }
  }
  return files;
}

Result<std::vector<ZoneEntry>> read_entries(dsl::env::Env& env, const std::string& path,
                                            std::string_view content) {
  return path.ends_with(".toml") ? read_toml(path, content) : read_zone(env, path, content);
}

}  // namespace mcns::seed
