// JSON Schema (2020-12, as OpenAPI 3.1 has it) of messages and fields.
#pragma once

#include <map>
#include <string>

#include <google/protobuf/descriptor.h>

#include "dsl/transcode/json_writer.h"

namespace dsl::transcode {

// Gathers the types that a document refers to. Confined to one thread.
class Schemas {
 public:
  explicit Schemas(JsonWriter& json) : json_(json) {}

  // A reference to the schema of a message, which `write_all` then writes.
  void refer(const google::protobuf::Descriptor& type);
  // The members of a schema for a field: its type, bounds, description. `one` leaves out that it
  // is repeated.
  void describe(const google::protobuf::FieldDescriptor& field, bool one);
  // Every message that was referred to, and what they contain, as members of components.schemas.
  void write_all();

 private:
  void write_message(const google::protobuf::Descriptor& type);
  void type_of(const google::protobuf::FieldDescriptor& field);
  void well_known(const google::protobuf::Descriptor& type);
  void checks(const google::protobuf::FieldDescriptor& field);

  JsonWriter& json_;
  std::map<std::string, const google::protobuf::Descriptor*> waiting_;
  std::map<std::string, const google::protobuf::Descriptor*> done_;
};

}  // namespace dsl::transcode
