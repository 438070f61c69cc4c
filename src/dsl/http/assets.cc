#include "dsl/http/assets.h"

#include <array>
#include <memory>

#include "dsl/http/compression.h"
#include "dsl/http/conditional.h"

namespace dsl::http {

namespace {

// One representation of an asset. `body` is a view of the binary or of `owned`.
struct Variant {
  Coding coding = Coding::kIdentity;
  std::string owned;
  std::string etag;
};

struct Prepared {
  Asset asset;
  std::string cache_control;
  std::array<Variant, 3> variants;  // by Coding; without a tag where it is not worth it
};

std::shared_ptr<const Prepared> prepare(const Asset& asset, const AssetOptions& options) {
  auto prepared = std::make_shared<Prepared>();
  prepared->asset = asset;
  prepared->cache_control = options.cache_control;
  for (const Coding coding : {Coding::kIdentity, Coding::kGzip, Coding::kZstd}) {
    Variant& variant = prepared->variants[static_cast<std::size_t>(coding)];
    variant.coding = coding;
    if (coding == Coding::kIdentity) {
      variant.etag = strong_etag(asset.bytes);
    } else if (is_compressible(asset.content_type)) {
      variant.owned = compress(coding, asset.bytes);
      if (variant.owned.size() < asset.bytes.size()) {
        variant.etag = strong_etag(variant.owned);
      }
    }
  }
  return prepared;
}

void serve(const Prepared& prepared, Exchange& exchange) {
  const Coding wanted = choose_coding(exchange.header("accept-encoding"));
  const Variant* variant = &prepared.variants[static_cast<std::size_t>(wanted)];
  if (variant->etag.empty()) {
    variant = &prepared.variants[static_cast<std::size_t>(Coding::kIdentity)];
  }
  Headers headers{{"content-type", std::string(prepared.asset.content_type)},
                  {"cache-control", prepared.cache_control},
                  {"vary", "accept-encoding"},
                  {"x-content-type-options", "nosniff"}};
  std::string_view body = prepared.asset.bytes;
  if (variant->coding != Coding::kIdentity) {
    headers.emplace_back("content-encoding", coding_name(variant->coding));
    body = variant->owned;
  }
  reply_conditional(exchange, {variant->etag, {}}, std::move(headers), body);
}

}  // namespace

void add_assets(Router& router, const std::vector<Asset>& assets, const AssetOptions& options) {
  for (const Asset& asset : assets) {
    Route route;
    route.pattern = options.prefix + std::string(asset.path);
    route.access = options.access;
    route.handle = [prepared = prepare(asset, options)](Exchange& exchange) {
      serve(*prepared, exchange);
    };
    router.add(std::move(route));
  }
}

}  // namespace dsl::http
