// One value of a field from text: a path segment, a query value, a JSON scalar.
#pragma once

#include <string>
#include <string_view>

#include <google/protobuf/message.h>

namespace dsl::transcode {

enum class Form {
  kText,    // of a path or a query, or a map's key
  kString,  // JSON, as the three below
  kNumber,
  kBool,
};

// Sets the field, or adds an element when it is repeated. What is wrong with the text otherwise,
// "must be a whole number"; empty when it was taken. Not for messages, but for those of the
// well-known types whose JSON is a scalar (Timestamp, Duration, FieldMask, wrappers).
//
// An enum is taken by its name or number. As kText also by its short name, which lacks what the
// names of the type begin with ("running" of STATE_RUNNING in State), both in any case.
std::string put_value(google::protobuf::Message& message,
                      const google::protobuf::FieldDescriptor& field, std::string_view text,
                      Form form);

// Whether put_value can set it.
bool takes_text(const google::protobuf::FieldDescriptor& field);

// STATE_RUNNING of State -> running.
std::string short_name(const google::protobuf::EnumValueDescriptor& value);

// Bytes of base64, with the usual or the URL's alphabet, with or without padding: proto3's mapping
// takes all of them. False when it is none.
bool read_base64(std::string_view text, std::string& out);

}  // namespace dsl::transcode
