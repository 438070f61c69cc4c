#include "dsl/transcode/well_known.h"

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
  std::string json;
  json::append_string(text, json);
  const std::string problem = "must be the JSON of a " + message.GetDescriptor()->full_name();
  try {
    const auto status = google::protobuf::util::JsonStringToMessage(json, &message);
    return status.ok() ? std::string() : problem;
  } catch (const std::exception&) {
    return problem;  // a check of libprotobuf's own: it throws where it should refuse
  }
}

Result<void> append_string_well_known(const Message& message, std::string& out) {
  std::string json;
  try {
    if (google::protobuf::util::MessageToJsonString(message, &json).ok()) {
      out += json;
      return {};
    }
  } catch (const std::exception&) {
    // As above.
  }
  return fail(Code::kDataLoss, "a {} has a value without a JSON form",
              message.GetDescriptor()->full_name());
}

std::unique_ptr<Message> message_of_type_url(std::string_view url) {
  const std::string name(url.substr(url.rfind('/') + 1));
  const Descriptor* type = DescriptorPool::generated_pool()->FindMessageTypeByName(name);
  const Message* prototype =
      type == nullptr ? nullptr : MessageFactory::generated_factory()->GetPrototype(type);
  return std::unique_ptr<Message>(prototype == nullptr ? nullptr : prototype->New());
}

}  // namespace dsl::transcode
