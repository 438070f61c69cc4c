// Does what a request asks for below a directory. Blocking; safe to be called by several at once.
#pragma once

#include "mcp/files/beneath.h"
#include "mcp/files/request.h"

namespace mcp::files {

struct Performed {
  Answer answer;
  // kOpen, kOpenPartial: the file. kList: a file in memory that holds the entries.
  UniqueFd fd;
};

struct Eyes {
  // An id that stands for all that a user namespace does not map: nothing may be given to it.
  std::optional<std::uint32_t> overflow_id;
  Resolver resolver = Resolver::kKernel;
};

// `root` may be opened with O_PATH. EACCES and EPERM mean that somebody with more rights may try
// the very same request: nothing was changed then.
Performed perform(int root, const Request& request, const Eyes& eyes = {});

// What a list holds at most.
inline constexpr std::size_t kEntriesMax = 100'000;

}  // namespace mcp::files
