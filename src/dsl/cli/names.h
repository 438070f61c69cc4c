// What the name of an option means: "-f,--follow" or "SERVICE".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dsl/cli/cli.h"

namespace dsl::cli {

bool is_positional(const Option& option);
bool takes_value(const Option& option);
bool is_list(const Option& option);
// "-f", "--follow"; the positional's name alone.
std::vector<std::string> spellings(const Option& option);
// "TAG"; from the type when the option does not name it. Empty for a flag.
std::string value_name(const Option& option);
bool answers_to(const Option& option, std::string_view spelling);

// The sub-command of that name, or nullptr.
const Command* find_command(const Command& parent, std::string_view name);
// The option of that spelling at the end of `path` or, failing that, further up; or nullptr.
const Option* find_option(const std::vector<const Command*>& path, std::string_view spelling);

// "demo deploy --json": an option that is spelled like one further up, also -h and --help, so that
// one of the two would never get its value. Empty when there is none.
std::string shadowed_option(const Command& program);

}  // namespace dsl::cli
