#include <set>

#include <google/protobuf/descriptor.h>

#include "dsl/transcode/json_message.h"
#include "dsl/transcode/value.h"
#include "dsl/transcode/well_known.h"

namespace dsl::transcode {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using Kind = JsonValue::Kind;

const FieldDescriptor* find_field(const Descriptor& type, const std::string& name) {
  const FieldDescriptor* field = type.FindFieldByName(name);
  return field != nullptr ? field : type.FindFieldByCamelcaseName(name);
}

// null has a meaning of its own for this field.
bool takes_null(const FieldDescriptor& field) {
  return (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM &&
          field.enum_type()->full_name() == "google.protobuf.NullValue") ||
         (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
          field.message_type()->well_known_type() == Descriptor::WELLKNOWNTYPE_VALUE);
}

// Walks a tree and a message together; `path` names the place in errors.
class Reader {
 public:
  Result<void> object(const JsonValue& value, Message& message, const std::string& path) {
    if (value.kind != Kind::kObject) {
      return fail(field_error(path.empty() ? "the body" : path, "must be an object"));
    }
    const Descriptor& type = *message.GetDescriptor();
    const std::string prefix = path.empty() ? "" : path + ".";
    std::set<const FieldDescriptor*> seen;
    for (const JsonValue::Member& member : value.members) {
      const std::string where = prefix + member.name;
      const FieldDescriptor* field = find_field(type, member.name);
      if (field == nullptr) {
        return fail(field_error(where, "is not a field of " + type.full_name()));
      }
      if (!seen.insert(field).second) {
        return fail(field_error(where, "is there twice"));
      }
      MC_TRY(this->field(member.value, message, *field, where));
    }
    return {};
  }

  Result<void> field(const JsonValue& value, Message& message, const FieldDescriptor& field,
                     const std::string& where) {
    if (value.kind == Kind::kNull && !(takes_null(field) && !field.is_repeated())) {
      return {};
    }
    const auto* oneof = field.real_containing_oneof();
    if (oneof != nullptr && message.GetReflection()->HasOneof(message, oneof)) {
      return fail(field_error(where, "is one too many of " + oneof->name()));
    }
    if (field.is_map()) {
      return map(value, message, field, where);
    }
    if (!field.is_repeated()) {
      return element(value, message, field, where);
    }
    if (value.kind != Kind::kArray) {
      return fail(field_error(where, "must be an array"));
    }
    for (std::size_t i = 0; i < value.members.size(); ++i) {
      MC_TRY(element(value.members[i].value, message, field, text("{}[{}]", where, i)));
    }
    return {};
  }

 private:
  Result<void> map(const JsonValue& value, Message& message, const FieldDescriptor& field,
                   const std::string& where) {
    if (value.kind != Kind::kObject) {
      return fail(field_error(where, "must be an object"));
    }
    for (const JsonValue::Member& member : value.members) {
      const std::string at = text("{}[{}]", where, member.name);
      Message& entry = *message.GetReflection()->AddMessage(&message, &field);
      if (std::string problem =
              put_value(entry, *field.message_type()->map_key(), member.name, Form::kText);
          !problem.empty()) {
        return fail(field_error(at, "has a key that " + problem));
      }
      MC_TRY(element(member.value, entry, *field.message_type()->map_value(), at));
    }
    return {};
  }

  // Sets a singular field, or adds one element.
  Result<void> element(const JsonValue& value, Message& message, const FieldDescriptor& field,
                       const std::string& where) {
    if (value.kind == Kind::kNull && !takes_null(field)) {
      return fail(field_error(where, "must not be null"));
    }
    std::string problem;
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      const Reflection& reflection = *message.GetReflection();
      Message& inner = field.is_repeated() ? *reflection.AddMessage(&message, &field)
                                           : *reflection.MutableMessage(&message, &field);
      if (!is_well_known(*field.message_type())) {
        return object(value, inner, where);
      }
      problem = read_well_known(value, inner);
    } else {
      problem = scalar(value, message, field);
    }
    if (!problem.empty()) {
      return fail(field_error(where, std::move(problem)));
    }
    return {};
  }

  static std::string scalar(const JsonValue& value, Message& message,
                            const FieldDescriptor& field) {
    switch (value.kind) {
      case Kind::kNull:
        return put_value(message, field, "0", Form::kNumber);  // NullValue
      case Kind::kBool:
        return put_value(message, field, value.text, Form::kBool);
      case Kind::kNumber:
        return put_value(message, field, value.text, Form::kNumber);
      case Kind::kString:
        return put_value(message, field, value.text, Form::kString);
      case Kind::kArray:
      case Kind::kObject:
        break;
    }
    return "must be a single value";
  }
};

}  // namespace

Result<void> read_message(const JsonValue& value, Message& message) {
  if (is_well_known(*message.GetDescriptor())) {
    if (std::string problem = read_well_known(value, message); !problem.empty()) {
      return fail(field_error("the body", std::move(problem)));
    }
    return {};
  }
  return Reader().object(value, message, "");
}

Result<void> read_field(const JsonValue& value, Message& message, const FieldDescriptor& field) {
  return Reader().field(value, message, field, field.name());
}

Error field_error(std::string where, std::string problem) {
  Error error(Code::kInvalidArgument, text("{} {}", where, problem));
  error.add_detail(std::move(where), std::move(problem));
  return error;
}

}  // namespace dsl::transcode
