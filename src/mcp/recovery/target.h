// A place that points go to: a directory, or one of another machine by SFTP.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dsl/archive/minisign.h"
#include "dsl/env/env.h"
#include "dsl/result/result.h"

namespace mcp::recovery {

using dsl::Result;

struct StoredObject {
  std::string name;
  std::uint64_t size_bytes = 0;
};

// Confined to one thread at a time. Errors: kUnavailable when it cannot be reached, with the next
// step; kNoSpace; kNotFound.
class Target {
 public:
  virtual ~Target() = default;

  virtual const std::string& url() const = 0;
  virtual Result<std::vector<StoredObject>> list() = 0;  // by name
  // Copies a local file there, durably, and compares its BLAKE2b hash with what lies there then.
  // Until it is whole its name ends in ".partial".
  virtual Result<void> put(const std::string& name, const std::string& local,
                           const dsl::archive::MinisignHash& blake2b) = 0;
  // A local path with the object's content: itself in a directory, a copy in `scratch` otherwise.
  virtual Result<std::string> fetch(const std::string& name, const std::string& scratch) = 0;
  // Absent is success.
  virtual Result<void> remove(const std::string& name) = 0;
  // Where points may be made at once; empty when they have to be carried there.
  virtual std::string directory() const { return {}; }
};

// How other machines are reached; the host's key must be in `known_hosts`.
struct SshOptions {
  std::string identity_file;  // empty = what ssh finds
  std::string known_hosts;    // empty = the user's own
};

// "file:///mnt/backup", an absolute path, or "sftp://user@host[:port]/dir" (a directory of the
// machine, not of the user's home). kInvalidArgument.
Result<std::unique_ptr<Target>> open_target(dsl::env::Env& env, const std::string& url,
                                            const SshOptions& ssh);

}  // namespace mcp::recovery
