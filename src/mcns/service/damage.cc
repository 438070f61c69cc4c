// The service without its database: names as an image or the memory has them, and nothing that can
// be changed.
#include "dsl/env/clock.h"
#include "dsl/log/log.h"
#include "dsl/result/text.h"
#include "mcns/service/image_database.h"
#include "mcns/service/refusals.h"
#include "mcns/service/service.h"
#include "mcns/service/unchangeable_writer.h"

namespace mcns {
namespace {

using dsl::Result;

const dsl::log::Logger logger("mcns");

// What is wrong with both, and what to do about either.
dsl::Error without_image(const dsl::Error& damage, const dsl::Error& why) {
  dsl::Error out(damage.code(), dsl::text("{}; {}", damage.message(), why.message()));
  const bool is_of_another_build = why.code() == dsl::Code::kFailedPrecondition;
  out.set_hint((is_of_another_build ? "start that build, which can serve it; or " : "") +
               damage.hint());
  return out;
}

}  // namespace

// A process that hands over still has its zones, which are newer, unless they are those of an
// image.
bool Service::may_serve_image(const dsl::Error& error) const {
  return error.code() == dsl::Code::kDataLoss && config_.damaged == "serve-image" &&
         (!heir_ || heir_->estate().unchangeable);
}

Result<void> Service::take_image(const dsl::Error& damage) {
  if (!images_) {
    return tl::unexpected(damage);
  }
  images_->stop();
  const auto written = images_->load_last();
  if (!written) {
    return tl::unexpected(without_image(damage, written.error()));
  }
  logger.failure(dsl::log::Level::kError, "the database is damaged", damage);
  logger.error("names are answered as they were last known, and nothing can be changed",
               {{"as_of", dsl::env::format_time(*written)}});
  images_.reset();  // what is served from now on is not the database's, and leaves no image
  close_database();
  dsl::Secret own = dsl::Secret::zeroed(cookie::kSecretSize);
  env_->random().fill(own.expose_mutable());
  secrets_.publish(own, own);
  damage_ = Damage{unchangeable(damage, way_back()), *written};
  do_without_database();
  return {};
}

std::string Service::way_back() const {
  return mcns::way_back(env_->files(), config_.backup_dir, !config_.replica.directories().empty());
}

Result<void> Service::with_way_back(Result<void> done) const {
  if (!done && done.error().code() == dsl::Code::kDataLoss) {
    done.error().set_hint(dsl::text("{}: {}", done.error().hint(), way_back()));
  }
  return done;
}

void Service::do_without_database() {
  database_ = image_database(*env_, zones_, damage_->why, damage_->as_of);
  writer_ = unchangeable_writer(damage_->why);
}

std::vector<std::string> Service::problems() const {
  if (!damage_) {
    return {};
  }
  return {dsl::text("as of {}: {}; {}", dsl::env::format_time(damage_->as_of),
                    damage_->why.message(), damage_->why.hint()),
          "upstreams are those of the configuration file: what `mcns forward set` has stored is in "
          "the database alone"};
}

}  // namespace mcns
