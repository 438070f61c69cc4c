#include "mcns/api/uploads.h"

#include <algorithm>

namespace mcns::api {

using dsl::Code;
using dsl::fail;

namespace {

std::string key_of(const std::string& account, const std::string& id) {
  return account + "\n" + id;
}

}  // namespace

Result<Uploads::State> Uploads::add(const std::string& account, const std::string& given,
                                    std::uint64_t offset, std::string_view piece) {
  const std::lock_guard lock(mutex_);
  forget_idle();
  std::string id = given;
  if (id.empty()) {
    if (uploads_.size() >= limits_.uploads_max) {
      return fail(Code::kRateLimited, "{} zone files are on their way already", uploads_.size())
          .hint("one that is given up is forgotten after some minutes");
    }
    id = env_.random().hex(16);
    uploads_[key_of(account, id)];
  }
  MC_ASSIGN(Upload * upload, find(account, id));
  upload->used = env_.clock().mono_now();
  std::string& text = upload->text;
  if (offset > text.size()) {
    return fail(Code::kConflict, "{} bytes of upload {} are here, and the piece begins at {}",
                text.size(), id, offset)
        .hint("go on where the answer to the last piece says");
  }
  if (piece.size() > limits_.bytes_max - std::min<std::uint64_t>(offset, limits_.bytes_max)) {
    return fail(Code::kTooLarge, "a zone file may have {} MiB", limits_.bytes_max >> 20U);
  }
  text.resize(static_cast<std::size_t>(offset));
  text += piece;
  return State{id, text.size()};
}

Result<std::string> Uploads::read(const std::string& account, const std::string& id) {
  const std::lock_guard lock(mutex_);
  MC_ASSIGN(Upload * upload, find(account, id));
  upload->used = env_.clock().mono_now();
  return upload->text;
}

void Uploads::forget(const std::string& account, const std::string& id) {
  const std::lock_guard lock(mutex_);
  uploads_.erase(key_of(account, id));
}

Result<Uploads::Upload*> Uploads::find(const std::string& account, const std::string& id) {
  const auto found = uploads_.find(key_of(account, id));
  if (found == uploads_.end()) {
    return fail(Code::kNotFound, "there is no upload {}", id)
        .hint("it was used, given up, or left alone for too long: send the file again");
  }
  return &found->second;
}

void Uploads::forget_idle() {
  const dsl::env::MonoTime now = env_.clock().mono_now();
  std::erase_if(uploads_,
                [&](const auto& entry) { return entry.second.used + limits_.idle <= now; });
}

}  // namespace mcns::api
