#include "mcp/cli/file_text.h"

#include <array>
#include <cstdio>

#include "mcp/cli/format.h"

namespace mcp::cli {

using dsl::text;
using dsl::cli::Paint;
using dsl::cli::Table;

namespace {

std::string id_text(std::int64_t id) { return id < 0 ? "?" : std::to_string(id); }

std::string name_text(const dsl::cli::Globals& globals, const pb::FileState& file) {
  if (file.kind() == "directory") {
    return paint(globals, Paint::kBold, file.path() + "/");
  }
  return file.kind() == "symlink" ? text("{} -> {}", file.path(), file.link()) : file.path();
}

std::string size_cell(const pb::FileState& file) {
  return file.kind() == "file" ? dsl::cli::size_text(static_cast<std::uint64_t>(file.size_bytes()))
                               : "-";
}

std::string octal(std::uint32_t mode) {
  std::array<char, 16> out{};
  (void)std::snprintf(out.data(), out.size(), "%04o", mode);
  return out.data();
}

}  // namespace

std::string mode_text(const pb::FileState& file) {
  constexpr std::string_view kBits = "rwxrwxrwx";
  std::string out = file.kind() == "directory" ? "d"
                    : file.kind() == "symlink" ? "l"
                    : file.kind() == "file"    ? "-"
                                               : "?";
  for (std::size_t bit = 0; bit < kBits.size(); ++bit) {
    out += (file.mode() >> (kBits.size() - 1 - bit) & 1u) != 0 ? kBits[bit] : '-';
  }
  return out;
}

std::string files_table(const dsl::cli::Globals& globals, const pb::ListFilesReply& reply) {
  Table table({{"MODE"}, {"OWNER"}, {.title = "SIZE", .right = true}, {"MODIFIED"}, {"NAME"}});
  for (const pb::FileState& file : reply.files()) {
    table.add({mode_text(file), id_text(file.uid()) + ":" + id_text(file.gid()), size_cell(file),
               time_text(file.modified_ms()), name_text(globals, file)});
  }
  return table.render(globals);
}

std::string file_facts(const pb::FileState& file) {
  return text("{}, mode {}", dsl::cli::size_text(static_cast<std::uint64_t>(file.size_bytes())),
              octal(file.mode()));
}

}  // namespace mcp::cli
