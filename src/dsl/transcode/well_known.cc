#include "dsl/transcode/well_known.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>

#include "dsl/json/text.h"

namespace dsl::transcode {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::Message;
using google::protobuf::MessageFactory;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "oneField.inner" -> "one_field.inner"; the original names are taken as well. False when it is
// neither.
bool read_mask_path(std::string_view camel, std::string& path) {
  for (const char c : camel) {
    if (is_upper(c)) {
      path += '_';
      path += static_cast<char>(c - 'A' + 'a');
    } else if (is_lower(c) || is_digit(c) || c == '.' || c == '_') {
      path += c;
    } else {
      return false;
    }
  }
  return !path.empty();
}

// The reverse. False when reading it again would give another path.
bool append_mask_path(std::string_view path, std::string& camel) {
  const std::size_t start = camel.size();
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '_' && i + 1 < path.size() && is_lower(path[i + 1])) {
      camel += static_cast<char>(path[++i] - 'a' + 'A');
    } else {
      camel += path[i];
    }
  }
  std::string again;
  return read_mask_path(std::string_view(camel).substr(start), again) && again == path;
}

bool read_mask(std::string_view text, Message& message) {
  const auto* paths = message.GetDescriptor()->FindFieldByName("paths");
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string path;
    if (!read_mask_path(text.substr(0, comma), path) || comma + 1 == text.size()) {
      return false;
    }
    message.GetReflection()->AddString(&message, paths, std::move(path));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return true;
}

bool append_mask(const Message& message, std::string& out) {
  const auto* paths = message.GetDescriptor()->FindFieldByName("paths");
  out += '"';
  for (int i = 0; i < message.GetReflection()->FieldSize(message, paths); ++i) {
    out += i > 0 ? "," : "";
    if (!append_mask_path(message.GetReflection()->GetRepeatedString(message, paths, i), out)) {
      return false;
    }
  }
  out += '"';
  return true;
}

// libprotobuf throws in a check of its own where it should refuse.
bool read_time(std::string_view text, Message& message) {
  std::string json;
  json::append_string(text, json);
  try {
    return google::protobuf::util::JsonStringToMessage(json, &message).ok();
  } catch (const std::exception&) {
    return false;
  }
}

// What a Timestamp and a Duration hold.
struct Span {
  std::int64_t seconds;
  std::int32_t nanos;
};

Span span_of(const Message& message) {
  const auto* reflection = message.GetReflection();
  const Descriptor& type = *message.GetDescriptor();
  return {reflection->GetInt64(message, type.FindFieldByNumber(1)),
          reflection->GetInt32(message, type.FindFieldByNumber(2))};
}

// `width` is at most 9.
void append_digits(std::uint64_t value, std::size_t width, std::string& out) {
  std::array<char, 9> digits;
  for (std::size_t at = width; at > 0; value /= 10) {
    digits[--at] = static_cast<char>('0' + value % 10);
  }
  out.append(digits.data(), width);
}

// ".250", ".000001", ".000000001", and nothing for whole seconds.
void append_fraction(std::int32_t nanos, std::string& out) {
  if (nanos == 0) {
    return;
  }
  out += '.';
  const auto value = static_cast<std::uint64_t>(nanos);
  if (value % 1'000'000 == 0) {
    append_digits(value / 1'000'000, 3, out);
  } else if (value % 1'000 == 0) {
    append_digits(value / 1'000, 6, out);
  } else {
    append_digits(value, 9, out);
  }
}

bool append_timestamp(Span at, std::string& out) {
  constexpr std::int64_t kFirst = -62'135'596'800;  // the years 1 to 9999, as the .proto says
  constexpr std::int64_t kLast = 253'402'300'799;
  if (at.seconds < kFirst || at.seconds > kLast || at.nanos < 0 || at.nanos > 999'999'999) {
    return false;
  }
  const std::chrono::sys_seconds time{std::chrono::seconds(at.seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  out += '"';
  append_digits(static_cast<std::uint64_t>(static_cast<int>(date.year())), 4, out);
  out += '-';
  append_digits(static_cast<unsigned>(date.month()), 2, out);
  out += '-';
  append_digits(static_cast<unsigned>(date.day()), 2, out);
  out += 'T';
  append_digits(static_cast<std::uint64_t>(clock.hours().count()), 2, out);
  out += ':';
  append_digits(static_cast<std::uint64_t>(clock.minutes().count()), 2, out);
  out += ':';
  append_digits(static_cast<std::uint64_t>(clock.seconds().count()), 2, out);
  append_fraction(at.nanos, out);
  out += "Z\"";
  return true;
}

bool append_duration(Span span, std::string& out) {
  constexpr std::int64_t kMost = 315'576'000'000;  // as the .proto says: some 10,000 years
  const bool negative = span.seconds < 0 || span.nanos < 0;
  if (span.seconds < -kMost || span.seconds > kMost || span.nanos < -999'999'999 ||
      span.nanos > 999'999'999 || (negative && (span.seconds > 0 || span.nanos > 0))) {
    return false;
  }
  out += negative ? "\"-" : "\"";
  out += std::to_string(std::abs(span.seconds));
  append_fraction(std::abs(span.nanos), out);
  out += "s\"";
  return true;
}

// By hand, since many answers have one, and libprotobuf serializes it and reads it again to print
// it.
bool append_time(const Message& message, std::string& out) {
  const bool is_timestamp =
      message.GetDescriptor()->well_known_type() == Descriptor::WELLKNOWNTYPE_TIMESTAMP;
  return is_timestamp ? append_timestamp(span_of(message), out)
                      : append_duration(span_of(message), out);
}

bool is_mask(const Descriptor& type) {
  return type.well_known_type() == Descriptor::WELLKNOWNTYPE_FIELDMASK;
}

}  // namespace

bool is_well_known(const Descriptor& type) {
  return type.well_known_type() != Descriptor::WELLKNOWNTYPE_UNSPECIFIED;
}

bool is_wrapper(const Descriptor& type) {
  return type.well_known_type() >= Descriptor::WELLKNOWNTYPE_DOUBLEVALUE &&
         type.well_known_type() <= Descriptor::WELLKNOWNTYPE_BOOLVALUE;
}

bool is_string_well_known(const Descriptor& type) {
  return type.well_known_type() == Descriptor::WELLKNOWNTYPE_TIMESTAMP ||
         type.well_known_type() == Descriptor::WELLKNOWNTYPE_DURATION ||
         type.well_known_type() == Descriptor::WELLKNOWNTYPE_FIELDMASK;
}

std::string read_string_well_known(std::string_view text, Message& message) {
  const Descriptor& type = *message.GetDescriptor();
  const bool taken = is_mask(type) ? read_mask(text, message) : read_time(text, message);
  return taken ? "" : "must be the JSON of a " + type.full_name();
}

Result<void> append_string_well_known(const Message& message, std::string& out) {
  const Descriptor& type = *message.GetDescriptor();
  if (!(is_mask(type) ? append_mask(message, out) : append_time(message, out))) {
    return fail(Code::kDataLoss, "a {} has a value without a JSON form", type.full_name());
  }
  return {};
}

std::unique_ptr<Message> message_of_type_url(std::string_view url) {
  const std::string name(url.substr(url.rfind('/') + 1));
  const Descriptor* type = DescriptorPool::generated_pool()->FindMessageTypeByName(name);
  const Message* prototype =
      type == nullptr ? nullptr : MessageFactory::generated_factory()->GetPrototype(type);
  return std::unique_ptr<Message>(prototype == nullptr ? nullptr : prototype->New());
}

}  // namespace dsl::transcode
