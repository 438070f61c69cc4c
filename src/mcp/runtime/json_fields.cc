#include "mcp/runtime/json_fields.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

namespace mcp::runtime {

namespace json = boost::json;
using dsl::Code;

dsl::Result<json::value> parse_json(std::string_view text, json::kind kind) {
  boost::system::error_code error;
  json::value value = json::parse(json::string_view(text.data(), text.size()), error);
  if (error || value.kind() != kind) {
    return dsl::fail(Code::kDataLoss, "podman's reply is not the JSON expected: {}",
                     text.substr(0, 120))
        .hint("check that the socket is podman's");
  }
  return value;
}

const json::value& member(const json::value& object, std::string_view name) {
  static const json::value kNothing;
  if (const auto* fields = object.if_object()) {
    if (const auto* value = fields->if_contains(json::string_view(name.data(), name.size()))) {
      return *value;
    }
  }
  return kNothing;
}

std::string text_of(const json::value& value) {
  const auto* text = value.if_string();
  return text == nullptr ? "" : std::string(text->data(), text->size());
}

std::int64_t integer_of(const json::value& value) {
  if (const auto* number = value.if_int64()) {
    return *number;
  }
  return 0;
}

bool flag_of(const json::value& value) {
  const auto* flag = value.if_bool();
  return flag != nullptr && *flag;
}

std::vector<std::string> texts_of(const json::value& array) {
  std::vector<std::string> out;
  for (const auto& item : items_of(array)) {
    out.push_back(text_of(item));
  }
  return out;
}

std::map<std::string, std::string> text_map_of(const json::value& object) {
  std::map<std::string, std::string> out;
  for (const auto& field : members_of(object)) {
    out.emplace(std::string(field.key()), text_of(field.value()));
  }
  return out;
}

const json::array& items_of(const json::value& value) {
  static const json::array kNone;
  const auto* items = value.if_array();
  return items == nullptr ? kNone : *items;
}

const json::object& members_of(const json::value& value) {
  static const json::object kNone;
  const auto* fields = value.if_object();
  return fields == nullptr ? kNone : *fields;
}

}  // namespace mcp::runtime
