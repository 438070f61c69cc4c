// The one translation of errno into an Error with a next step.
#pragma once

#include <string>
#include <string_view>

#include "dsl/result/result.h"

namespace dsl::env {

// "cannot `action` `path`: <text of the number>", with a hint where there is one to give.
//   return fail(errno_error(errno, "open", path));
Error errno_error(int number, std::string_view action, const std::string& path);

}  // namespace dsl::env
