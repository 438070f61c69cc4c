#include "dsl/secret/secret.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace dsl {
namespace {

// Every secret has pages of its own: locking and dump exclusion work on pages, and unlocking one
// must not unlock a neighbour.
std::size_t mapped_bytes(std::size_t size_bytes) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return (size_bytes + page - 1) / page * page;
}

std::byte* allocate(std::size_t size_bytes) {
  if (size_bytes == 0) {
    return nullptr;
  }
  const std::size_t mapped = mapped_bytes(size_bytes);
  void* memory =
      ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  MC_ASSERT(memory != MAP_FAILED, "there is memory for a secret");
  // RLIMIT_MEMLOCK may forbid it; see the contract.
  (void)::mlock(memory, mapped);
  MC_ASSERT(::madvise(memory, mapped, MADV_DONTDUMP) == 0, "Linux excludes pages from dumps");
  return static_cast<std::byte*>(memory);
}

void release(std::byte* data, std::size_t size_bytes) {
  if (data != nullptr) {
    wipe({data, size_bytes});
    MC_ASSERT(::munmap(data, mapped_bytes(size_bytes)) == 0, "it was mapped by allocate");
  }
}

// Looks at every byte of the longer one; a byte beyond the end of the shorter counts as unequal
// through the lengths.
bool equal_in_constant_time(std::span<const std::byte> a, std::span<const std::byte> b) {
  // Volatile: the compiler may not stop early.
  volatile unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    const std::byte left = i < a.size() ? a[i] : std::byte{0};
    const std::byte right = i < b.size() ? b[i] : std::byte{0};
    difference = difference | std::to_integer<unsigned>(left ^ right);
  }
  return difference == 0;
}

}  // namespace

Secret::~Secret() { release(data_, size_); }

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    release(data_, size_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Secret Secret::from(std::span<const std::byte> bytes) {
  Secret secret = zeroed(bytes.size());
  std::copy(bytes.begin(), bytes.end(), secret.data_);
  return secret;
}

Secret Secret::from(std::string_view text) { return from(std::as_bytes(std::span(text))); }

Secret Secret::zeroed(std::size_t size_bytes) {
  Secret secret;
  secret.data_ = allocate(size_bytes);  // fresh pages of the kernel are zero
  secret.size_ = size_bytes;
  return secret;
}

bool Secret::equals(const Secret& other) const {
  return equal_in_constant_time(expose(), other.expose());
}

bool Secret::equals(std::string_view other) const {
  return equal_in_constant_time(expose(), std::as_bytes(std::span(other)));
}

void wipe(std::span<std::byte> bytes) {
  if (!bytes.empty()) {
    ::explicit_bzero(bytes.data(), bytes.size());
  }
}

Result<void> forbid_core_dumps() {
  const rlimit none{0, 0};
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || ::setrlimit(RLIMIT_CORE, &none) != 0) {
    return fail(Code::kInternal, "cannot forbid core dumps: {}", ::strerrordesc_np(errno))
        .hint("check the seccomp filter of the unit or container");
  }
  return {};
}

}  // namespace dsl
