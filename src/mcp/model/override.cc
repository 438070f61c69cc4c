#include "mcp/model/override.h"

#include <algorithm>

namespace mcp::model {

using dsl::Code;
using dsl::fail;
using dsl::config::TomlMember;
using dsl::config::TomlValue;

namespace {

TomlValue* member(TomlValue& table, std::string_view key) {
  const auto found = std::find_if(table.members.begin(), table.members.end(),
                                  [&](const TomlMember& m) { return m.key == key; });
  return found == table.members.end() ? nullptr : &found->value;
}

void set_text(TomlValue& table, const std::string& key, const std::string& value) {
  TomlValue* existing = member(table, key);
  if (existing == nullptr) {
    TomlMember added;
    added.key = key;
    added.position = table.position;
    added.value.position = table.position;
    table.members.push_back(std::move(added));
    existing = &table.members.back().value;
  }
  existing->kind = TomlValue::Kind::kString;
  existing->string = value;
}

void remove(TomlValue& table, std::string_view key) {
  std::erase_if(table.members, [&](const TomlMember& m) { return m.key == key; });
}

bool has_name(const TomlValue& component, const std::string& name) {
  const TomlValue* found = component.find("name");
  return found != nullptr && found->string == name;
}

}  // namespace

Result<void> apply_overrides(Definition& definition, const Overrides& overrides) {
  if (overrides.version.empty() && overrides.image.empty()) {
    return {};
  }
  TomlValue& document = definition.document;
  TomlValue* components = member(document, "components");
  std::vector<TomlValue*> chosen;
  if (components != nullptr) {
    for (TomlValue& component : components->items) {
      if (overrides.component.empty() || components->items.size() == 1 ||
          has_name(component, overrides.component)) {
        chosen.push_back(&component);
      }
    }
  }
  if (!overrides.image.empty()) {
    if (chosen.size() > 1) {
      return fail(Code::kInvalidArgument, "service {} has several components, and --image is one",
                  definition.name)
          .hint(dsl::text("name the component: mcp deploy {}/COMPONENT --image ...",
                          definition.name));
    }
    set_text(chosen.empty() ? document : *chosen.front(), "image", overrides.image);
  }
  if (!overrides.version.empty()) {
    if (overrides.component.empty() || chosen.empty()) {
      set_text(document, "version", overrides.version);
    }
    for (TomlValue* component : chosen) {
      if (overrides.component.empty()) {
        remove(*component, "version");
      } else {
        set_text(*component, "version", overrides.version);
      }
    }
  }
  return {};
}

}  // namespace mcp::model
