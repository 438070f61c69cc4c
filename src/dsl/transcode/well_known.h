// The messages of google.protobuf that have a JSON form of their own; libprotobuf knows them.
#pragma once

#include <string>
#include <string_view>

#include <google/protobuf/message.h>

#include "dsl/result/result.h"
#include "dsl/transcode/json_tree.h"

namespace dsl::transcode {

// Any, Duration, FieldMask, Struct, Value, ListValue, Timestamp and the wrappers.
bool is_well_known(const google::protobuf::Descriptor& type);
// Those of them whose JSON is never an object or an array.
bool is_scalar_well_known(const google::protobuf::Descriptor& type);

// What is wrong with the value; empty when it was taken.
std::string read_well_known(const JsonValue& value, google::protobuf::Message& message);
// The same for the text of a query, which has no quotes: "2026-01-01T00:00:00Z", "3.5s", "7".
std::string put_well_known_text(google::protobuf::Message& message, std::string_view text);
// kDataLoss when the message has no JSON form, as a Timestamp of the year 10000.
Result<void> append_well_known(const google::protobuf::Message& message, std::string& out);

}  // namespace dsl::transcode
