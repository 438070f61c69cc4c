// The canonical form and the identities made from it.
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "dsl/hash/sha256.h"
#include "dsl/json/canonical.h"
#include "mcp/model/codes.h"
#include "mcp/model/json_fields.h"
#include "mcp/model/model.h"
#include "mcp/model/words.h"

namespace mcp::model {

namespace {

constexpr std::size_t kSpecMax = std::size_t{1} << 20;

std::string canonical_text(const boost::json::value& value) {
  auto text = dsl::json::canonical(value);
  MC_ASSERT(text.has_value(), "a resolved service holds valid UTF-8 and exact numbers");
  return std::move(*text);
}

}  // namespace

std::string canonical_json(const Service& service) { return canonical_text(to_json(service)); }

Result<Service> service_from_json(std::string_view text) {
  if (text.size() > kSpecMax) {
    return dsl::fail(dsl::Code::kTooLarge, "a specification of {} bytes; at most {} are read",
                     text.size(), kSpecMax)
        .id(code::kSpecUnreadable);
  }
  boost::json::error_code error;
  const boost::json::value value = boost::json::parse({text.data(), text.size()}, error);
  if (error) {
    return dsl::fail(dsl::Code::kInvalidArgument, "specification is not JSON: {}", error.message())
        .id(code::kSpecUnreadable);
  }
  return service_from(value);
}

std::string spec_sha256(const Service& service) { return dsl::sha256_hex(canonical_json(service)); }

std::string component_sha256(const Service& service, const Component& component) {
  boost::json::value value = to_json(component);
  boost::json::object& fields = value.get_object();
  for (const char* key : {"health", "after", "strategy"}) {
    fields.erase(key);
  }
  // Free labels are the service's, and each container carries them.
  boost::json::object labels;
  for (const auto& [key, text] : service.labels) {
    labels[key] = text;
  }
  fields["labels"] = std::move(labels);
  fields["service"] = service.name;
  // Given to the container, though no definition says them.
  for (const Volume& volume : socket_mounts(component)) {
    fields["volumes"].get_array().emplace_back(format_volume(volume));
  }
  for (const auto& [key, directory] : socket_environment(component)) {
    fields["env"].get_array().emplace_back(key + "=" + directory);
  }
  return dsl::sha256_hex(canonical_text(value));
}

}  // namespace mcp::model
