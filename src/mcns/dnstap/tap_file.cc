#include "mcns/dnstap/tap_file.h"

#include <span>

#include "dsl/log/log.h"
#include "mcns/dnstap/frames.h"

namespace mcns::dnstap {
namespace {

using dsl::Code;
using dsl::Result;
using dsl::env::OpenMode;

const dsl::log::Logger kLogger("dnstap");

}  // namespace

bool TapFile::ready() {
  const dsl::env::MonoTime now = env_.clock().mono_now();
  if (now >= look_at_) {
    look_at_ = now + kLook;
    if (file_ && was_moved().value_or(false)) {
      finish();
    }
    if (!file_) {
      note(begin());
    }
  }
  return file_ != nullptr;
}

Result<void> TapFile::begin() {
  const auto there = env_.files().stat(path_);
  const bool is_empty = there && there->size_bytes == 0;
  if (there && !is_empty) {
    const std::string aside = path_ + "." + dsl::env::format_time(env_.clock().now());
    MC_TRY(env_.files().rename(path_, aside));
    kLogger.info("what was there was moved aside", {{"path", aside}});
  }
  MC_ASSIGN(file_, env_.files().open(path_, is_empty ? OpenMode::kReadWrite : OpenMode::kCreateNew,
                                     kMode));
  size_ = 0;
  Result<void> begun = append(control_frame(ControlType::kStart));
  if (!begun) {
    file_.reset();
  }
  return begun;
}

// Its name leads nowhere, or to a file that nobody has begun yet.
Result<bool> TapFile::was_moved() {
  MC_ASSIGN(const dsl::env::FileInfo ours, file_->info());
  const auto there = env_.files().stat(path_);
  if (!there) {
    return there.error().code() == Code::kNotFound;
  }
  return there->inode != ours.inode && there->size_bytes == 0;
}

Result<void> TapFile::append(std::string_view octets) {
  // What a full disk took of it lies beyond `size_`, where the next try writes.
  MC_TRY(file_->write_at(size_, std::as_bytes(std::span(octets))));
  size_ += octets.size();
  return {};
}

Result<std::size_t> TapFile::write(std::string_view frames) {
  Result<void> written = append(frames);
  note(written);
  if (!written) {
    return tl::unexpected(std::move(written).error());
  }
  return frames.size();
}

void TapFile::finish() {
  if (file_) {
    note(append(control_frame(ControlType::kStop)));
    (void)file_->truncate(size_);  // readers end at the STOP; without it there is one octet more
    file_.reset();
  }
}

void TapFile::note(const Result<void>& done) {
  if (!done && !has_failed_) {
    kLogger.failure(dsl::log::Level::kWarn, "dnstap messages cannot be written", done.error());
  } else if (done && has_failed_) {
    kLogger.info("dnstap messages are written again", {{"path", path_}});
  }
  has_failed_ = !done;
}

}  // namespace mcns::dnstap
