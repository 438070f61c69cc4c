#include "dsl/db/pinned.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <vector>

#include "dsl/replica/bytes.h"
#include "dsl/replica/wal.h"
#include "dsl/replica/wal_index.h"

namespace dsl::db {
namespace {

using replica::kFrameHeaderBytes;

constexpr std::uint64_t kPieceBytes = 256u << 10;
constexpr int kTriesMax = 1000;
// SQLite locks bytes of the page that begins there, and stores nothing in it.
constexpr std::uint64_t kLockByte = 1u << 30;
// Of the first page: the versions that a writer and a reader need, 2 in WAL mode and 1 without
// (https://www.sqlite.org/fileformat2.html, section 1.3.3).
constexpr std::size_t kWriteVersion = 18;
constexpr std::size_t kReadVersion = 19;

// Nothing outside WAL mode.
Result<std::optional<replica::WalIndex>> index_of(env::FileSystem& files, const std::string& file) {
  MC_ASSIGN(const auto shm, files.open(file + "-shm", env::OpenMode::kRead));
  return replica::read_wal_index(*shm);
}

bool same_commit(const replica::WalIndex& one, const replica::WalIndex& other) {
  return one.salts == other.salts && one.frame_count == other.frame_count && one.sum == other.sum;
}

Result<void> begin(Connection& connection) {
  MC_TRY(connection.run("BEGIN"));
  // The first read settles what the transaction sees.
  MC_TRY(connection.integer("SELECT count(*) FROM sqlite_schema"));
  return {};
}

// The transaction sees a commit for certain when it was the last one before and after. A log that
// was just being started over may still have shown its old header, but not twice.
Result<void> begin_with_log(env::Env& env, PinnedState& state) {
  for (int tries = 0; tries < kTriesMax; ++tries) {
    MC_ASSIGN(const auto before, index_of(env.files(), state.file));
    MC_TRY(begin(*state.connection));
    MC_ASSIGN(const auto after, index_of(env.files(), state.file));
    MC_ASSIGN(const auto still, index_of(env.files(), state.file));
    if (before && after && still && same_commit(*before, *after) && still->salts == after->salts) {
      state.log_end = after->frames_moved < after->frame_count ? after->end() : 0;
      state.log_salts = after->salts;
      return {};
    }
    MC_TRY(state.connection->run("ROLLBACK"));
  }
  return fail(Code::kUnavailable, "{}: others commit all the time", state.file).hint("try again");
}

// Where in the log each page of the state lies that is there: its last frame.
using Pages = std::unordered_map<std::uint64_t, std::uint64_t>;

Result<Pages> pages_in_log(env::File& log, const PinnedState& state) {
  Pages pages;
  std::uint64_t offset = 0;
  const std::uint64_t frame_bytes = kFrameHeaderBytes + state.page_bytes;
  MC_ASSIGN(
      const replica::WalStretch stretch,
      replica::walk(log, {}, state.log_end, [&](std::span<const std::byte> bytes) -> Result<void> {
        const bool is_header = offset == 0;
        for (std::size_t at = 0; !is_header && at < bytes.size(); at += frame_bytes) {
          pages[replica::big_endian_32(bytes, at)] = offset + at + kFrameHeaderBytes;
        }
        offset += bytes.size();
        return {};
      }));
  if (stretch.end.header.salts != state.log_salts) {
    return fail(Code::kDataLoss, "the log of {} was started over under a reader", state.file);
  }
  return pages;
}

Result<void> read_whole(env::File& file, std::uint64_t offset, std::span<std::byte> out) {
  MC_ASSIGN(const std::size_t size, file.read_at(offset, out));
  return size == out.size() ? Result<void>() : fail(Code::kDataLoss, "a page is cut off");
}

}  // namespace

Result<PinnedState> pin_state(env::Env& env, const std::string& path) {
  PinnedState state;
  MC_ASSIGN(state.file, env.files().canonical(path));
  MC_ASSIGN(state.connection, Connection::open(env, path, Access::kReadOnly));
  // Also sets up the index of the log.
  MC_ASSIGN(const std::string mode, state.connection->text("PRAGMA journal_mode"));
  MC_TRY(state.connection->integer("SELECT count(*) FROM sqlite_schema"));
  MC_TRY(mode == "wal" ? begin_with_log(env, state) : begin(*state.connection));
  MC_ASSIGN(const std::int64_t page_bytes, state.connection->integer("PRAGMA page_size"));
  MC_ASSIGN(const std::int64_t page_count, state.connection->integer("PRAGMA page_count"));
  state.page_bytes = static_cast<std::uint32_t>(page_bytes);
  state.page_count = static_cast<std::uint64_t>(page_count);
  return state;
}

Result<void> read_state(env::Env& env, const PinnedState& state,
                        const std::function<Result<void>(std::span<const std::byte>)>& bytes) {
  MC_ASSIGN(const auto file, env.files().open(state.file, env::OpenMode::kRead));
  std::unique_ptr<env::File> log;
  Pages logged;
  if (state.log_end > 0) {
    MC_ASSIGN(log, env.files().open(state.file + "-wal", env::OpenMode::kRead));
    MC_ASSIGN(logged, pages_in_log(*log, state));
  }
  std::vector<std::byte> piece(std::max<std::uint64_t>(kPieceBytes, state.page_bytes));
  for (std::uint64_t offset = 0; offset < state.size_bytes(); offset += piece.size()) {
    piece.resize(std::min<std::uint64_t>(piece.size(), state.size_bytes() - offset));
    MC_ASSIGN(const std::size_t size, file->read_at(offset, piece));
    std::fill(piece.begin() + static_cast<std::ptrdiff_t>(size), piece.end(), std::byte{0});
    for (std::uint64_t at = 0; at < piece.size(); at += state.page_bytes) {
      const std::uint64_t page = (offset + at) / state.page_bytes + 1;
      const auto found = logged.find(page);
      if (found != logged.end()) {
        MC_TRY(read_whole(*log, found->second, std::span(piece).subspan(at, state.page_bytes)));
      } else if (at + state.page_bytes > size && offset + at != kLockByte) {
        return fail(Code::kDataLoss, "{} lacks its page {}", state.file, page)
            .hint("restore the database: the end of its file is gone");
      }
    }
    if (offset == 0) {
      piece[kWriteVersion] = std::byte{1};
      piece[kReadVersion] = std::byte{1};
    }
    MC_TRY(bytes(piece));
  }
  return {};
}

}  // namespace dsl::db
