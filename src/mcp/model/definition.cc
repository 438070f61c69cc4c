// parse_definition: TOML that obeys the grammar.
#include "mcp/model/grammar.h"
#include "mcp/model/model.h"

namespace mcp::model {

namespace {

constexpr std::size_t kDefinitionMax = std::size_t{1} << 20;

// "/etc/services/mcr.toml" -> "mcr"
std::string_view stem(std::string_view file) {
  const std::size_t slash = file.rfind('/');
  if (slash != std::string_view::npos) {
    file.remove_prefix(slash + 1);
  }
  return file.substr(0, file.rfind('.'));
}

}  // namespace

Result<Definition> parse_definition(std::string_view toml, std::string_view file) {
  if (toml.size() > kDefinitionMax) {
    return dsl::fail(dsl::Code::kTooLarge, "{} has {} bytes; a definition has at most {}", file,
                     toml.size(), kDefinitionMax)
        .id(code::kDefinitionInvalid);
  }
  auto document = dsl::config::parse_toml(toml, file);
  if (!document) {
    return dsl::fail(std::move(document).error()).id(code::kDefinitionSyntax);
  }

  Problems problems(file);
  check_section(*document, definition_grammar(), problems);
  const dsl::config::TomlValue* name = document->find("name");
  const bool named = name != nullptr && name->kind == dsl::config::TomlValue::Kind::kString;
  if (named && name->string != stem(file)) {
    problems.add(
        name->position, code::kNameMismatch,
        dsl::text("`name` is \"{}\", so the file must be {}.toml", name->string, name->string));
  }
  if (!problems.empty()) {
    return tl::unexpected(problems.to_error());
  }
  return Definition{std::string(file), name->string, std::move(*document)};
}

}  // namespace mcp::model
