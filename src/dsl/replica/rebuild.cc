#include "dsl/replica/rebuild.h"

#include <algorithm>
#include <memory>
#include <tuple>
#include <utility>

namespace dsl::replica {
namespace {

constexpr std::uint32_t kFileMode = 0600;

class Appender {
 public:
  static Result<Appender> create(env::FileSystem& files, const std::string& path) {
    MC_ASSIGN(auto file, files.open(path, env::OpenMode::kCreateNew, kFileMode));
    return Appender(std::move(file));
  }

  Result<void> write(std::span<const std::byte> bytes) {
    MC_TRY(file_->write_at(size_bytes_, bytes));
    size_bytes_ += bytes.size();
    return {};
  }
  Result<void> sync() { return file_->sync(); }
  env::File& file() { return *file_; }
  std::uint64_t size_bytes() const { return size_bytes_; }

 private:
  explicit Appender(std::unique_ptr<env::File> file) : file_(std::move(file)) {}
  std::unique_ptr<env::File> file_;
  std::uint64_t size_bytes_ = 0;
};

// Whether a piece has anything up to the commit. For the base itself none has: what came before it
// is in it, and would undo what came later.
bool reaches(const Chain& chain, const ChainPiece& piece, const Position& until) {
  if (until.generation == 1 && until.offset <= chain.base.position) {
    return false;
  }
  return piece.header.generation < until.generation ||
         (piece.header.generation == until.generation && piece.from < until.offset);
}

constexpr int kTriesMax = 5;

// A service that follows its database replaces objects while they are read: then the chain is read
// again, and `work` begins anew. `clear` removes what it had made.
Result<void> with_chain(Store& store, const Chain& chain, const Position& until,
                        const Identities& identities,
                        const std::function<Result<void>(const Chain&)>& work,
                        const std::function<Result<void>()>& clear) {
  Result<void> done = work(chain);
  for (int tries = 1; !done && done.error().code() == Code::kNotFound && tries < kTriesMax;
       ++tries) {
    MC_ASSIGN(const auto epochs, list_epochs(store));
    const auto epoch = std::find_if(epochs.begin(), epochs.end(), [&](const EpochSummary& listed) {
      return listed.epoch == chain.epoch;
    });
    if (epoch == epochs.end()) {
      return done;
    }
    MC_ASSIGN(const Chain again, read_chain(store, *epoch, identities));
    const auto newest = again.newest({});
    if (!newest || std::tuple(newest->generation, newest->offset) <
                       std::tuple(until.generation, until.offset)) {
      return done;
    }
    if (!clear()) {
      return done;
    }
    done = work(again);
  }
  return done;
}

// As one word of a shell.
std::string quoted(std::string_view word) {
  std::string out = "'";
  for (const char c : word) {
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return out + "'";
}

Result<void> read_base_into(Store& store, const Chain& chain, const Identities& identities,
                            Appender& file) {
  return read_base(store, chain.epoch, identities,
                   [&](std::span<const std::byte> bytes) { return file.write(bytes); });
}

// Decimal, since the script counts with seq.
std::string log_name(const std::string& database, std::uint32_t generation) {
  std::string digits = std::to_string(generation);
  digits.insert(0, 8 - std::min<std::size_t>(8, digits.size()), '0');
  return database + "-wal." + digits;
}

std::string script(const std::string& database, std::uint32_t generations) {
  return text(R"sh(#!/bin/sh
# Replays the logs of a replica over its base, with nothing but the sqlite3 shell.
set -eu
cd "$(dirname "$0")"
database={}
for number in $(seq -f %08g 1 {}); do
  cp "$database-wal.$number" "$database-wal"
  sqlite3 "$database" 'PRAGMA wal_checkpoint(TRUNCATE);' >/dev/null
done
sqlite3 "$database" 'PRAGMA integrity_check;'
)sh",
              quoted("./" + database), generations);
}

Result<void> rebuild_once(Store& store, const Chain& chain, const Position& until,
                          const Identities& identities, env::FileSystem& files,
                          const std::string& path, const ChainProgress& progress) {
  MC_ASSIGN(Appender database, Appender::create(files, path));
  MC_TRY(read_base_into(store, chain, identities, database));
  const std::uint64_t page_bytes = chain.base.page_bytes;
  FrameReader frames;
  std::uint32_t generation = 1;
  std::uint64_t pages = database.size_bytes() / page_bytes;
  const FrameReader::OnFrame apply = [&](const WalFrame& frame, std::uint64_t end) -> Result<void> {
    if (generation == until.generation && end > until.offset) {
      return {};
    }
    if (frame.page_count != 0) {
      pages = frame.page_count;
    }
    return database.file().write_at((std::uint64_t{frame.page} - 1) * page_bytes, frame.content);
  };
  for (std::size_t i = 0; i < chain.pieces.size(); ++i) {
    const ChainPiece& piece = chain.pieces[i];
    if (!reaches(chain, piece, until)) {
      break;
    }
    if (progress) {
      progress(i, chain.pieces.size());
    }
    if (piece.header.page_bytes != page_bytes) {
      return fail(Code::kDataLoss, "{} has pages of another size", piece.object.name());
    }
    if (piece.header.generation != generation) {
      frames.start_over();
      generation = piece.header.generation;
    }
    MC_TRY(read_piece(store, piece, identities,
                      [&](std::span<const std::byte> bytes) { return frames.feed(bytes, apply); }));
  }
  MC_TRY(database.file().truncate(pages * page_bytes));
  return database.sync();
}

Result<std::vector<ExportedFile>> export_once(Store& store, const Chain& chain,
                                              const Position& until, const Identities& identities,
                                              env::FileSystem& files, const std::string& directory,
                                              const ChainProgress& progress) {
  const std::string& name = chain.base.database;
  std::vector<ExportedFile> exported;
  MC_ASSIGN(Appender base, Appender::create(files, directory + "/" + name));
  MC_TRY(read_base_into(store, chain, identities, base));
  MC_TRY(base.sync());
  exported.push_back({.name = name, .size_bytes = base.size_bytes()});

  std::optional<Appender> log;
  std::uint32_t generation = 0;
  const auto end_log = [&]() -> Result<void> {
    if (log) {
      MC_TRY(log->sync());
      exported.back().size_bytes = log->size_bytes();
    }
    return {};
  };
  for (std::size_t i = 0; i < chain.pieces.size() && reaches(chain, chain.pieces[i], until); ++i) {
    const ChainPiece& piece = chain.pieces[i];
    if (progress) {
      progress(i, chain.pieces.size());
    }
    if (piece.header.generation != generation) {
      MC_TRY(end_log());
      generation = piece.header.generation;
      exported.push_back({.name = log_name(name, generation)});
      MC_ASSIGN(log, Appender::create(files, directory + "/" + exported.back().name));
    }
    MC_TRY(
        read_piece(store, piece, identities, [&](std::span<const std::byte> bytes) -> Result<void> {
          const std::uint64_t at = log->size_bytes();
          const bool cuts = generation == until.generation && at + bytes.size() > until.offset;
          return log->write(cuts ? bytes.first(until.offset - at) : bytes);
        }));
  }
  MC_TRY(end_log());
  MC_TRY(files.write_file(directory + "/replay.sh", script(name, generation), 0700));
  return exported;
}

}  // namespace

Result<void> rebuild(Store& store, const Chain& chain, const Position& until,
                     const Identities& identities, env::FileSystem& files, const std::string& path,
                     const ChainProgress& progress) {
  return with_chain(
      store, chain, until, identities,
      [&](const Chain& current) {
        return rebuild_once(store, current, until, identities, files, path, progress);
      },
      [&] { return files.remove(path); });
}

Result<std::vector<ExportedFile>> export_log(Store& store, const Chain& chain,
                                             const Position& until, const Identities& identities,
                                             env::FileSystem& files, const std::string& directory,
                                             const ChainProgress& progress) {
  MC_ASSIGN(const bool exists, files.exists(directory));
  if (exists) {
    return fail(Code::kAlreadyExists, "{} exists already", directory)
        .hint("name a directory that is to be made");
  }
  MC_TRY(files.make_directories(directory, 0700));
  std::vector<ExportedFile> exported;
  const auto done = with_chain(
      store, chain, until, identities,
      [&](const Chain& current) -> Result<void> {
        MC_ASSIGN(exported,
                  export_once(store, current, until, identities, files, directory, progress));
        return {};
      },
      [&]() -> Result<void> {
        MC_ASSIGN(const auto names, files.list(directory));
        for (const std::string& name : names) {
          MC_TRY(files.remove(directory + "/" + name));
        }
        return {};
      });
  MC_TRY(done);
  return exported;
}

}  // namespace dsl::replica
