// A container carries its service's specification as labels, so that a lost registry can be
// rebuilt. Reading them back, nothing is trusted.
#include <charconv>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <zstd.h>

#include "dsl/hash/sha256.h"
#include "dsl/json/canonical.h"
#include "mcp/model/codes.h"
#include "mcp/model/json_fields.h"
#include "mcp/model/model.h"

namespace mcp::model {

namespace {

constexpr std::size_t kLabelsMax = std::size_t{64} << 10;
constexpr std::size_t kSpecMax = std::size_t{1} << 20;
constexpr int kCompressionLevel = 9;

std::string compress(std::string_view text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  const std::size_t size =
      ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), kCompressionLevel);
  MC_ASSERT(ZSTD_isError(size) == 0, "the buffer has the size that zstd asks for");
  packed.resize(size);
  return packed;
}

dsl::Failure unreadable(dsl::Code code, std::string_view what) {
  return dsl::fail(code, "the labels of a container: {}", what).id(code::kSpecUnreadable);
}

Result<std::string> decompress(std::string_view packed) {
  // The frame's own claim bounds the buffer; a frame without one was not written by us.
  const unsigned long long size = ZSTD_getFrameContentSize(packed.data(), packed.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN) {
    return unreadable(dsl::Code::kInvalidArgument, "mcp.spec is not one zstd frame");
  }
  if (size > kSpecMax) {
    return unreadable(dsl::Code::kInvalidArgument,
                      dsl::text("mcp.spec unpacks to {} bytes, above {}",
                                static_cast<std::uint64_t>(size), kSpecMax));
  }
  std::string text(static_cast<std::size_t>(size), '\0');
  const std::size_t got = ZSTD_decompress(text.data(), text.size(), packed.data(), packed.size());
  if (ZSTD_isError(got) != 0 || got != text.size()) {
    return unreadable(dsl::Code::kDataLoss, "mcp.spec is damaged");
  }
  return text;
}

Result<std::string> label(const std::map<std::string, std::string>& labels, const char* key) {
  const auto found = labels.find(key);
  if (found == labels.end()) {
    return unreadable(dsl::Code::kInvalidArgument, dsl::text("{} is missing", key));
  }
  if (found->second.size() > kLabelsMax) {
    return unreadable(dsl::Code::kInvalidArgument, dsl::text("{} is too long", key));
  }
  return found->second;
}

}  // namespace

Result<std::map<std::string, std::string>> container_labels(const Service& service,
                                                            const Component& component,
                                                            std::int64_t generation,
                                                            const std::vector<Allocation>& ports) {
  const std::string spec = canonical_json(service);
  auto allocated = dsl::json::canonical(to_json(ports));
  MC_ASSERT(allocated.has_value(), "allocations hold names and small numbers");

  std::map<std::string, std::string> labels = service.labels;
  labels["mcp.managed"] = "1";
  labels["mcp.node"] = service.node;
  labels["mcp.service"] = service.name;
  labels["mcp.component"] = component.name;
  labels["mcp.tier"] = service.tier;
  labels["mcp.generation"] = std::to_string(generation);
  labels["mcp.spec.sha256"] = dsl::sha256_hex(spec);
  labels["mcp.component.sha256"] = component_sha256(service, component);
  labels["mcp.spec"] = dsl::json::base64(compress(spec));
  labels["mcp.ports"] = std::move(*allocated);

  std::size_t size = 0;
  for (const auto& [key, value] : labels) {
    size += key.size() + value.size();
  }
  if (size > kLabelsMax || spec.size() > kSpecMax) {
    return dsl::fail(dsl::Code::kTooLarge, "the labels of {} would have {} bytes, above {}",
                     component.container, size, kLabelsMax)
        .hint(dsl::text("move long values out of `env` and `cmd` into files below /srv/{}",
                        service.name))
        .id(code::kLabelsTooLarge);
  }
  return labels;
}

Result<LabelSpec> service_from_labels(const std::map<std::string, std::string>& labels) {
  MC_ASSIGN(const std::string packed_text, label(labels, "mcp.spec"));
  MC_ASSIGN(const std::string sha256, label(labels, "mcp.spec.sha256"));
  MC_ASSIGN(const std::string generation, label(labels, "mcp.generation"));
  MC_ASSIGN(const std::string ports, label(labels, "mcp.ports"));
  LabelSpec spec;
  MC_ASSIGN(spec.component, label(labels, "mcp.component"));

  auto packed = dsl::json::from_base64(packed_text);
  if (!packed) {
    return unreadable(dsl::Code::kInvalidArgument, "mcp.spec is not base64");
  }
  MC_ASSIGN(const std::string text, decompress(*packed));
  if (dsl::sha256_hex(text) != sha256) {
    return unreadable(dsl::Code::kDataLoss, "mcp.spec does not have the hash of mcp.spec.sha256");
  }
  MC_ASSIGN(spec.service, service_from_json(text));
  if (spec.service.find(spec.component) == nullptr) {
    return unreadable(dsl::Code::kInvalidArgument, "mcp.component is not in the specification");
  }

  const char* end = generation.data() + generation.size();
  const auto parsed = std::from_chars(generation.data(), end, spec.generation);
  if (parsed.ec != std::errc() || parsed.ptr != end || spec.generation < 0) {
    return unreadable(dsl::Code::kInvalidArgument, "mcp.generation is not a number");
  }
  boost::json::error_code error;
  const boost::json::value value = boost::json::parse(ports, error);
  if (error) {
    return unreadable(dsl::Code::kInvalidArgument, "mcp.ports is not JSON");
  }
  MC_ASSIGN(spec.ports, allocations_from(value));
  return spec;
}

}  // namespace mcp::model
