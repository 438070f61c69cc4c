#include "mcp/cli/file_pull.h"

#include <cstdio>

#include "dsl/env/path.h"
#include "dsl/hash/sha256.h"
#include "mcp/cli/interrupts.h"

namespace mcp::cli {

using dsl::Code;
using dsl::fail;

namespace {

constexpr std::uint32_t kUntilWhole = 0600;

// Where the bytes go until all of them are here. Removes what it has made unless it was kept.
class Destination {
 public:
  static Result<std::unique_ptr<Destination>> open(Context& context, const std::string& to) {
    auto out = std::unique_ptr<Destination>(new Destination(context, to));
    if (to != "-") {
      const std::string temp = to + ".mcp-pull-" + context.env.random().hex(4);
      MC_ASSIGN(out->file_,
                context.env.files().open(temp, dsl::env::OpenMode::kCreateNew, kUntilWhole));
      out->temp_ = temp;
    }
    return out;
  }
  ~Destination() {
    if (!temp_.empty()) {
      (void)context_.env.files().remove(temp_);  // what led here is the error to report
    }
  }
  Destination(const Destination&) = delete;
  Destination& operator=(const Destination&) = delete;

  Result<void> write(const std::string& bytes) {
    if (!file_) {
      context_.print(bytes);
      return std::ferror(stdout) != 0 ? fail(Code::kUnavailable, "stdout takes no more")
                                      : Result<void>();
    }
    MC_TRY(file_->write_at(size_, std::as_bytes(std::span(bytes.data(), bytes.size()))));
    size_ += bytes.size();
    return {};
  }

  Result<void> keep(std::uint32_t mode) {
    if (!file_) {
      return {};
    }
    dsl::env::FileSystem& files = context_.env.files();
    MC_TRY(files.set_mode(temp_, mode));
    MC_TRY(file_->sync());
    MC_TRY(files.rename(temp_, to_));
    temp_.clear();
    return files.sync_directory(dsl::env::folder_of(to_));
  }

 private:
  Destination(Context& context, std::string to) : context_(context), to_(std::move(to)) {}

  Context& context_;
  const std::string to_;
  std::string temp_;
  std::unique_ptr<dsl::env::File> file_;
  std::uint64_t size_ = 0;
};

}  // namespace

Result<pb::FileState> pull_file(Context& context, const Pull& pull) {
  const Interrupts interrupts;
  MC_ASSIGN(Client * client, context.client());
  pb::GetFileRequest request;
  request.set_service(pull.service);
  request.set_path(pull.path);
  std::unique_ptr<Destination> destination;
  pb::FileState state;
  dsl::Sha256 hash;
  std::int64_t got = 0;
  const Result<void> streamed = client->stream<pb::FilePiece>(
      "GetFile", request,
      [&](const pb::FilePiece& piece) -> Result<void> {
        if (piece.has_head()) {
          state = piece.head();
          MC_ASSIGN(destination, Destination::open(context, pull.to));
          return {};
        }
        if (!piece.sha256().empty()) {
          state.set_sha256(piece.sha256());
          return {};
        }
        if (!destination) {
          return fail(Code::kDataLoss, "the agent sends no head");
        }
        hash.add(std::as_bytes(std::span(piece.data().data(), piece.data().size())));
        got += static_cast<std::int64_t>(piece.data().size());
        if (pull.progress) {
          pull.progress(got, state.size_bytes());
        }
        return destination->write(piece.data());
      },
      [&] { return interrupts.count() > 0; });
  if (!streamed) {
    return interrupts.count() > 0
               ? Result<pb::FileState>(fail(Code::kCancelled, "interrupted; nothing was replaced"))
               : tl::unexpected(streamed.error());
  }
  if (!destination || hash.finish() != state.sha256()) {
    return fail(Code::kDataLoss, "what came of {} is not what the agent has read", pull.path)
        .hint("run it again; nothing was replaced");
  }
  MC_TRY(destination->keep(state.mode()));
  return state;
}

}  // namespace mcp::cli
