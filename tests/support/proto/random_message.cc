#include "support/proto/random_message.h"

#include <bit>
#include <limits>
#include <random>
#include <string>

#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/timestamp.pb.h>

namespace dsl::test {

namespace {

namespace gp = google::protobuf;
using gp::Descriptor;
using gp::FieldDescriptor;
using gp::Message;
using gp::Reflection;
using Type = FieldDescriptor::CppType;

constexpr int kDepthMax = 4;

class Filler {
 public:
  explicit Filler(std::uint64_t seed) : random_(seed) {}

  void fill(Message& message, int depth) {
    if (special(message, depth)) {
      return;
    }
    const Descriptor& type = *message.GetDescriptor();
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      const bool message_field = field.cpp_type() == Type::CPPTYPE_MESSAGE;
      if (below(3) == 0 || (message_field && depth >= kDepthMax)) {
        continue;
      }
      const std::uint64_t count = field.is_repeated() ? below(4) : 1;
      for (std::uint64_t n = 0; n < count; ++n) {
        put(message, field, depth);
      }
    }
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  template <class T>
  T number() {
    switch (below(5)) {
      case 0:
        return std::numeric_limits<T>::max();
      case 1:
        return std::numeric_limits<T>::lowest();
      case 2:
        return static_cast<T>(below(100));
      default:
        return static_cast<T>(random_());
    }
  }

  template <class T, class Bits>
  T real() {
    switch (below(4)) {
      case 0:
        return static_cast<T>(below(1000)) / 8;
      case 1:
        return std::numeric_limits<T>::infinity();
      default:
        return std::bit_cast<T>(static_cast<Bits>(random_()));  // NaN among them
    }
  }

  std::string text() {
    static constexpr const char* kPieces[] = {
        "a",    "Z",      "7",      " ",          "\"",   "\\",           "/", "\n",
        "\x01", "\u00e9", "\u20ac", "\U0001f600", "\x7f", "\xef\xbf\xbf", "%"};
    std::string out;
    for (std::uint64_t n = below(6); n > 0; --n) {
      out += kPieces[below(std::size(kPieces))];
    }
    return out;
  }

  std::string bytes() {
    std::string out;
    for (std::uint64_t n = below(6); n > 0; --n) {
      out += static_cast<char>(random_());
    }
    return out;
  }

  void put(Message& message, const FieldDescriptor& field, int depth) {
    const Reflection& write = *message.GetReflection();
    const bool add = field.is_repeated();
    const auto store = [&](auto value, auto set, auto append) {
      add ? (write.*append)(&message, &field, value) : (write.*set)(&message, &field, value);
    };
    switch (field.cpp_type()) {
      case Type::CPPTYPE_BOOL:
        return store(below(2) == 1, &Reflection::SetBool, &Reflection::AddBool);
      case Type::CPPTYPE_INT32:
        return store(number<std::int32_t>(), &Reflection::SetInt32, &Reflection::AddInt32);
      case Type::CPPTYPE_INT64:
        return store(number<std::int64_t>(), &Reflection::SetInt64, &Reflection::AddInt64);
      case Type::CPPTYPE_UINT32:
        return store(number<std::uint32_t>(), &Reflection::SetUInt32, &Reflection::AddUInt32);
      case Type::CPPTYPE_UINT64:
        return store(number<std::uint64_t>(), &Reflection::SetUInt64, &Reflection::AddUInt64);
      case Type::CPPTYPE_FLOAT:
        return store(real<float, std::uint32_t>(), &Reflection::SetFloat, &Reflection::AddFloat);
      case Type::CPPTYPE_DOUBLE:
        return store(real<double, std::uint64_t>(), &Reflection::SetDouble, &Reflection::AddDouble);
      case Type::CPPTYPE_ENUM:
        return store(enum_number(field), &Reflection::SetEnumValue, &Reflection::AddEnumValue);
      case Type::CPPTYPE_STRING: {
        std::string value = field.type() == FieldDescriptor::TYPE_BYTES ? bytes() : text();
        add ? write.AddString(&message, &field, std::move(value))
            : write.SetString(&message, &field, std::move(value));
        return;
      }
      case Type::CPPTYPE_MESSAGE:
        return fill(
            add ? *write.AddMessage(&message, &field) : *write.MutableMessage(&message, &field),
            depth + 1);
    }
  }

  int enum_number(const FieldDescriptor& field) {
    const gp::EnumDescriptor& type = *field.enum_type();
    if (type.full_name() == "google.protobuf.NullValue") {
      return 0;
    }
    return below(5) == 0
               ? 77
               : type.value(static_cast<int>(below(static_cast<std::uint64_t>(type.value_count()))))
                     ->number();
  }

  // Types whose content has rules of its own.
  bool special(Message& message, int depth) {
    if (auto* time = gp::DynamicCastToGenerated<gp::Timestamp>(&message)) {
      time->set_seconds(static_cast<std::int64_t>(below(315537897599)) - 62135596800);
      time->set_nanos(static_cast<std::int32_t>(below(1000000000)));
    } else if (auto* duration = gp::DynamicCastToGenerated<gp::Duration>(&message)) {
      const int sign = below(2) == 0 ? 1 : -1;
      duration->set_seconds(sign * static_cast<std::int64_t>(below(315576000000)));
      duration->set_nanos(sign * static_cast<std::int32_t>(below(1000000000)));
    } else if (auto* mask = gp::DynamicCastToGenerated<gp::FieldMask>(&message)) {
      mask->add_paths("one_field");
      mask->add_paths("other.nested_field");
    } else if (auto* any = gp::DynamicCastToGenerated<gp::Any>(&message)) {
      gp::Duration inner;
      fill(inner, depth);
      any->PackFrom(inner);
    } else if (auto* value = gp::DynamicCastToGenerated<gp::Value>(&message)) {
      fill_value(*value, depth);
    } else if (auto* object = gp::DynamicCastToGenerated<gp::Struct>(&message)) {
      for (std::uint64_t n = below(3); n > 0; --n) {
        fill_value((*object->mutable_fields())[text()], depth + 1);
      }
    } else if (auto* list = gp::DynamicCastToGenerated<gp::ListValue>(&message)) {
      for (std::uint64_t n = below(3); n > 0; --n) {
        fill_value(*list->add_values(), depth + 1);
      }
    } else {
      return false;
    }
    return true;
  }

  void fill_value(gp::Value& value, int depth) {
    switch (below(depth >= kDepthMax ? 4 : 6)) {
      case 0:
        value.set_null_value(gp::NULL_VALUE);
        return;
      case 1:
        value.set_number_value(static_cast<double>(below(1000)) / 8);
        return;
      case 2:
        value.set_string_value(text());
        return;
      case 3:
        value.set_bool_value(below(2) == 1);
        return;
      case 4:
        fill(*value.mutable_struct_value(), depth + 1);
        return;
      default:
        fill(*value.mutable_list_value(), depth + 1);
        return;
    }
  }

  std::mt19937_64 random_;
};

}  // namespace

void fill_randomly(Message& message, std::uint64_t seed) {
  message.Clear();
  Filler(seed).fill(message, 0);
  // What was put twice under one key of a map is one entry from now on.
  const std::string bytes = message.SerializeAsString();
  message.ParseFromString(bytes);
}

}  // namespace dsl::test
