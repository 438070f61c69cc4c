// The headers before an entry of a tar archive, as they lie there: what libarchive is quiet about.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "dsl/result/result.h"

namespace dsl::archive {

// `count` bytes of the archive, `at` bytes after where the entry's headers begin; fewer when they
// are not at hand.
using HeaderBytes = std::function<std::string(std::size_t at, std::size_t count)>;

// Looks at the extended headers before an entry that libarchive has accepted. kDataLoss for records
// that are malformed, of which libarchive would pass over the rest; kInvalidArgument for a NUL in a
// name, where it would end the name, and for global headers that change entries, which it does not
// follow.
Result<void> check_header_chain(const HeaderBytes& bytes);

}  // namespace dsl::archive
