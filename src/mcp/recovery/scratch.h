// Room to work in, gone at the end.
#pragma once

#include <string>

#include "dsl/archive/stream.h"
#include "dsl/env/env.h"
#include "dsl/result/result.h"

namespace mcp::recovery {

using dsl::Result;

// Removes a directory or a file with all below it; absent is success. Follows no link.
Result<void> remove_tree(dsl::env::FileSystem& files, const std::string& path);

// A new file with what `content` gives.
Result<void> write_out(dsl::env::Env& env, const std::string& path,
                       const dsl::archive::Source& content);

class Scratch {
 public:
  // An empty directory; what a run that was cut off has left there is removed. The caller holds the
  // lock that keeps others out, or has made up a name that nobody else has.
  static Result<Scratch> make(dsl::env::Env& env, const std::string& path);
  ~Scratch();
  Scratch(Scratch&& other) noexcept;
  Scratch& operator=(Scratch&&) = delete;

  const std::string& path() const { return path_; }

 private:
  Scratch(dsl::env::Env& env, std::string path) : env_(env), path_(std::move(path)) {}

  dsl::env::Env& env_;
  std::string path_;
};

}  // namespace mcp::recovery
