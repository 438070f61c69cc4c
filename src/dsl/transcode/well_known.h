// The messages of google.protobuf that have a JSON form of their own.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <google/protobuf/message.h>

#include "dsl/result/result.h"

namespace dsl::transcode {

// Any, Duration, FieldMask, Struct, Value, ListValue, Timestamp and the wrappers.
bool is_well_known(const google::protobuf::Descriptor& type);
// BoolValue, Int64Value, ...: their JSON is that of their only field.
bool is_wrapper(const google::protobuf::Descriptor& type);
// Timestamp, Duration, FieldMask: their JSON is a string.
bool is_string_well_known(const google::protobuf::Descriptor& type);

// Reads one of those three, "2026-01-01T00:00:00Z", "3.5s", "a,b.c". What is wrong with the text;
// empty when it was taken.
std::string read_string_well_known(std::string_view text, google::protobuf::Message& message);
// kDataLoss when it has no JSON form, as a Timestamp of the year 10000.
Result<void> append_string_well_known(const google::protobuf::Message& message, std::string& out);

// An empty message of the type that an Any names by its URL; nothing when it is not linked.
std::unique_ptr<google::protobuf::Message> message_of_type_url(std::string_view url);

}  // namespace dsl::transcode
