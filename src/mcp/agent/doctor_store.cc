// What podman's image store holds, read from its own index: no podman runs for it.
#include <boost/json.hpp>

#include "dsl/json/canonical.h"
#include "mcp/agent/doctor_checks.h"

namespace mcp::agent {

namespace json = boost::json;
using dsl::text;

namespace {

std::string index_folder(const DoctorContext& context) {
  return graph_root(context) + "/overlay-images";
}

json::value parsed(const std::string& content) {
  boost::system::error_code error;
  json::value value = json::parse(content, error);
  return error ? json::value() : value;
}

std::string string_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

// The strings of an array, or the one string.
std::vector<std::string> strings_at(const json::object& object, std::string_view key) {
  std::vector<std::string> found;
  const json::value* value = object.if_contains(key);
  if (value == nullptr) {
    return found;
  }
  if (value->is_string()) {
    found.emplace_back(value->get_string());
  } else if (value->is_array()) {
    for (const json::value& each : value->get_array()) {
      if (each.is_string()) {
        found.emplace_back(each.get_string());
      }
    }
  }
  return found;
}

std::vector<json::object> index_of(const DoctorContext& context) {
  std::vector<json::object> images;
  const json::value value =
      parsed(context.env.files().read_file(index_folder(context) + "/images.json").value_or("[]"));
  if (value.is_array()) {
    for (const json::value& image : value.get_array()) {
      if (image.is_object()) {
        images.push_back(image.get_object());
      }
    }
  }
  return images;
}

bool has_name(const json::object& image, const std::string& wanted) {
  for (const char* key : {"names", "digest", "id"}) {
    for (const std::string& name : strings_at(image, key)) {
      if (name == wanted) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace

std::string graph_root(const DoctorContext& context) {
  if (context.node && !context.node->graph_root.empty()) {
    return context.node->graph_root;
  }
  return context.home + "/.local/share/containers/storage";
}

std::set<std::string> cached_images(const DoctorContext& context) {
  std::set<std::string> known;
  for (const json::object& image : index_of(context)) {
    for (const char* key : {"names", "digest", "id"}) {
      for (std::string& name : strings_at(image, key)) {
        known.insert(std::move(name));
      }
    }
  }
  return known;
}

bool is_cached(const std::set<std::string>& cached, const ComponentRecord& component) {
  return cached.contains(component.image) ||
         (!component.image_digest.empty() && cached.contains(component.image_digest));
}

std::vector<std::string> image_archives(const DoctorContext& context) {
  std::vector<std::string> archives;
  for (const std::string& folder : context.config.image_dirs) {
    for (const std::string& name :
         context.env.files().list(folder).value_or(std::vector<std::string>{})) {
      if (name.ends_with(".tar") || name.ends_with(".tar.zst")) {
        archives.push_back(folder + "/" + name);
      }
    }
  }
  return archives;
}

// The store keeps the configuration, named by its digest, in a file whose name is "=" and that
// digest in base64.
std::optional<std::string> image_user(const DoctorContext& context, const std::string& wanted) {
  for (const json::object& image : index_of(context)) {
    if (!has_name(image, wanted)) {
      continue;
    }
    const std::string id = string_at(image, "id");
    const std::string file =
        text("{}/{}/={}", index_folder(context), id, dsl::json::base64("sha256:" + id));
    const Result<std::string> content = context.env.files().read_file(file);
    const json::value document = parsed(content.value_or(""));
    const json::value* config =
        document.is_object() ? document.get_object().if_contains("config") : nullptr;
    if (config == nullptr || !config->is_object()) {
      return std::nullopt;
    }
    return string_at(config->get_object(), "User");
  }
  return std::nullopt;
}

}  // namespace mcp::agent
