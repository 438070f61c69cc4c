#include "mcns/service/unchangeable_writer.h"

#include <utility>

namespace mcns {
namespace {

using dsl::Result;

class UnchangeableWriter final : public Writer {
 public:
  explicit UnchangeableWriter(dsl::Error why) : why_(std::move(why)) {}

  Result<Outcome> apply(const Author&, const Batch&) override { return refused(); }
  Result<Outcome> create_zone(const Author&, store::ZoneRow, std::vector<Record>) override {
    return refused();
  }
  Result<Outcome> update_zone(const Author&, const ZoneUpdate&) override { return refused(); }
  Result<Outcome> delete_zone(const Author&, const Name&, std::optional<std::uint32_t>,
                              bool) override {
    return refused();
  }
  Result<Outcome> import(const Author&, Import) override { return refused(); }
  Result<Outcome> rollback(const Author&, const Name&, std::uint32_t, std::optional<std::uint32_t>,
                           bool) override {
    return refused();
  }
  void set_limits(const GuardOptions&, std::size_t) override {}
  void pause() override {}
  void resume() override {}
  const WriterFigures& figures() const override { return figures_; }

 private:
  Result<Outcome> refused() const { return tl::unexpected(why_); }

  const dsl::Error why_;
  const WriterFigures figures_;
};

}  // namespace

std::unique_ptr<Writer> unchangeable_writer(const dsl::Error& why) {
  return std::make_unique<UnchangeableWriter>(why);
}

}  // namespace mcns
