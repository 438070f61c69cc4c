#include "mcns/handover/memory.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dsl/env/errno_error.h"

namespace mcns::handover {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

}  // namespace

Result<dsl::env::UniqueFd> sealed_memory(std::string_view bytes) {
  dsl::env::UniqueFd fd(::memfd_create("mcns-cache", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) {
    return fail(dsl::env::errno_error(errno, "make", "a memory to hand over"));
  }
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd.get(), bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) {
      return fail(dsl::env::errno_error(errno, "fill", "a memory to hand over"));
    }
    bytes.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
  if (::fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0) {
    return fail(dsl::env::errno_error(errno, "seal", "a memory to hand over"));
  }
  return fd;
}

Result<MappedMemory> MappedMemory::open(const dsl::env::UniqueFd& fd, std::size_t size_max) {
  struct stat info {};
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  if (seals < 0 || (seals & kSeals) != kSeals || ::fstat(fd.get(), &info) != 0) {
    return fail(Code::kInvalidArgument, "what was handed over is no sealed memory");
  }
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size > size_max) {
    return fail(Code::kInvalidArgument, "a memory of {} octets was handed over, more than {}", size,
                size_max);
  }
  void* at = size == 0 ? nullptr : ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (at == MAP_FAILED) {
    return fail(dsl::env::errno_error(errno, "map", "a memory that was handed over"));
  }
  return MappedMemory(at, size);
}

MappedMemory::MappedMemory(MappedMemory&& other) noexcept
    : at_(std::exchange(other.at_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedMemory::~MappedMemory() {
  if (at_ != nullptr) {
    (void)::munmap(at_, size_);  // fails for a wrong address only
  }
}

}  // namespace mcns::handover
