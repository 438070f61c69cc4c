// Messages as JSON: the proto3 mapping with original field names.
#pragma once

#include <string>

#include <google/protobuf/message.h>

#include "dsl/result/result.h"
#include "dsl/transcode/json_tree.h"

namespace dsl::transcode {

// Appends the JSON of a message. Fields that are not set are there with their default, but for
// those without one: messages, members of a oneof, `optional` ones. 64-bit integers and bytes are
// strings, enums their names. kDataLoss when a well-known type in it has no JSON form, such
// as an Any of a type that is not linked.
Result<void> append_message(const google::protobuf::Message& message, std::string& out);

// Reads an object into an empty message. Names may be the original ones or in lowerCamelCase; null
// is as good as absent. kInvalidArgument names the first field that is unknown, given twice, of
// another type, or the second of a oneof.
Result<void> read_message(const JsonValue& value, google::protobuf::Message& message);
// Reads the value of one field.
Result<void> read_field(const JsonValue& value, google::protobuf::Message& message,
                        const google::protobuf::FieldDescriptor& field);

// "items[2].name must be a string", as the chain's validation says it.
Error field_error(std::string where, std::string problem);

}  // namespace dsl::transcode
