#include "mcns/querylog/log_file.h"

#include <span>

namespace mcns::querylog {

using dsl::Result;

Result<void> LogFile::write(std::string_view lines) {
  MC_TRY(open());
  const std::string whole = is_torn_ ? "\n" + std::string(lines) : std::string();
  const std::string_view octets = is_torn_ ? std::string_view(whole) : lines;
  Result<void> written = file_->write_at(0, std::as_bytes(std::span(octets)));
  is_torn_ = !written;
  return written;
}

Result<void> LogFile::open() {
  if (file_) {
    MC_ASSIGN(const dsl::env::FileInfo ours, file_->info());
    const auto there = env_.files().stat(path_);
    if (there && there->inode == ours.inode) {
      return {};
    }
    file_.reset();
    is_torn_ = false;
  }
  MC_ASSIGN(file_, env_.files().open(path_, dsl::env::OpenMode::kAppend, kMode));
  return {};
}

}  // namespace mcns::querylog
