#include "mcp/model/override.h"

namespace mcp::model {

using dsl::Code;
using dsl::fail;
using dsl::config::TomlMember;
using dsl::config::TomlValue;

namespace {

TomlValue* find(TomlValue& table, std::string_view key) {
  for (TomlMember& member : table.members) {
    if (member.key == key) {
      return &member.value;
    }
  }
  return nullptr;
}

// A value that is replaced keeps its position, so that a problem with it points to the right line.
void put(TomlValue& table, const std::string& key, const std::string& text) {
  TomlValue* value = find(table, key);
  if (value == nullptr) {
    table.members.push_back({key, table.position, {.position = table.position}});
    value = &table.members.back().value;
  }
  value->kind = TomlValue::Kind::kString;
  value->string = text;
}

// A component as written. `table` is the document itself where there is no [[components]].
struct Written {
  std::string name;
  TomlValue* table;
};

std::vector<Written> components_of(Definition& definition) {
  TomlValue* tables = find(definition.document, "components");
  if (tables == nullptr || tables->items.empty()) {
    return {{definition.name, &definition.document}};
  }
  std::vector<Written> out;
  for (TomlValue& table : tables->items) {
    const TomlValue* name = find(table, "name");
    out.push_back({name != nullptr ? name->string : definition.name, &table});
  }
  return out;
}

Result<Written> chosen(const std::vector<Written>& written, const std::string& component,
                       const Definition& definition) {
  if (component.empty() && written.size() == 1) {
    return written.front();
  }
  std::string names;
  for (const Written& each : written) {
    if (each.name == component) {
      return each;
    }
    names += (names.empty() ? "" : ", ") + each.name;
  }
  if (component.empty()) {
    return fail(Code::kInvalidArgument, "{} has several components, and an image is for one",
                definition.name)
        .hint(dsl::text("name it: {}/COMPONENT, one of {}", definition.name, names));
  }
  return fail(Code::kInvalidArgument, "{} has no component {}", definition.name, component)
      .hint(dsl::text("it has {}", names));
}

Result<void> override_version(Definition& definition, const std::vector<Written>& written,
                              const Overrides& overrides) {
  if (!overrides.component.empty()) {
    MC_ASSIGN(const Written one, chosen(written, overrides.component, definition));
    if (find(*one.table, "image") != nullptr) {
      return fail(Code::kInvalidArgument, "{}/{} names its image in full, so it has no version",
                  definition.name, one.name)
          .hint("give the image in its place");
    }
    put(*one.table, "version", overrides.version);
    return {};
  }
  bool applies = false;
  for (const Written& each : written) {
    if (find(*each.table, "image") == nullptr) {
      applies = true;
      if (find(*each.table, "version") != nullptr) {
        put(*each.table, "version", overrides.version);
      }
    }
  }
  if (!applies) {
    return fail(Code::kInvalidArgument, "{} names its images in full, so it has no version",
                definition.name)
        .hint("give the image in its place");
  }
  put(definition.document, "version", overrides.version);
  return {};
}

}  // namespace

Result<void> apply_overrides(Definition& definition, const Overrides& overrides) {
  const std::vector<Written> written = components_of(definition);
  if (!overrides.image.empty()) {
    MC_ASSIGN(const Written one, chosen(written, overrides.component, definition));
    put(*one.table, "image", overrides.image);
  }
  if (!overrides.version.empty()) {
    MC_TRY(override_version(definition, written, overrides));
  }
  return {};
}

}  // namespace mcp::model
