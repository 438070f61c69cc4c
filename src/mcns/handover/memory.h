// Bytes that one process shows another: a sealed memfd.
#pragma once

#include <cstddef>
#include <string_view>

#include "dsl/env/unique_fd.h"
#include "dsl/result/result.h"

namespace mcns::handover {

// A memory with a copy of `bytes` that nobody can change or shorten any more.
dsl::Result<dsl::env::UniqueFd> sealed_memory(std::string_view bytes);

// Such a memory, mapped for reading. Confined to its owner.
class MappedMemory {
 public:
  // kInvalidArgument for one that is not sealed (whoever reads it could be ended by its shrinking)
  // or longer than `size_max`.
  static dsl::Result<MappedMemory> open(const dsl::env::UniqueFd& fd, std::size_t size_max);
  MappedMemory(MappedMemory&& other) noexcept;
  MappedMemory& operator=(MappedMemory&&) = delete;
  ~MappedMemory();

  std::string_view bytes() const { return {static_cast<const char*>(at_), size_}; }

 private:
  MappedMemory(void* at, std::size_t size) : at_(at), size_(size) {}
  void* at_ = nullptr;  // null when it is empty
  std::size_t size_ = 0;
};

}  // namespace mcns::handover
