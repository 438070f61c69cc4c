#include "dsl/transcode/well_known.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>

#include "dsl/transcode/value.h"

namespace dsl::transcode {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::Message;
using WellKnown = Descriptor::WellKnownType;

}  // namespace

bool is_well_known(const Descriptor& type) {
  return type.well_known_type() != Descriptor::WELLKNOWNTYPE_UNSPECIFIED;
}

bool is_scalar_well_known(const Descriptor& type) {
  switch (type.well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_UNSPECIFIED:
    case Descriptor::WELLKNOWNTYPE_ANY:
    case Descriptor::WELLKNOWNTYPE_VALUE:
    case Descriptor::WELLKNOWNTYPE_LISTVALUE:
    case Descriptor::WELLKNOWNTYPE_STRUCT:
      return false;
    default:
      return true;
  }
}

std::string read_well_known(const JsonValue& value, Message& message) {
  const Descriptor& type = *message.GetDescriptor();
  const bool wrapper = type.full_name().ends_with("Value") && is_scalar_well_known(type);
  if (wrapper) {
    // By our own rules: libprotobuf would take "1" for a bool.
    const Form form = value.kind == JsonValue::Kind::kBool     ? Form::kBool
                      : value.kind == JsonValue::Kind::kNumber ? Form::kNumber
                                                               : Form::kString;
    if (value.kind == JsonValue::Kind::kArray || value.kind == JsonValue::Kind::kObject) {
      return "must be a single value";
    }
    return put_value(message, *type.field(0), value.text, form);
  }
  std::string json;
  append_json(value, json);
  if (!google::protobuf::util::JsonStringToMessage(json, &message).ok()) {
    return "must be the JSON of a " + type.full_name();
  }
  return {};
}

std::string put_well_known_text(Message& message, std::string_view text) {
  const Descriptor& type = *message.GetDescriptor();
  if (type.full_name().ends_with("Value")) {
    return put_value(message, *type.field(0), text, Form::kText);
  }
  return read_well_known({JsonValue::Kind::kString, std::string(text), {}}, message);
}

Result<void> append_well_known(const Message& message, std::string& out) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;  // of a message inside an Any
  options.preserve_proto_field_names = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(message, &json, options).ok()) {
    return fail(Code::kDataLoss, "a {} has a value without a JSON form",
                message.GetDescriptor()->full_name());
  }
  out += json;
  return {};
}

}  // namespace dsl::transcode
