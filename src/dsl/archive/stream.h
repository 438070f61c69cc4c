// Bytes in motion: where a stream of this module goes to, and where it comes from.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "dsl/result/result.h"

namespace dsl::archive {

// Takes all of the bytes or fails; keeps no view of them. After a failure it is not called again.
using Sink = std::function<Result<void>(std::span<const std::byte>)>;

// Puts bytes at the start of `out` and returns how many; 0 is the end, and only the end. `out` is
// never empty. Not called again after the end or a failure.
using Source = std::function<Result<std::size_t>(std::span<std::byte>)>;

// `out` outlives the sink.
Sink append_to(std::string& out);
// `bytes` outlives the source, which starts at their beginning.
Source source_of(std::string_view bytes);

// Fills `out`, or as much of it as there is before the end.
Result<std::size_t> read_full(const Source& source, std::span<std::byte> out);

}  // namespace dsl::archive
