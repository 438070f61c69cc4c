// deploy/debian/provision as one file, with the units that it installs.
#pragma once

#include <string_view>

namespace mcp::cli {

// A bash script that needs nothing beside it. Made by cmake/provision_script.cmake.
std::string_view provision_script();

}  // namespace mcp::cli
