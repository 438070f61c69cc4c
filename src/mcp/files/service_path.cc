#include "mcp/files/service_path.h"

#include <algorithm>

namespace mcp::files {

namespace {

constexpr std::size_t kPathMax = 4095;
constexpr std::size_t kNameMax = 255;

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

}  // namespace

std::string ServicePath::folder() const {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string ServicePath::name() const { return path.substr(path.rfind('/') + 1); }

ServicePath ServicePath::in(std::string_view more) const {
  ServicePath inner;
  inner.path = path.empty() ? std::string(more) : path + "/" + std::string(more);
  return inner;
}

PathFault parse_service_path(std::string_view text, std::initializer_list<std::string> roots,
                             ServicePath& out) {
  out = {};
  if (text.size() > kPathMax) {
    return PathFault::kTooLong;
  }
  if (has_control(text)) {
    return PathFault::kControl;
  }
  if (text.starts_with('/')) {
    const auto root = std::find_if(roots.begin(), roots.end(), [&](const std::string& candidate) {
      return text.starts_with(candidate) &&
             (text.size() == candidate.size() || text[candidate.size()] == '/');
    });
    if (root == roots.end()) {
      return PathFault::kOutside;
    }
    text.remove_prefix(root->size());
  }
  out.is_directory = text.empty() || text.ends_with('/');
  while (!text.empty()) {
    const std::size_t slash = std::min(text.find('/'), text.size());
    const std::string_view part = text.substr(0, slash);
    text.remove_prefix(std::min(slash + 1, text.size()));
    if (part.empty() || part == ".") {
      continue;
    }
    if (part == "..") {
      return PathFault::kClimbs;
    }
    if (part.size() > kNameMax) {
      return PathFault::kTooLong;
    }
    out = ServicePath{.path = out.in(part).path, .is_directory = out.is_directory};
  }
  out.is_directory = out.is_directory || out.path.empty();
  return PathFault::kNone;
}

bool is_file_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameMax && text != "." && text != ".." &&
         text.find('/') == std::string_view::npos && !has_control(text);
}

}  // namespace mcp::files
