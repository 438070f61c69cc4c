// What `check-config` and `config reference` print.
#pragma once

#include <string>
#include <string_view>

#include "dsl/config/key_state.h"

namespace dsl::config {

std::string effective_text(const States& states);
std::string reference_text(const States& states, std::string_view service);

}  // namespace dsl::config
