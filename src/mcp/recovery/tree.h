// A directory tree as it lies on the disk, walked without following a link.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/archive/tar.h"
#include "dsl/env/unique_fd.h"
#include "dsl/result/result.h"

namespace mcp::recovery {

using dsl::Result;

// The first bytes of an SQLite database, whatever its name
// (https://www.sqlite.org/fileformat2.html, section 1.3.1).
constexpr std::string_view kSqliteMagic("SQLite format 3\0", 16);

struct TreeItem {
  dsl::archive::TarEntry entry;  // path below the root; "" for the root itself
  std::string absolute;
  dsl::env::UniqueFd fd;      // of a regular file, open for reading
  bool is_database = false;   // by its first bytes: an SQLite database
  std::int64_t ctime_ns = 0;  // changes whenever the file does
};

struct TreeVisit {
  // Asked before anything is opened: paths below the root that are left out, with all below them.
  std::function<bool(const std::string& path)> leave_out;
  std::function<Result<void>(TreeItem item)> item;
  // What could not be read; the walk goes on.
  std::function<void(const std::string& path, const dsl::Error& error)> unreadable;
};

// Items in the order of their names, directories before what is in them. Sockets, fifos and devices
// are passed over. The first of several names of one file is the file, the others hard links to it.
// A file that vanishes meanwhile is no error. kNotFound when there is no `root`.
Result<void> walk_tree(const std::string& root, const TreeVisit& visit);

}  // namespace mcp::recovery
