#include "dsl/db/image.h"

#include <future>

#include "dsl/db/damage.h"
#include "dsl/db/inventory.h"
#include "dsl/db/pinned.h"
#include "dsl/hash/sha256.h"

namespace dsl::db {
namespace {

class PinnedImage final : public Image {
 public:
  PinnedImage(env::Env& env, PinnedState state) : env_(env), state_(std::move(state)) {}

  std::uint64_t size_bytes() const override { return state_.size_bytes(); }

  Result<void> check() override { return check_pages(*state_.connection); }

  Result<ImageFacts> read(
      const std::function<Result<void>(std::span<const std::byte>)>& bytes) override {
    auto counted =
        std::async(std::launch::async, [&] { return take_inventory(*state_.connection); });
    Result<void> given = read_state(env_, state_, bytes);
    Result<Inventory> inventory = counted.get();
    MC_TRY(std::move(given));
    MC_TRY(inventory);
    return ImageFacts{.page_bytes = state_.page_bytes,
                      .schema_sha256 = sha256_hex(inventory->schema),
                      .rows = {inventory->rows.begin(), inventory->rows.end()}};
  }

 private:
  env::Env& env_;
  const PinnedState state_;
};

}  // namespace

Result<std::unique_ptr<Image>> Image::pin(env::Env& env, const std::string& path) {
  MC_ASSIGN(PinnedState state, pin_state(env, path));
  return std::make_unique<PinnedImage>(env, std::move(state));
}

}  // namespace dsl::db
