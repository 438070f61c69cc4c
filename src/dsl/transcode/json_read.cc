#include <memory>
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
  // A message by the form that its type has.
  Result<void> whole(const JsonValue& value, Message& message, const std::string& where) {
    const Descriptor& type = *message.GetDescriptor();
    switch (type.well_known_type()) {
      case Descriptor::WELLKNOWNTYPE_UNSPECIFIED:
        return object(value, message, where);
      case Descriptor::WELLKNOWNTYPE_ANY:
        return any(value, message, where);
      case Descriptor::WELLKNOWNTYPE_VALUE:
        return dynamic(value, message, where);
      case Descriptor::WELLKNOWNTYPE_LISTVALUE:
        return list(value, message, *type.field(0), where);
      case Descriptor::WELLKNOWNTYPE_STRUCT:
        return map(value, message, *type.field(0), where);
      default:
        break;
    }
    if (is_wrapper(type)) {
      return scalar(value, message, *type.field(0), where);
    }
    std::string problem = value.kind == Kind::kString ? read_string_well_known(value.text, message)
                                                      : "must be the JSON of a " + type.full_name();
    if (!problem.empty()) {
      return fail(field_error(where, std::move(problem)));
    }
    return {};
  }

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
    return list(value, message, field, where);
  }

 private:
  Result<void> list(const JsonValue& value, Message& message, const FieldDescriptor& field,
                    const std::string& where) {
    if (value.kind != Kind::kArray) {
      return fail(field_error(where, "must be an array"));
    }
    for (std::size_t i = 0; i < value.members.size(); ++i) {
      MC_TRY(element(value.members[i].value, message, field, text("{}[{}]", where, i)));
    }
    return {};
  }

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
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      const Reflection& reflection = *message.GetReflection();
      return whole(value,
                   field.is_repeated() ? *reflection.AddMessage(&message, &field)
                                       : *reflection.MutableMessage(&message, &field),
                   where);
    }
    return scalar(value, message, field, where);
  }

  // google.protobuf.Value: the field of the kind that the JSON has.
  Result<void> dynamic(const JsonValue& value, Message& message, const std::string& where) {
    const char* field = nullptr;
    switch (value.kind) {
      case Kind::kNull:
        field = "null_value";
        break;
      case Kind::kBool:
        field = "bool_value";
        break;
      case Kind::kNumber:
        field = "number_value";
        break;
      case Kind::kString:
        field = "string_value";
        break;
      case Kind::kArray:
        field = "list_value";
        break;
      case Kind::kObject:
        field = "struct_value";
        break;
    }
    return element(value, message, *message.GetDescriptor()->FindFieldByName(field), where);
  }

  // google.protobuf.Any: "@type" names the message, whose members stand beside it, or whose JSON is
  // the member "value" where it has a form of its own.
  Result<void> any(const JsonValue& value, Message& message, const std::string& where) {
    if (value.kind != Kind::kObject) {
      return fail(field_error(where, "must be an object"));
    }
    if (value.members.empty()) {
      return {};
    }
    std::string url;
    JsonValue rest{Kind::kObject, "", {}};
    for (const JsonValue::Member& member : value.members) {
      if (member.name == "@type" && member.value.kind == Kind::kString) {
        url = member.value.text;
      } else {
        rest.members.push_back(member);
      }
    }
    const std::unique_ptr<Message> inner = message_of_type_url(url);
    if (inner == nullptr) {
      return fail(field_error(where + ".@type", "must name a type that is known here"));
    }
    if (!is_well_known(*inner->GetDescriptor())) {
      MC_TRY(object(rest, *inner, where));
    } else if (rest.members.size() == 1 && rest.members[0].name == "value") {
      MC_TRY(whole(rest.members[0].value, *inner, where + ".value"));
    } else {
      return fail(field_error(where, "must have its content as the one member value"));
    }
    const auto& reflection = *message.GetReflection();
    reflection.SetString(&message, message.GetDescriptor()->FindFieldByName("type_url"),
                         std::move(url));
    reflection.SetString(&message, message.GetDescriptor()->FindFieldByName("value"),
                         inner->SerializeAsString());
    return {};
  }

  static Result<void> scalar(const JsonValue& value, Message& message, const FieldDescriptor& field,
                             const std::string& where) {
    std::string problem = "must be a single value";
    switch (value.kind) {
      case Kind::kNull:
        problem = put_value(message, field, "0", Form::kNumber);  // NullValue
        break;
      case Kind::kBool:
        problem = put_value(message, field, value.text, Form::kBool);
        break;
      case Kind::kNumber:
        problem = put_value(message, field, value.text, Form::kNumber);
        break;
      case Kind::kString:
        problem = put_value(message, field, value.text, Form::kString);
        break;
      case Kind::kArray:
      case Kind::kObject:
        break;
    }
    if (!problem.empty()) {
      return fail(field_error(where, std::move(problem)));
    }
    return {};
  }
};

}  // namespace

Result<void> read_message(const JsonValue& value, Message& message) {
  const bool plain = !is_well_known(*message.GetDescriptor());
  return plain ? Reader().object(value, message, "") : Reader().whole(value, message, "the body");
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
