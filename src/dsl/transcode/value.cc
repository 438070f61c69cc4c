#include "dsl/transcode/value.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include <google/protobuf/descriptor.h>

#include "dsl/json/canonical.h"
#include "dsl/json/text.h"
#include "dsl/transcode/well_known.h"

namespace dsl::transcode {

namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using Type = FieldDescriptor::CppType;

constexpr char kWhole[] = "must be a whole number";
constexpr char kNumber[] = "must be a number";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

// "ServingStatus" -> "serving_status"
std::string snake(std::string_view camel) {
  std::string out;
  for (std::size_t i = 0; i < camel.size(); ++i) {
    const bool upper = camel[i] >= 'A' && camel[i] <= 'Z';
    if (upper && i > 0 && !(camel[i - 1] >= 'A' && camel[i - 1] <= 'Z')) {
      out += '_';
    }
    out += camel[i];
  }
  return lower(out);
}

// Nothing when the text is no such number, or too large for T.
template <class T>
std::optional<T> whole(std::string_view text, Form form) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && stop == end) {
    return value;
  }
  if (form == Form::kText || error != std::errc()) {
    return std::nullopt;
  }
  // JSON has one kind of number: 1e3 and 5.0 are whole ones too, as far as a double is exact.
  constexpr double kExactMax = 9007199254740992.0;
  double number = 0;
  const auto [stop_double, error_double] = std::from_chars(text.data(), end, number);
  if (error_double != std::errc() || stop_double != end || std::trunc(number) != number ||
      std::abs(number) > kExactMax || number < static_cast<double>(std::numeric_limits<T>::min()) ||
      number > static_cast<double>(std::numeric_limits<T>::max())) {
    return std::nullopt;
  }
  return static_cast<T>(number);
}

template <class T>
std::optional<T> floating(std::string_view text, Form form) {
  if (form != Form::kNumber) {
    if (text == "NaN") {
      return std::numeric_limits<T>::quiet_NaN();
    }
    if (text == "Infinity" || text == "-Infinity") {
      return text.front() == '-' ? -std::numeric_limits<T>::infinity()
                                 : std::numeric_limits<T>::infinity();
    }
  }
  // from_chars knows "inf" and "nan" as well; JSON does not.
  if (text.find_first_not_of("0123456789+-.eE") != std::string_view::npos) {
    return std::nullopt;
  }
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc::result_out_of_range && stop == end) {
    double wide = 0;
    const auto again = std::from_chars(text.data(), end, wide);
    const bool tiny = again.ec == std::errc() ? std::abs(wide) < 1 : text.find("e-") != text.npos;
    return tiny ? std::optional<T>(T{0}) : std::nullopt;  // too small is zero, too large is refused
  }
  if (error != std::errc() || stop != end) {
    return std::nullopt;
  }
  return value;
}

const EnumValueDescriptor* find_name(const EnumDescriptor& type, std::string_view text, Form form) {
  if (const auto* exact = type.FindValueByName(std::string(text)); exact || form != Form::kText) {
    return exact;
  }
  const std::string wanted = lower(text);
  for (int i = 0; i < type.value_count(); ++i) {
    const EnumValueDescriptor* value = type.value(i);
    if (wanted == lower(value->name()) || wanted == short_name(*value)) {
      return value;
    }
  }
  return nullptr;
}

std::string names_of(const EnumDescriptor& type) {
  constexpr int kNamesMax = 12;
  std::string out;
  for (int i = 0; i < type.value_count() && i < kNamesMax; ++i) {
    out += (i == 0 ? "" : ", ") + type.value(i)->name();
  }
  return out + (type.value_count() > kNamesMax ? ", ..." : "");
}

// Sets or adds, by whether the field is repeated.
template <class Value>
void store(Message& message, const FieldDescriptor& field, Value value,
           void (Reflection::*set)(Message*, const FieldDescriptor*, Value) const,
           void (Reflection::*add)(Message*, const FieldDescriptor*, Value) const) {
  (message.GetReflection()->*(field.is_repeated() ? add : set))(&message, &field, std::move(value));
}

std::string put_text(Message& message, const FieldDescriptor& field, std::string_view text,
                     Form form) {
  if (form != Form::kText && form != Form::kString) {
    return "must be a string";
  }
  std::string value(text);
  if (field.type() == FieldDescriptor::TYPE_BYTES) {
    if (!read_base64(text, value)) {
      return "must be base64";
    }
  } else if (!json::is_utf8(text)) {
    return "is not UTF-8";
  }
  store(message, field, std::move(value), &Reflection::SetString, &Reflection::AddString);
  return {};
}

std::string put_bool(Message& message, const FieldDescriptor& field, std::string_view text,
                     Form form) {
  if ((form != Form::kText && form != Form::kBool) || (text != "true" && text != "false")) {
    return "must be true or false";
  }
  store(message, field, text == "true", &Reflection::SetBool, &Reflection::AddBool);
  return {};
}

std::string put_enum(Message& message, const FieldDescriptor& field, std::string_view text,
                     Form form) {
  const EnumDescriptor& type = *field.enum_type();
  std::string wrong = "must be one of " + names_of(type);
  std::optional<std::int32_t> number;
  if (form == Form::kBool) {
    return wrong;
  }
  if (form != Form::kNumber) {
    if (const EnumValueDescriptor* value = find_name(type, text, form)) {
      number = value->number();
    }
  }
  if (!number && form != Form::kString) {
    number = whole<std::int32_t>(text, form);
  }
  if (!number) {
    return wrong;
  }
  store(message, field, int{*number}, &Reflection::SetEnumValue, &Reflection::AddEnumValue);
  return {};
}

template <class T>
std::string put_number(Message& message, const FieldDescriptor& field, std::optional<T> value,
                       const char* wrong,
                       void (Reflection::*set)(Message*, const FieldDescriptor*, T) const,
                       void (Reflection::*add)(Message*, const FieldDescriptor*, T) const) {
  if (!value) {
    return wrong;
  }
  store(message, field, *value, set, add);
  return {};
}

}  // namespace

std::string put_value(Message& message, const FieldDescriptor& field, std::string_view text,
                      Form form) {
  const bool is_bool = form == Form::kBool;
  switch (field.cpp_type()) {
    case Type::CPPTYPE_STRING:
      return put_text(message, field, text, form);
    case Type::CPPTYPE_BOOL:
      return put_bool(message, field, text, form);
    case Type::CPPTYPE_ENUM:
      return put_enum(message, field, text, form);
    case Type::CPPTYPE_INT32:
      return is_bool ? kWhole
                     : put_number(message, field, whole<std::int32_t>(text, form), kWhole,
                                  &Reflection::SetInt32, &Reflection::AddInt32);
    case Type::CPPTYPE_INT64:
      return is_bool ? kWhole
                     : put_number(message, field, whole<std::int64_t>(text, form), kWhole,
                                  &Reflection::SetInt64, &Reflection::AddInt64);
    case Type::CPPTYPE_UINT32:
      return is_bool ? kWhole
                     : put_number(message, field, whole<std::uint32_t>(text, form), kWhole,
                                  &Reflection::SetUInt32, &Reflection::AddUInt32);
    case Type::CPPTYPE_UINT64:
      return is_bool ? kWhole
                     : put_number(message, field, whole<std::uint64_t>(text, form), kWhole,
                                  &Reflection::SetUInt64, &Reflection::AddUInt64);
    case Type::CPPTYPE_DOUBLE:
      return is_bool ? kNumber
                     : put_number(message, field, floating<double>(text, form), kNumber,
                                  &Reflection::SetDouble, &Reflection::AddDouble);
    case Type::CPPTYPE_FLOAT:
      return is_bool ? kNumber
                     : put_number(message, field, floating<float>(text, form), kNumber,
                                  &Reflection::SetFloat, &Reflection::AddFloat);
    case Type::CPPTYPE_MESSAGE: {
      const Reflection& reflection = *message.GetReflection();
      Message* value = field.is_repeated() ? reflection.AddMessage(&message, &field)
                                           : reflection.MutableMessage(&message, &field);
      return is_wrapper(*value->GetDescriptor())
                 ? put_value(*value, *value->GetDescriptor()->field(0), text, form)
                 : read_string_well_known(text, *value);
    }
  }
  return {};
}

bool takes_text(const FieldDescriptor& field) {
  return field.cpp_type() != Type::CPPTYPE_MESSAGE || is_wrapper(*field.message_type()) ||
         is_string_well_known(*field.message_type());
}

std::string short_name(const EnumValueDescriptor& value) {
  const std::string name = lower(value.name());
  const std::string prefix = snake(value.type()->name()) + "_";
  return name.size() > prefix.size() && name.starts_with(prefix) ? name.substr(prefix.size())
                                                                 : name;
}

bool read_base64(std::string_view text, std::string& out) {
  std::string usual(text);
  for (char& c : usual) {
    c = c == '-' ? '+' : c == '_' ? '/' : c;
  }
  if (usual.find('=') == std::string::npos) {
    usual.append((4 - usual.size() % 4) % 4, '=');
  }
  Result<std::string> bytes = json::from_base64(usual);
  if (!bytes) {
    return false;
  }
  out = std::move(*bytes);
  return true;
}

}  // namespace dsl::transcode
