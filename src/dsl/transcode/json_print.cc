#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include <google/protobuf/descriptor.h>

#include "dsl/json/canonical.h"
#include "dsl/json/text.h"
#include "dsl/transcode/json_message.h"
#include "dsl/transcode/well_known.h"

namespace dsl::transcode {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using Type = FieldDescriptor::CppType;

template <class T>
void append_float(T value, std::string& out) {
  if (!std::isfinite(value)) {
    out += std::isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
    return;
  }
  char buffer[64];
  const auto end = std::to_chars(std::begin(buffer), std::end(buffer), value);
  out.append(buffer, static_cast<std::size_t>(end.ptr - buffer));
}

template <class T>
void append_quoted(T value, std::string& out) {
  out += '"';
  out += std::to_string(value);
  out += '"';
}

void append_enum(const FieldDescriptor& field, int number, std::string& out) {
  const auto* value = field.enum_type()->FindValueByNumber(number);
  if (field.enum_type()->full_name() == "google.protobuf.NullValue") {
    out += "null";
  } else if (value == nullptr) {
    out += std::to_string(number);
  } else {
    json::append_string(value->name(), out);
  }
}

void append_text(const FieldDescriptor& field, const std::string& value, std::string& out) {
  if (field.type() == FieldDescriptor::TYPE_BYTES) {
    out += '"';
    out += json::base64(value);
    out += '"';
  } else {
    json::append_string(value, out);
  }
}

// `read` is the message's reflection, as below: to ask for it costs as much as to read a field.
// `index` < 0 reads a field that is not repeated.
Result<void> append_value(const Message& message, const Reflection& read,
                          const FieldDescriptor& field, int index, std::string& out) {
  const bool one = index < 0;
  switch (field.cpp_type()) {
    case Type::CPPTYPE_STRING: {
      std::string scratch;
      append_text(field,
                  one ? read.GetStringReference(message, &field, &scratch)
                      : read.GetRepeatedStringReference(message, &field, index, &scratch),
                  out);
      return {};
    }
    case Type::CPPTYPE_BOOL:
      out += (one ? read.GetBool(message, &field) : read.GetRepeatedBool(message, &field, index))
                 ? "true"
                 : "false";
      return {};
    case Type::CPPTYPE_INT32:
      out += std::to_string(one ? read.GetInt32(message, &field)
                                : read.GetRepeatedInt32(message, &field, index));
      return {};
    case Type::CPPTYPE_UINT32:
      out += std::to_string(one ? read.GetUInt32(message, &field)
                                : read.GetRepeatedUInt32(message, &field, index));
      return {};
    case Type::CPPTYPE_INT64:
      append_quoted(
          one ? read.GetInt64(message, &field) : read.GetRepeatedInt64(message, &field, index),
          out);
      return {};
    case Type::CPPTYPE_UINT64:
      append_quoted(
          one ? read.GetUInt64(message, &field) : read.GetRepeatedUInt64(message, &field, index),
          out);
      return {};
    case Type::CPPTYPE_DOUBLE:
      append_float(
          one ? read.GetDouble(message, &field) : read.GetRepeatedDouble(message, &field, index),
          out);
      return {};
    case Type::CPPTYPE_FLOAT:
      append_float(
          one ? read.GetFloat(message, &field) : read.GetRepeatedFloat(message, &field, index),
          out);
      return {};
    case Type::CPPTYPE_ENUM:
      append_enum(field,
                  one ? read.GetEnumValue(message, &field)
                      : read.GetRepeatedEnumValue(message, &field, index),
                  out);
      return {};
    case Type::CPPTYPE_MESSAGE:
      return append_message(
          one ? read.GetMessage(message, &field) : read.GetRepeatedMessage(message, &field, index),
          out);
  }
  return {};
}

Result<void> append_list(const Message& message, const Reflection& read,
                         const FieldDescriptor& field, std::string& out) {
  out += '[';
  const int size = read.FieldSize(message, &field);
  for (int i = 0; i < size; ++i) {
    out += i > 0 ? "," : "";
    MC_TRY(append_value(message, read, field, i, out));
  }
  out += ']';
  return {};
}

// A key as JSON's names are: text, also for numbers.
Result<std::string> key_of(const Message& entry, const FieldDescriptor& key) {
  std::string out;
  MC_TRY(append_value(entry, *entry.GetReflection(), key, -1, out));
  if (out.front() != '"') {
    out = text("\"{}\"", out);
  }
  return out;
}

// Sorted by the keys' JSON, so that equal messages have equal text.
Result<void> append_map(const Message& message, const Reflection& read,
                        const FieldDescriptor& field, std::string& out) {
  std::vector<std::pair<std::string, const Message*>> entries;
  for (int i = 0; i < read.FieldSize(message, &field); ++i) {
    const Message& entry = read.GetRepeatedMessage(message, &field, i);
    MC_ASSIGN(std::string key, key_of(entry, *field.message_type()->map_key()));
    entries.emplace_back(std::move(key), &entry);
  }
  std::sort(entries.begin(), entries.end());
  out += '{';
  for (std::size_t i = 0; i < entries.size(); ++i) {
    out += i > 0 ? "," : "";
    out += entries[i].first;
    out += ':';
    const Message& entry = *entries[i].second;
    MC_TRY(
        append_value(entry, *entry.GetReflection(), *field.message_type()->map_value(), -1, out));
  }
  out += '}';
  return {};
}

// google.protobuf.Value: whichever kind is set.
Result<void> append_dynamic(const Message& message, std::string& out) {
  const Reflection& read = *message.GetReflection();
  const FieldDescriptor* kind =
      read.GetOneofFieldDescriptor(message, message.GetDescriptor()->oneof_decl(0));
  if (kind == nullptr) {
    out += "null";
    return {};
  }
  return append_value(message, read, *kind, -1, out);
}

// `first`: nothing stands before them in the object.
Result<void> append_members(const Message& message, const Descriptor& type, bool first,
                            std::string& out) {
  const Reflection& read = *message.GetReflection();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.has_presence() && !read.HasField(message, &field)) {
      continue;
    }
    out += first ? "" : ",";
    first = false;
    json::append_string(field.name(), out);
    out += ':';
    if (field.is_map()) {
      MC_TRY(append_map(message, read, field, out));
    } else if (field.is_repeated()) {
      MC_TRY(append_list(message, read, field, out));
    } else {
      MC_TRY(append_value(message, read, field, -1, out));
    }
  }
  return {};
}

// google.protobuf.Any: what it holds, with its type beside it.
Result<void> append_any(const Message& message, std::string& out) {
  const Reflection& read = *message.GetReflection();
  const Descriptor& type = *message.GetDescriptor();
  const std::string url = read.GetString(message, type.FindFieldByName("type_url"));
  const std::string bytes = read.GetString(message, type.FindFieldByName("value"));
  if (url.empty() && bytes.empty()) {
    out += "{}";
    return {};
  }
  const std::unique_ptr<Message> inner = message_of_type_url(url);
  if (inner == nullptr || !inner->ParseFromString(bytes)) {
    return fail(Code::kDataLoss, "a google.protobuf.Any holds what is not known here: {}", url);
  }
  out += "{\"@type\":";
  json::append_string(url, out);
  if (is_well_known(*inner->GetDescriptor())) {
    out += ",\"value\":";
    MC_TRY(append_message(*inner, out));
  } else {
    MC_TRY(append_members(*inner, *inner->GetDescriptor(), false, out));
  }
  out += '}';
  return {};
}

}  // namespace

Result<void> append_message(const Message& message, std::string& out) {
  const Descriptor& type = *message.GetDescriptor();
  switch (type.well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_UNSPECIFIED:
      break;
    case Descriptor::WELLKNOWNTYPE_STRUCT:
      return append_map(message, *message.GetReflection(), *type.field(0), out);
    case Descriptor::WELLKNOWNTYPE_LISTVALUE:
      return append_list(message, *message.GetReflection(), *type.field(0), out);
    case Descriptor::WELLKNOWNTYPE_VALUE:
      return append_dynamic(message, out);
    case Descriptor::WELLKNOWNTYPE_ANY:
      return append_any(message, out);
    default:
      return is_wrapper(type)
                 ? append_value(message, *message.GetReflection(), *type.field(0), -1, out)
                 : append_string_well_known(message, out);
  }
  out += '{';
  MC_TRY(append_members(message, type, true, out));
  out += '}';
  return {};
}

}  // namespace dsl::transcode
