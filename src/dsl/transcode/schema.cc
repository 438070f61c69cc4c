#include "dsl/transcode/schema.h"

#include "dsl/comment/comment.h"
#include "dsl/result/text.h"
#include "dsl/transcode/well_known.h"
#include "dsl/v1/options.pb.h"

namespace dsl::transcode {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using Type = FieldDescriptor::CppType;

void describe_as(JsonWriter& json, std::string_view full_name) {
  if (const std::string_view comment = comment_of(full_name); !comment.empty()) {
    json.text("description", comment);
  }
}

}  // namespace

void Schemas::refer(const Descriptor& type) {
  if (is_well_known(type)) {
    well_known(type);
    return;
  }
  if (done_.count(type.full_name()) == 0) {
    waiting_[type.full_name()] = &type;
  }
  json_.text("$ref", text("#/components/schemas/{}", type.full_name()));
}

void Schemas::describe(const FieldDescriptor& field, bool one) {
  if (field.is_map()) {
    json_.text("type", "object");
    json_.object("additionalProperties", [&] { type_of(*field.message_type()->map_value()); });
  } else if (field.is_repeated() && !one) {
    json_.text("type", "array");
    json_.object("items", [&] {
      type_of(field);
      checks(field);
    });
  } else {
    type_of(field);
    checks(field);
  }
  describe_as(json_, field.full_name());
}

void Schemas::type_of(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case Type::CPPTYPE_BOOL:
      json_.text("type", "boolean");
      return;
    case Type::CPPTYPE_INT32:
    case Type::CPPTYPE_UINT32:
      json_.text("type", "integer");
      json_.text("format", field.cpp_type() == Type::CPPTYPE_INT32 ? "int32" : "uint32");
      return;
    case Type::CPPTYPE_INT64:
    case Type::CPPTYPE_UINT64:
      json_.text("type", "string");  // so that no reader rounds it
      json_.text("format", field.cpp_type() == Type::CPPTYPE_INT64 ? "int64" : "uint64");
      return;
    case Type::CPPTYPE_FLOAT:
    case Type::CPPTYPE_DOUBLE:
      json_.array("type", [&] {
        json_.item("number");
        json_.item("string");  // NaN, Infinity, -Infinity
      });
      json_.text("format", field.cpp_type() == Type::CPPTYPE_FLOAT ? "float" : "double");
      return;
    case Type::CPPTYPE_ENUM:
      if (field.enum_type()->full_name() == "google.protobuf.NullValue") {
        json_.text("type", "null");
        return;
      }
      json_.text("type", "string");
      json_.array("enum", [&] {
        for (int i = 0; i < field.enum_type()->value_count(); ++i) {
          json_.item(field.enum_type()->value(i)->name());
        }
      });
      return;
    case Type::CPPTYPE_STRING:
      json_.text("type", "string");
      if (field.type() == FieldDescriptor::TYPE_BYTES) {
        json_.text("contentEncoding", "base64");
      }
      return;
    case Type::CPPTYPE_MESSAGE:
      refer(*field.message_type());
      return;
  }
}

void Schemas::well_known(const Descriptor& type) {
  switch (type.well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_TIMESTAMP:
      json_.text("type", "string");
      json_.text("format", "date-time");
      return;
    case Descriptor::WELLKNOWNTYPE_DURATION:
      json_.text("type", "string");
      json_.text("pattern", R"(^-?[0-9]+(\.[0-9]{1,9})?s$)");
      return;
    case Descriptor::WELLKNOWNTYPE_FIELDMASK:
      json_.text("type", "string");
      return;
    case Descriptor::WELLKNOWNTYPE_STRUCT:
    case Descriptor::WELLKNOWNTYPE_ANY:
      json_.text("type", "object");
      return;
    case Descriptor::WELLKNOWNTYPE_LISTVALUE:
      json_.text("type", "array");
      return;
    case Descriptor::WELLKNOWNTYPE_VALUE:
      return;  // anything
    default:
      type_of(*type.field(0));  // a wrapper is what it wraps
      return;
  }
}

void Schemas::checks(const FieldDescriptor& field) {
  const auto& check = field.options().GetExtension(::dsl::v1::check);
  if (!check.pattern().empty()) {
    json_.text("pattern", text("^(?:{})$", check.pattern()));
  }
  // Not `required`: what a path gives may be absent from the body.
  if (check.required() && field.cpp_type() == Type::CPPTYPE_STRING && !field.is_repeated()) {
    json_.plain("minLength", "1");
  }
  if (check.max_bytes() != 0 && field.type() != FieldDescriptor::TYPE_BYTES) {
    json_.plain("maxLength", std::to_string(check.max_bytes()));
  }
  if ((check.min() != 0 || check.max() != 0) && field.cpp_type() != Type::CPPTYPE_INT64 &&
      field.cpp_type() != Type::CPPTYPE_UINT64) {
    json_.plain("minimum", std::to_string(check.min()));
    json_.plain("maximum", std::to_string(check.max()));
  }
}

void Schemas::write_all() {
  while (!waiting_.empty()) {
    const auto next = waiting_.extract(waiting_.begin());
    done_.emplace(next.key(), next.mapped());
    write_message(*next.mapped());
  }
}

void Schemas::write_message(const Descriptor& type) {
  json_.object(type.full_name(), [&] {
    json_.text("type", "object");
    json_.plain("additionalProperties", "false");
    describe_as(json_, type.full_name());
    json_.object("properties", [&] {
      for (int i = 0; i < type.field_count(); ++i) {
        json_.object(type.field(i)->name(), [&] { describe(*type.field(i), false); });
      }
    });
  });
}

}  // namespace dsl::transcode
