#include "mcp/agent/image_saver.h"

#include <algorithm>
#include <set>

#include "dsl/log/log.h"

namespace mcp::agent {

using dsl::Code;
using dsl::text;

namespace {

const dsl::log::Logger logger("agent.images");
constexpr const char* kEventKind = "image";

}  // namespace

bool ImageSaver::is_kept(const std::string& tier) const {
  const std::vector<std::string>& tiers = config_.auto_save_tiers;
  return std::find(tiers.begin(), tiers.end(), tier) != tiers.end();
}

void ImageSaver::deployed(const std::string& service) {
  if (config_.auto_save_tiers.empty() || config_.image_dirs.empty()) {
    return;
  }
  if (!worker_.submit([this, service] { save_images_of(service); })) {
    logger.warn("the images of a deploy are not archived: too many wait", {{"service", service}});
  }
}

void ImageSaver::catch_up() {
  const Result<std::vector<ServiceRecord>> records = registry_.services();
  if (!records) {
    return;  // whoever needs the registry says so
  }
  for (const ServiceRecord& record : *records) {
    const bool missing = std::any_of(
        record.components.begin(), record.components.end(), [&](const ComponentRecord& component) {
          return !find_archive(env_.files(), config_.image_dirs, component.image);
        });
    if (missing && is_kept(record.service.tier)) {
      deployed(record.service.name);
    }
  }
}

// Read anew: the service may have been deployed again, or be gone.
void ImageSaver::save_images_of(const std::string& service) {
  const Result<std::optional<ServiceRecord>> record = registry_.service(service);
  if (stopping_ || !record || !*record || !is_kept((*record)->service.tier)) {
    return;
  }
  std::set<std::string> seen;
  for (const ComponentRecord& component : (*record)->components) {
    if (stopping_ || !seen.insert(component.image).second) {
      continue;
    }
    const Result<Images::Saved> saved =
        images_.save(component.image, {.cancelled = [this] { return stopping_.load(); }});
    if (saved && saved->written) {
      events_.add(Severity::kInfo, kEventKind, service, component.name,
                  text("archived {} as {}", component.image, saved->path));
    } else if (!saved && saved.error().code() != Code::kCancelled) {
      events_.add(Severity::kWarn, kEventKind, service, component.name,
                  text("{} is not archived: {}; mcp image save {} tries again", component.image,
                       saved.error().message(), component.image));
    }
  }
}

void ImageSaver::stop() {
  stopping_ = true;
  worker_.stop();
}

}  // namespace mcp::agent
