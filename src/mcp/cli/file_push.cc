#include "mcp/cli/file_push.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "dsl/env/path.h"
#include "dsl/hash/sha256.h"
#include "dsl/thread/worker_pool.h"
#include "mcp/cli/interrupts.h"

namespace mcp::cli {

using dsl::Code;
using dsl::Error;
using dsl::fail;
using dsl::text;
using dsl::env::FileInfo;
using dsl::env::FileKind;
using std::chrono::milliseconds;

namespace {

constexpr std::int64_t kPieceBytes = 1 << 20;
// On their way at once: while one is written another is encrypted and a third is read.
constexpr std::size_t kSenders = 3;
constexpr milliseconds kTick{200};
constexpr milliseconds kDiskTime{600'000};  // for the agent to sync, or to read what it has
constexpr int kTries = 2;                   // the second from the beginning

Error changed(const std::string& path) {
  return fail(Code::kConflict, "{} changed while it was read", path)
      .id("MCP-0225")
      .hint("run it again, when nobody writes to the file; nothing was replaced");
}

Result<FileInfo> look_at(Context& context, const std::string& path) {
  MC_ASSIGN(const FileInfo info, context.env.files().stat(path));
  if (info.kind == FileKind::kDirectory) {
    return fail(Code::kInvalidArgument, "{} is a directory, and files are pushed one by one", path)
        .hint(text("name its files: mcp push SERVICE {}/* DIR/", path));
  }
  if (info.kind != FileKind::kRegular) {
    return fail(Code::kInvalidArgument, "{} is not a regular file", path)
        .hint("write what it says into a file, and push that");
  }
  return info;
}

bool same(const FileInfo& a, const FileInfo& b) {
  return a.inode == b.inode && a.size_bytes == b.size_bytes && a.changed_ns == b.changed_ns;
}

// Up to `out.size()` bytes; fewer than there should be are an error.
Result<void> read_piece(dsl::env::File& file, std::int64_t offset, std::string& out,
                        const std::string& path) {
  std::size_t have = 0;
  while (have < out.size()) {
    MC_ASSIGN(const std::size_t count,
              file.read_at(static_cast<std::uint64_t>(offset) + have,
                           std::as_writable_bytes(std::span(out).subspan(have))));
    if (count == 0) {
      return tl::unexpected(changed(path));
    }
    have += count;
  }
  return {};
}

std::size_t piece_size(std::int64_t offset, std::int64_t size) {
  return static_cast<std::size_t>(std::min(kPieceBytes, size - offset));
}

Result<std::string> hash_of(Context& context, const std::string& path, std::int64_t size,
                            const Interrupts& interrupts) {
  MC_ASSIGN(const auto file, context.env.files().open(path, dsl::env::OpenMode::kRead));
  dsl::Sha256 hash;
  std::string piece;
  for (std::int64_t at = 0; at < size; at += static_cast<std::int64_t>(piece.size())) {
    if (interrupts.count() > 0) {
      return fail(Code::kCancelled, "interrupted; nothing was sent");
    }
    piece.resize(piece_size(at, size));
    MC_TRY(read_piece(*file, at, piece, path));
    hash.add(std::as_bytes(std::span(piece)));
  }
  return hash.finish();
}

// Sends what is left of a file, a few pieces at once.
class Sender {
 public:
  Sender(Context& context, Client& client, const Push& push, const pb::PutFileState& begun,
         std::int64_t size)
      : context_(context),
        client_(client),
        push_(push),
        upload_(begun.upload()),
        size_(size),
        next_(begun.offset()),
        sent_(begun.offset()) {}

  Result<void> run(const Interrupts& interrupts) {
    dsl::WorkerPool pool("push", {.threads_max = kSenders});
    {
      std::unique_lock lock(mutex_);
      for (std::size_t i = 0; i < kSenders; ++i) {
        working_ += pool.submit([this] { work(); }) ? 1U : 0U;
      }
      if (working_ == 0) {
        return fail(Code::kUnavailable, "this machine gives no thread to send with");
      }
      while (working_ > 0) {
        (void)context_.env.clock().wait_until(ended_, lock,
                                              context_.env.clock().mono_now() + kTick);
        stopping_ = stopping_ || interrupts.count() > 0;
        if (push_.progress) {
          push_.progress(sent_, size_);
        }
      }
    }
    pool.stop();
    if (error_) {
      return tl::unexpected(*error_);
    }
    if (interrupts.count() > 0) {
      return fail(Code::kCancelled, "interrupted with {} of {} MiB sent", sent_ >> 20, size_ >> 20)
          .hint("the same command goes on from there");
    }
    return {};
  }

 private:
  void work() {
    Result<void> done = send_pieces();
    const std::lock_guard lock(mutex_);
    if (!done && !error_) {
      error_ = std::move(done).error();
      stopping_ = true;
    }
    --working_;
    ended_.notify_one();
  }

  Result<void> send_pieces() {
    MC_ASSIGN(const auto file, context_.env.files().open(push_.source, dsl::env::OpenMode::kRead));
    pb::PutFileChunkRequest request;
    request.set_upload(upload_);
    while (!stopping_) {
      const std::int64_t offset = next_.fetch_add(kPieceBytes);
      if (offset >= size_) {
        break;
      }
      request.set_offset(offset);
      request.mutable_data()->resize(piece_size(offset, size_));
      MC_TRY(read_piece(*file, offset, *request.mutable_data(), push_.source));
      MC_TRY(client_.call<pb::PutFileState>("PutFileChunk", request, kDiskTime));
      sent_ += static_cast<std::int64_t>(request.data().size());
    }
    return {};
  }

  Context& context_;
  Client& client_;
  const Push& push_;
  const std::string upload_;
  const std::int64_t size_;
  std::atomic<std::int64_t> next_;
  std::atomic<std::int64_t> sent_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t working_ = 0;     // guarded by mutex_
  std::optional<Error> error_;  // likewise
};

pb::BeginPutFileRequest request_of(Context& context, const Push& push, const FileInfo& info,
                                   const std::string& sha256) {
  pb::BeginPutFileRequest request;
  request.set_service(push.service);
  request.set_path(push.path);
  request.set_name(dsl::env::name_of(push.source));
  request.set_size_bytes(static_cast<std::int64_t>(info.size_bytes));
  request.set_sha256(sha256);
  request.set_mode(info.mode);
  request.mutable_change()->set_source("cli");
  request.mutable_change()->set_request_id(context.request_id());
  request.mutable_change()->set_dry_run(context.globals.dry_run);
  return request;
}

}  // namespace

Result<pb::FileState> push_file(Context& context, const Push& push) {
  const Interrupts interrupts;
  MC_ASSIGN(const FileInfo info, look_at(context, push.source));
  const auto size = static_cast<std::int64_t>(info.size_bytes);
  MC_ASSIGN(Client * client, context.client());
  MC_ASSIGN(const std::string sha256, hash_of(context, push.source, size, interrupts));
  for (int tries = 1;; ++tries) {
    MC_ASSIGN(const pb::PutFileState begun,
              client->call<pb::PutFileState>("BeginPutFile",
                                             request_of(context, push, info, sha256), kDiskTime));
    if (context.globals.dry_run) {
      pb::FileState would;
      would.set_path(begun.path());
      would.set_kind("file");
      would.set_mode(info.mode);
      would.set_size_bytes(size);
      would.set_sha256(sha256);
      return would;
    }
    Sender sender(context, *client, push, begun, size);
    MC_TRY(sender.run(interrupts));
    MC_ASSIGN(const FileInfo after, context.env.files().stat(push.source));
    if (!same(info, after)) {
      return tl::unexpected(changed(push.source));
    }
    pb::FinishPutFileRequest finish;
    finish.set_upload(begun.upload());
    Result<pb::FileState> put = client->call<pb::FileState>("FinishPutFile", finish, kDiskTime);
    // What a crash has left of an earlier attempt may be damaged; it is gone by now.
    const bool damaged = !put && put.error().code() == Code::kConflict && begun.offset() > 0;
    if (!damaged || tries == kTries) {
      return put;
    }
  }
}

}  // namespace mcp::cli
