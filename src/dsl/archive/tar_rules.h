// What the writer and the reader of tar agree on, for the .cc files of this folder.
#pragma once

#include <locale.h>

#include "dsl/archive/tar.h"
#include "dsl/result/result.h"

namespace dsl::archive {

// kInvalidArgument for an entry that must not be followed, as TarReader says.
Result<void> check_entry(const TarEntry& entry);

// libarchive converts names between UTF-8 and the charset of the calling thread's locale; what it
// writes and reads must not depend on that. While one of these lives the charset is the given one.
class CharsetGuard {
 public:
  enum class Charset { kAscii, kUtf8 };
  explicit CharsetGuard(Charset charset);
  ~CharsetGuard();
  CharsetGuard(const CharsetGuard&) = delete;
  CharsetGuard& operator=(const CharsetGuard&) = delete;

 private:
  locale_t before_;
};

}  // namespace dsl::archive
