// One state of any database as the bytes of one file, while others go on using it: for backups.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "dsl/env/env.h"
#include "dsl/result/result.h"

namespace dsl::db {

struct ImageFacts {
  std::uint32_t page_bytes = 0;
  std::string schema_sha256;                 // of the text of every object, lower-case hex
  std::map<std::string, std::int64_t> rows;  // by table
};

// The last commit's state, of whatever schema and journal mode. It stays as it is, and keeps the
// log from being started over, until the object is destroyed. Confined to its owner.
class Image {
 public:
  // kDataLoss for what is no database, or a damaged one as far as its first page tells.
  static Result<std::unique_ptr<Image>> pin(env::Env& env, const std::string& path);
  virtual ~Image() = default;

  virtual std::uint64_t size_bytes() const = 0;
  // Reads every page of the state: kDataLoss with the first findings (PRAGMA quick_check).
  virtual Result<void> check() = 0;
  // Gives the bytes in order and in pieces, `size_bytes` of them. SQLite counts the rows of the
  // same state meanwhile; when it cannot (kDataLoss) the bytes were given all the same, unless
  // `bytes` or the reading has failed.
  virtual Result<ImageFacts> read(
      const std::function<Result<void>(std::span<const std::byte>)>& bytes) = 0;
};

}  // namespace dsl::db
