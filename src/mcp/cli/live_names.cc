#include "mcp/cli/live_names.h"

#include <set>

#include "mcp/cli/definitions.h"
#include "mcp/model/catalogue.h"

namespace mcp::cli {

namespace {

constexpr std::chrono::milliseconds kPatience{700};  // somebody has pressed Tab

pb::ListContainersReply containers(Context& context, bool all) {
  context.globals.timeout = kPatience;
  const Result<Client*> client = context.client();
  if (!client) {
    return {};
  }
  pb::ListContainersRequest request;
  request.set_all(all);
  return (*client)
      ->call<pb::ListContainersReply>("ListContainers", request)
      .value_or(pb::ListContainersReply());
}

std::set<std::string> service_names(Context& context, bool components) {
  std::set<std::string> names;
  const pb::ListContainersReply reply = containers(context, false);
  for (const pb::ContainerState& container : reply.containers()) {
    if (!container.service().empty()) {
      names.insert(container.service());
    }
    if (components && !container.component().empty()) {
      names.insert(container.service() + "/" + container.component());
    }
  }
  for (const std::string& name : definition_names(context).value_or(std::vector<std::string>{})) {
    names.insert(name);
  }
  return names;
}

// Those that `mcp image save` can save.
std::set<std::string> image_names(Context& context) {
  context.globals.timeout = kPatience;
  std::set<std::string> names;
  const Result<Client*> client = context.client();
  if (!client) {
    return names;
  }
  const pb::ListImagesReply reply =
      (*client)
          ->call<pb::ListImagesReply>("ListImages", pb::ListImagesRequest())
          .value_or(pb::ListImagesReply());
  for (const pb::ImageState& image : reply.images()) {
    if (image.in_store() && !image.reference().empty()) {
      names.insert(image.reference());
    }
  }
  return names;
}

}  // namespace

std::vector<std::string> live_names(Context& context, std::string_view source) {
  std::set<std::string> names;
  if (source == "service" || source == "target") {
    names = service_names(context, source == "target");
  } else if (source == "container") {
    const pb::ListContainersReply reply = containers(context, true);
    for (const pb::ContainerState& container : reply.containers()) {
      names.insert(container.container());
    }
  } else if (source == "image") {
    for (const std::string& name : image_names(context)) {
      names.insert(name);
    }
  } else if (source == "node") {
    for (const NodeSettings& node : context.settings().value_or(Settings()).nodes) {
      names.insert(node.name);
    }
  } else if (source == "code") {
    for (const model::CatalogueEntry& entry : model::catalogue()) {
      names.emplace(entry.code);
    }
  }
  return {names.begin(), names.end()};
}

}  // namespace mcp::cli
