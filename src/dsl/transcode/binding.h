// What (dsl.v1.http) says of one method, resolved to fields.
#pragma once

#include <string>
#include <vector>

#include <google/protobuf/descriptor.h>

#include "dsl/result/result.h"
#include "dsl/rpc/method_table.h"

namespace dsl::transcode {

// The way from a message to a field inside it; all but the last are singular messages.
using FieldPath = std::vector<const google::protobuf::FieldDescriptor*>;

// The way that a dotted name takes; empty when there is none.
FieldPath find_path(const google::protobuf::Descriptor& type, std::string_view name);
std::string dotted(const FieldPath& path);

// One REST form of a method.
struct Binding {
  struct Parameter {
    std::string name;  // in the pattern: the field's, with underscores for dots
    FieldPath field;
  };

  struct Header {
    std::string name;  // in lower case
    FieldPath field;
  };

  const google::protobuf::MethodDescriptor* method = nullptr;
  std::string verb;     // "GET"
  std::string pattern;  // as http::Route has it
  std::vector<Parameter> parameters;
  bool whole_body = false;
  const google::protobuf::FieldDescriptor* body = nullptr;
  std::vector<Header> headers;  // that fill a field, by (dsl.v1.header)
  bool created = false;         // as (dsl.v1.http) has it
};

// Of every method of the table that has the option. kInternal with all faults.
Result<std::vector<Binding>> make_bindings(const rpc::MethodTable& table);

}  // namespace dsl::transcode
