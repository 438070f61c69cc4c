// The document as toml++ has it, for those files of this folder that read a part of it.
#pragma once

#include <memory>
#include <string_view>

#include <toml++/toml.h>

#include "dsl/config/toml.h"

namespace dsl::config {

// As parse_toml, without a copy.
Result<std::unique_ptr<toml::table>> parse_document(std::string_view text, Position& where);

// Takes the texts out of `node`.
TomlValue convert(toml::node& node);

Position position_of(const toml::source_region& source);

}  // namespace dsl::config
