#include "mcns/store/snapshot_files.h"

#include <algorithm>
#include <string_view>

#include "dsl/result/text.h"

namespace mcns::store {
namespace {

using dsl::Result;

bool is_snapshot(const std::string& name) {
  static constexpr std::string_view kForm = "mcns-00000000T000000Z.db";
  return name.size() == kForm.size() &&
         std::equal(name.begin(), name.end(), kForm.begin(), [](char c, char form) {
           return form == '0' ? c >= '0' && c <= '9' : c == form;
         });
}

}  // namespace

// Of 2026-04-03T08:45:00.000Z.
std::string snapshot_name(dsl::env::WallTime at) {
  std::string name = "mcns-";
  const std::string time = dsl::env::format_time(at);
  for (const char c : time.substr(0, time.find('.'))) {
    if (c != '-' && c != ':') {
      name += c;
    }
  }
  return name + "Z.db";
}

Result<std::vector<std::string>> snapshot_names(dsl::env::FileSystem& files,
                                                const std::string& folder) {
  MC_ASSIGN(std::vector<std::string> names, files.list(folder));
  std::erase_if(names, [](const std::string& name) { return !is_snapshot(name); });
  std::sort(names.begin(), names.end());
  return names;
}

std::string newest_snapshot(dsl::env::FileSystem& files, const std::string& folder) {
  const auto names = snapshot_names(files, folder);
  return !names || names->empty() ? std::string() : dsl::text("{}/{}", folder, names->back());
}

}  // namespace mcns::store
