#include "dsl/rpc/validator.h"

#include <map>
#include <optional>
#include <regex>
#include <string>

#include <google/protobuf/descriptor.h>

#include "dsl/v1/options.pb.h"

namespace dsl::rpc {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using Type = FieldDescriptor::CppType;

constexpr std::size_t kFindingsMax = 20;
// std::regex recurses once for each character: beyond this a pattern is a refusal, not a stack
// overflow.
constexpr std::size_t kPatternBytesMax = 4096;

struct Rule {
  const FieldDescriptor* field = nullptr;
  ::dsl::v1::Check check;
  std::optional<std::regex> pattern;
};

struct MessageRules {
  std::vector<Rule> rules;
  std::vector<const FieldDescriptor*> nested;  // message fields whose own rules are to be checked
};

bool is_text(const FieldDescriptor& field) { return field.cpp_type() == Type::CPPTYPE_STRING; }

bool is_number(const FieldDescriptor& field) {
  const Type type = field.cpp_type();
  return type != Type::CPPTYPE_STRING && type != Type::CPPTYPE_MESSAGE &&
         type != Type::CPPTYPE_BOOL;
}

bool has_range(const ::dsl::v1::Check& check) { return check.min() != 0 || check.max() != 0; }

// What is wrong with the option itself; empty when it can be obeyed.
std::string fault_of(const FieldDescriptor& field, Rule& rule) {
  const ::dsl::v1::Check& check = rule.check;
  if (!is_text(field) && (!check.pattern().empty() || check.max_bytes() != 0)) {
    return "pattern and max_bytes are for strings and bytes";
  }
  if (!is_number(field) && has_range(check)) {
    return "min and max are for numbers";
  }
  if (check.min() > check.max()) {
    return "min is above max";
  }
  if (!check.pattern().empty()) {
    try {
      rule.pattern.emplace(check.pattern(), std::regex::ECMAScript | std::regex::optimize);
    } catch (const std::regex_error& error) {
      return text("pattern is not a regular expression: {}", error.what());
    }
  }
  return {};
}

template <class Number>
bool below(Number value, std::int64_t bound) {
  if constexpr (std::is_floating_point_v<Number>) {
    return !(value >= static_cast<Number>(bound));  // not-a-number is outside every range
  } else {
    return std::cmp_less(value, bound);
  }
}

template <class Number>
bool above(Number value, std::int64_t bound) {
  if constexpr (std::is_floating_point_v<Number>) {
    return !(value <= static_cast<Number>(bound));
  } else {
    return std::cmp_greater(value, bound);
  }
}

template <class Number>
std::string check_range(const ::dsl::v1::Check& check, Number value) {
  if (has_range(check) && (below(value, check.min()) || above(value, check.max()))) {
    return text("must be from {} to {}", check.min(), check.max());
  }
  return {};
}

std::string check_text(const Rule& rule, const std::string& value) {
  const ::dsl::v1::Check& check = rule.check;
  if (check.max_bytes() != 0 && value.size() > check.max_bytes()) {
    return text("has {} bytes, at most {} are allowed", value.size(), check.max_bytes());
  }
  if (rule.pattern && value.size() > kPatternBytesMax) {
    return text("has {} bytes, at most {} are allowed", value.size(), kPatternBytesMax);
  }
  if (rule.pattern && !std::regex_match(value, *rule.pattern)) {
    return text("does not match {}", check.pattern());
  }
  return {};
}

// `index` < 0 reads a field that is not repeated.
std::string check_value(const Rule& rule, const Message& message, int index) {
  const Reflection& read = *message.GetReflection();
  const FieldDescriptor* field = rule.field;
  const auto range = [&](auto value) { return check_range(rule.check, value); };
  switch (field->cpp_type()) {
    case Type::CPPTYPE_STRING: {
      std::string scratch;
      return check_text(
          rule, index < 0 ? read.GetStringReference(message, field, &scratch)
                          : read.GetRepeatedStringReference(message, field, index, &scratch));
    }
    case Type::CPPTYPE_INT32:
      return range(index < 0 ? read.GetInt32(message, field)
                             : read.GetRepeatedInt32(message, field, index));
    case Type::CPPTYPE_INT64:
      return range(index < 0 ? read.GetInt64(message, field)
                             : read.GetRepeatedInt64(message, field, index));
    case Type::CPPTYPE_UINT32:
      return range(index < 0 ? read.GetUInt32(message, field)
                             : read.GetRepeatedUInt32(message, field, index));
    case Type::CPPTYPE_UINT64:
      return range(index < 0 ? read.GetUInt64(message, field)
                             : read.GetRepeatedUInt64(message, field, index));
    case Type::CPPTYPE_DOUBLE:
      return range(index < 0 ? read.GetDouble(message, field)
                             : read.GetRepeatedDouble(message, field, index));
    case Type::CPPTYPE_FLOAT:
      return range(index < 0 ? read.GetFloat(message, field)
                             : read.GetRepeatedFloat(message, field, index));
    case Type::CPPTYPE_ENUM:
      return range(index < 0 ? read.GetEnumValue(message, field)
                             : read.GetRepeatedEnumValue(message, field, index));
    case Type::CPPTYPE_BOOL:
    case Type::CPPTYPE_MESSAGE:
      return {};
  }
  return {};
}

}  // namespace

struct Validator::Rules {
  std::map<const Descriptor*, MessageRules> messages;
};

namespace {

using Findings = std::vector<Detail>;
using RuleMap = std::map<const Descriptor*, MessageRules>;

void collect(const Descriptor* message, RuleMap& rules, Findings& faults) {
  if (rules.count(message) != 0) {
    return;
  }
  MessageRules& own = rules[message];
  for (int i = 0; i < message->field_count(); ++i) {
    const FieldDescriptor* field = message->field(i);
    if (field->options().HasExtension(::dsl::v1::check)) {
      Rule rule{field, field->options().GetExtension(::dsl::v1::check), std::nullopt};
      if (const std::string fault = fault_of(*field, rule); !fault.empty()) {
        faults.push_back({std::string(field->full_name()), fault});
      }
      own.rules.push_back(std::move(rule));
    }
    if (field->cpp_type() == Type::CPPTYPE_MESSAGE) {
      own.nested.push_back(field);
      collect(field->message_type(), rules, faults);
    }
  }
}

void check_message(const RuleMap& rules, const Message& message, const std::string& path,
                   Findings& findings) {
  const MessageRules& own = rules.at(message.GetDescriptor());
  const Reflection& read = *message.GetReflection();
  const auto add = [&](const FieldDescriptor* field, int index, std::string problem) {
    if (!problem.empty() && findings.size() < kFindingsMax) {
      const std::string element = index < 0 ? "" : text("[{}]", index);
      findings.push_back({path + field->name() + element, std::move(problem)});
    }
  };
  for (const Rule& rule : own.rules) {
    const FieldDescriptor* field = rule.field;
    const int size = field->is_repeated() ? read.FieldSize(message, field) : -1;
    const bool set = field->is_repeated() ? size > 0 : read.HasField(message, field);
    if (!set) {
      add(field, -1, rule.check.required() ? "is required" : "");
    } else if (size < 0) {
      add(field, -1, check_value(rule, message, -1));
    }
    for (int i = 0; i < size; ++i) {
      add(field, i, check_value(rule, message, i));
    }
  }
  for (const FieldDescriptor* field : own.nested) {
    if (!field->is_repeated()) {
      if (read.HasField(message, field)) {
        check_message(rules, read.GetMessage(message, field), path + field->name() + ".", findings);
      }
      continue;
    }
    for (int i = 0; i < read.FieldSize(message, field); ++i) {
      check_message(rules, read.GetRepeatedMessage(message, field, i),
                    text("{}{}[{}].", path, field->name(), i), findings);
    }
  }
}

}  // namespace

Validator::Validator(std::unique_ptr<const Rules> rules) : rules_(std::move(rules)) {}
Validator::Validator(Validator&&) noexcept = default;
Validator& Validator::operator=(Validator&&) noexcept = default;
Validator::~Validator() = default;

Result<Validator> Validator::create(const std::vector<const Descriptor*>& messages) {
  auto rules = std::make_unique<Rules>();
  Error error(Code::kInternal, "check options that cannot be obeyed");
  Findings faults;
  for (const Descriptor* message : messages) {
    collect(message, rules->messages, faults);
  }
  if (!faults.empty()) {
    for (Detail& fault : faults) {
      error.add_detail(std::move(fault.where), std::move(fault.message));
    }
    return fail(std::move(error));
  }
  return Validator(std::move(rules));
}

Result<void> Validator::check(const Message& message) const {
  Findings findings;
  check_message(rules_->messages, message, "", findings);
  if (findings.empty()) {
    return {};
  }
  Error error(Code::kInvalidArgument,
              text("{} {}", findings.front().where, findings.front().message));
  for (Detail& finding : findings) {
    error.add_detail(std::move(finding.where), std::move(finding.message));
  }
  return fail(std::move(error));
}

}  // namespace dsl::rpc
