// One state of a database that stays where it is while writers and checkpoints go on. Private to
// dsl::db.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "dsl/db/connection.h"
#include "dsl/env/env.h"
#include "dsl/result/result.h"

namespace dsl::db {

// What a read transaction sees, and where its pages lie. SQLite keeps a checkpoint from moving what
// the transaction does not see yet, and a writer from starting over the log that it still reads
// (https://www.sqlite.org/walformat.html, section 2.3); so what of the log belongs to the state is
// read there, and the rest in the database file.
struct PinnedState {
  std::unique_ptr<Connection> connection;  // in the transaction
  std::string file;                        // the path behind all links
  std::uint32_t page_bytes = 0;
  std::uint64_t page_count = 0;
  std::uint64_t log_end = 0;  // byte up to which the log belongs to it; 0 = the file has it all
  std::uint64_t log_salts = 0;

  std::uint64_t size_bytes() const { return page_count * page_bytes; }
};

// The last commit's. kUnavailable while others commit so often that no state can be told.
Result<PinnedState> pin_state(env::Env& env, const std::string& path);

// The bytes of the state as one file without companions, in order and in pieces. kDataLoss for a
// log or file that lacks some.
Result<void> read_state(env::Env& env, const PinnedState& state,
                        const std::function<Result<void>(std::span<const std::byte>)>& bytes);

}  // namespace dsl::db
