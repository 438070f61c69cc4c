// The last words of a process that ends on SEGV, BUS, FPE, ILL or ABRT.
#pragma once

#include <string>

namespace dsl::service {

// From now on such a signal prints name, version, commit and the stack of its thread to stderr, and
// then ends the process as it would have (with a core dump where allowed). The addresses are for
// addr2line and the binary of that commit.
void install_crash_handler(const std::string& name);

}  // namespace dsl::service
