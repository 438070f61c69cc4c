// Where objects of a replica go. Today a directory; SFTP, S3 and other nodes implement the same
// few calls.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dsl/archive/stream.h"
#include "dsl/result/result.h"

namespace dsl::replica {

struct StoredObject {
  std::string name;  // "<epoch>/<file>"
  std::uint64_t size_bytes = 0;
  bool operator==(const StoredObject&) const = default;
};

// An object on its way in. Destroying it without `commit` leaves nothing under its name.
class Upload {
 public:
  virtual ~Upload() = default;
  virtual Result<void> write(std::span<const std::byte> bytes) = 0;
  // Once it returns the object is there, whole and on stable storage.
  virtual Result<void> commit() = 0;
};

// An object that grows, for the newest commits of a mirror with `sync`.
class AppendedObject {
 public:
  virtual ~AppendedObject() = default;
  // Once it returns the bytes are on stable storage. After an error the object is not used again.
  virtual Result<void> append(std::span<const std::byte> bytes) = 0;
};

// One writer at a time for each object; otherwise thread-safe.
class Store {
 public:
  virtual ~Store() = default;

  // For messages: the path of a directory.
  virtual const std::string& place() const = 0;
  // Replaces an object of that name. kNotFound when the store itself is not there: it may be a disk
  // that is not mounted, and is not made.
  virtual Result<std::unique_ptr<Upload>> put(const std::string& name) = 0;
  // It is there, in place of an older one of that name, once the first `append` returned.
  // kUnimplemented where a store cannot append.
  virtual Result<std::unique_ptr<AppendedObject>> append_to_new(const std::string& name) = 0;
  // The object's bytes from its start. kNotFound.
  virtual Result<archive::Source> get(const std::string& name) = 0;
  // Every object, sorted by name. Empty when the store has not been used yet.
  virtual Result<std::vector<StoredObject>> list() = 0;
  virtual Result<bool> contains(const std::string& name) = 0;
  // A missing object is success.
  virtual Result<void> remove(const std::string& name) = 0;
  // Every object of an epoch, and what interrupted uploads left of others. A missing one is
  // success.
  virtual Result<void> remove_folder(const std::string& folder) = 0;
};

// Copies an object; returns its size.
Result<std::uint64_t> copy_object(Store& from, Store& to, const std::string& name);
// An object of at most `bytes_max`; kTooLarge beyond.
Result<std::string> read_object(Store& store, const std::string& name, std::size_t bytes_max);
Result<void> write_object(Store& store, const std::string& name, std::string_view content);

}  // namespace dsl::replica
