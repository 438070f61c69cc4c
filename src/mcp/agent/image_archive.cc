#include "mcp/agent/image_archive.h"

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <set>

#include <boost/json.hpp>

#include "dsl/archive/gzip.h"
#include "dsl/archive/tar.h"
#include "dsl/archive/zstd_stream.h"
#include "mcp/boot/planner.h"

namespace mcp::agent {

namespace json = boost::json;
using dsl::Code;
using dsl::fail;
using dsl::text;
using dsl::archive::Source;
using dsl::archive::TarEntry;
using dsl::archive::TarKind;
using dsl::archive::TarReader;

namespace {

constexpr std::array<std::string_view, 3> kSuffixes = {".tar", ".tar.zst", ".tar.gz"};
constexpr const char* kManifest = "manifest.json";
constexpr std::size_t kManifestMax = 4u << 20;
constexpr std::size_t kEntriesMax = 100000;  // an image has some 130 layers at most

Source bytes_of(dsl::env::File& file) {
  return
      [&file, offset = std::uint64_t{0}](std::span<std::byte> out) mutable -> Result<std::size_t> {
        MC_ASSIGN(const std::size_t count, file.read_at(offset, out));
        offset += count;
        return count;
      };
}

template <class Reader>
Source unpacked(Source packed) {
  auto reader = std::make_shared<Reader>(std::move(packed));
  return [reader](std::span<std::byte> out) { return reader->read(out); };
}

// By its first bytes, whatever its name says.
Result<Source> plain_bytes_of(dsl::env::File& file) {
  std::array<std::byte, 4> start{};
  MC_ASSIGN(const std::size_t count, file.read_at(0, start));
  const auto begins_with = [&](std::initializer_list<unsigned> magic) {
    return count >= magic.size() &&
           std::equal(magic.begin(), magic.end(), start.begin(), [](unsigned wanted, std::byte b) {
             return wanted == std::to_integer<unsigned>(b);
           });
  };
  if (begins_with({0x28, 0xb5, 0x2f, 0xfd})) {
    return unpacked<dsl::archive::ZstdReader>(bytes_of(file));
  }
  if (begins_with({0x1f, 0x8b})) {
    return unpacked<dsl::archive::GzipReader>(bytes_of(file));
  }
  return bytes_of(file);
}

Result<std::string> content_of(TarReader& reader, const TarEntry& entry) {
  if (entry.size_bytes > kManifestMax) {
    return fail(Code::kTooLarge, "{} has {} bytes", entry.path, entry.size_bytes);
  }
  std::string content(entry.size_bytes, '\0');
  MC_ASSIGN(const std::size_t count,
            dsl::archive::read_full([&](std::span<std::byte> out) { return reader.read(out); },
                                    std::as_writable_bytes(std::span(content))));
  content.resize(count);
  return content;
}

std::string string_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

std::vector<std::string> strings_at(const json::object& object, std::string_view key) {
  std::vector<std::string> out;
  const json::value* value = object.if_contains(key);
  if (value != nullptr && value->is_array()) {
    for (const json::value& each : value->get_array()) {
      if (each.is_string()) {
        out.emplace_back(each.get_string());
      }
    }
  }
  return out;
}

// "4f1c....json" of podman and "blobs/sha256/4f1c..." of later docker: the configuration's digest
// is what both call the image's id.
std::string id_of(const std::string& config) {
  std::string id = config.substr(config.rfind('/') + 1);
  if (id.ends_with(".json")) {
    id.resize(id.size() - 5);
  }
  return id;
}

Result<std::vector<ArchivedImage>> decode_manifest(const std::string& content,
                                                   const std::set<std::string>& entries) {
  boost::system::error_code error;
  const json::value root = json::parse(content, error);
  if (error || !root.is_array() || root.get_array().empty()) {
    return fail(Code::kDataLoss, "{} is not a list of images", kManifest);
  }
  std::vector<ArchivedImage> images;
  for (const json::value& item : root.get_array()) {
    if (!item.is_object()) {
      return fail(Code::kDataLoss, "{} is not a list of images", kManifest);
    }
    const std::string config = string_at(item.get_object(), "Config");
    std::vector<std::string> needed = strings_at(item.get_object(), "Layers");
    needed.push_back(config);
    for (const std::string& name : needed) {
      if (!entries.contains(name)) {
        return fail(Code::kDataLoss, "{} lists \"{}\", which the archive lacks", kManifest, name);
      }
    }
    images.push_back({.id = id_of(config), .names = strings_at(item.get_object(), "RepoTags")});
  }
  return images;
}

Result<std::vector<ArchivedImage>> read_images(dsl::env::File& file) {
  MC_ASSIGN(Source source, plain_bytes_of(file));
  TarReader reader(std::move(source));
  std::set<std::string> entries;
  std::string manifest;
  while (true) {
    MC_ASSIGN(const std::optional<TarEntry> entry, reader.next());
    if (!entry) {
      break;
    }
    if (entry->path == kManifest && entry->kind == TarKind::kFile) {
      MC_ASSIGN(manifest, content_of(reader, *entry));
    }
    entries.insert(entry->path);
    if (entries.size() > kEntriesMax) {
      return fail(Code::kTooLarge, "more than {} files", kEntriesMax);
    }
  }
  if (manifest.empty()) {
    return fail(Code::kDataLoss, "there is no {} in it: no docker archive", kManifest);
  }
  return decode_manifest(manifest, entries);
}

}  // namespace

Result<std::vector<ArchivedImage>> read_image_archive(dsl::env::FileSystem& files,
                                                      const std::string& path) {
  MC_ASSIGN(const auto file, files.open(path, dsl::env::OpenMode::kRead));
  return dsl::with_context(read_images(*file), path);
}

bool is_archive_name(std::string_view name) {
  return std::any_of(kSuffixes.begin(), kSuffixes.end(),
                     [&](std::string_view suffix) { return name.ends_with(suffix); });
}

std::optional<std::string> find_archive(dsl::env::FileSystem& files,
                                        const std::vector<std::string>& folders,
                                        const std::string& reference) {
  const std::string bare = reference.substr(reference.rfind('/') + 1);
  for (const std::string& stem : {boot::archive_stem(reference), boot::archive_stem(bare)}) {
    for (const std::string& folder : folders) {
      for (const std::string_view suffix : kSuffixes) {
        std::string path = text("{}/{}{}", folder, stem, suffix);
        if (files.exists(path).value_or(false)) {
          return path;
        }
      }
    }
  }
  return std::nullopt;
}

}  // namespace mcp::agent
