#include "mcp/recovery/manifest.h"

#include <algorithm>
#include <array>

#include <boost/json.hpp>

#include "dsl/json/canonical.h"
#include "dsl/json/text.h"

namespace mcp::recovery {

namespace json = boost::json;
using dsl::Code;
using dsl::fail;
using dsl::archive::TarEntry;
using dsl::archive::TarKind;

namespace {

constexpr std::int64_t kFormat = 1;
constexpr std::array<std::pair<TarKind, std::string_view>, 4> kKinds{
    {{TarKind::kFile, "file"},
     {TarKind::kDirectory, "directory"},
     {TarKind::kSymlink, "symlink"},
     {TarKind::kHardLink, "hardlink"}}};

// Names of files are bytes: what is not UTF-8 goes as base64 under another member.
void put_bytes(json::object& object, const std::string& member, const std::string& bytes) {
  if (dsl::json::is_utf8(bytes)) {
    object[member] = bytes;
  } else {
    object[member + "_base64"] = dsl::json::base64(bytes);
  }
}

json::object to_object(const FileRecord& file) {
  const TarEntry& entry = file.entry;
  json::object object;
  put_bytes(object, "path", entry.path);
  for (const auto& [kind, name] : kKinds) {
    if (kind == entry.kind) {
      object["type"] = name;
    }
  }
  object["mode"] = entry.mode;
  object["uid"] = entry.uid;
  object["gid"] = entry.gid;
  object["mtime_ns"] = std::to_string(entry.mtime_ns);  // beyond what a JSON number holds exactly
  if (entry.kind == TarKind::kFile) {
    object["size"] = entry.size_bytes;
    object["sha256"] = file.sha256;
  }
  if (!entry.link.empty()) {
    put_bytes(object, "link", entry.link);
  }
  for (const auto& [name, value] : entry.xattrs) {
    object.insert({{"xattrs", json::object()}});  // when missing
    object["xattrs"].as_object()[name] = dsl::json::base64(value);
  }
  if (file.database) {
    json::object rows;
    for (const auto& [table, count] : file.database->rows) {
      rows[table] = count;
    }
    object["database"] = {{"page_bytes", file.database->page_bytes},
                          {"schema_sha256", file.database->schema_sha256},
                          {"rows", rows}};
  }
  if (file.torn) {
    object["torn"] = true;
  }
  return object;
}

// Reads members of a given type; the first that is not as expected is kept as the error.
class Members {
 public:
  Members(const json::value& value, std::string where)
      : object_(value.if_object()), where_(std::move(where)) {
    if (object_ == nullptr) {
      fault("is no object");
    }
  }

  std::string string(const char* member) {
    const json::value* value = find(member);
    if (value != nullptr && value->is_string()) {
      return std::string(value->get_string());
    }
    fault(member);
    return {};
  }
  std::string bytes(const std::string& member) {
    const std::string encoded_member = member + "_base64";
    if (find(encoded_member.c_str()) == nullptr) {
      return string(member.c_str());
    }
    auto decoded = dsl::json::from_base64(string(encoded_member.c_str()));
    if (!decoded) {
      fault(encoded_member.c_str());
    }
    return decoded.value_or("");
  }
  std::int64_t integer(const char* member) {
    const json::value* value = find(member);
    boost::system::error_code error;
    const auto number = value == nullptr ? 0 : value->to_number<std::int64_t>(error);
    if (value == nullptr || error) {
      fault(member);
    }
    return number;
  }
  bool boolean(const char* member) {
    const json::value* value = find(member);
    if (value == nullptr || !value->is_bool()) {
      fault(member);
      return false;
    }
    return value->get_bool();
  }
  std::uint32_t id(const char* member) {
    const std::int64_t number = integer(member);
    if (number < 0 || number > UINT32_MAX) {
      fault(member);
    }
    return static_cast<std::uint32_t>(number);
  }
  const json::array& array(const char* member) {
    static const json::array kEmpty;
    const json::value* value = find(member);
    if (value == nullptr || !value->is_array()) {
      fault(member);
      return kEmpty;
    }
    return value->get_array();
  }
  const json::value& at(const char* member) {
    static const json::value kNull;
    const json::value* value = find(member);
    if (value == nullptr) {
      fault(member);
    }
    return value == nullptr ? kNull : *value;
  }
  bool has(const char* member) const { return find(member) != nullptr; }

  // By name.
  template <class Each>
  void each(const char* member, const Each& each) {
    const json::value& value = at(member);
    if (!value.is_object()) {
      fault(member);
      return;
    }
    for (const auto& [name, item] : value.get_object()) {
      each(std::string(name), item);
    }
  }

  void fault(const char* member) {
    if (!fault_) {
      fault_ = dsl::text("{}: {}", where_, member);
    }
  }
  Result<void> check() const {
    if (fault_) {
      return fail(Code::kDataLoss, "the manifest is damaged at {}", *fault_);
    }
    return {};
  }

 private:
  const json::value* find(const char* member) const {
    return object_ == nullptr ? nullptr : object_->if_contains(member);
  }

  const json::object* object_;
  const std::string where_;
  std::optional<std::string> fault_;
};

std::vector<std::string> strings(Members& members, const char* member) {
  std::vector<std::string> out;
  for (const json::value& value : members.array(member)) {
    if (!value.is_string()) {
      members.fault(member);
      break;
    }
    out.emplace_back(value.get_string());
  }
  return out;
}

Result<dsl::db::ImageFacts> parse_database(const json::value& value, const std::string& where) {
  Members members(value, where);
  dsl::db::ImageFacts facts;
  facts.page_bytes = members.id("page_bytes");
  facts.schema_sha256 = members.string("schema_sha256");
  members.each("rows", [&](const std::string& table, const json::value& count) {
    if (!count.is_int64()) {
      members.fault("rows");
      return;
    }
    facts.rows[table] = count.get_int64();
  });
  MC_TRY(members.check());
  return facts;
}

Result<FileRecord> parse_file(const json::value& value, std::size_t number) {
  Members members(value, dsl::text("files[{}]", number));
  FileRecord file;
  TarEntry& entry = file.entry;
  entry.path = members.bytes("path");
  const std::string type = members.string("type");
  const auto kind = std::find_if(kKinds.begin(), kKinds.end(),
                                 [&](const auto& known) { return known.second == type; });
  if (kind == kKinds.end()) {
    members.fault("type");
  } else {
    entry.kind = kind->first;
  }
  entry.mode = members.id("mode");
  entry.uid = members.id("uid");
  entry.gid = members.id("gid");
  const std::string mtime = members.string("mtime_ns");
  char* end = nullptr;
  entry.mtime_ns = std::strtoll(mtime.c_str(), &end, 10);
  if (mtime.empty() || *end != '\0') {
    members.fault("mtime_ns");
  }
  if (entry.kind == TarKind::kFile) {
    entry.size_bytes = static_cast<std::uint64_t>(members.integer("size"));
    file.sha256 = members.string("sha256");
  }
  if (members.has("link") || members.has("link_base64")) {
    entry.link = members.bytes("link");
  }
  if (members.has("xattrs")) {
    members.each("xattrs", [&](const std::string& name, const json::value& content) {
      auto bytes = dsl::json::from_base64(content.is_string() ? std::string(content.get_string())
                                                              : std::string("?"));
      if (!bytes) {
        members.fault("xattrs");
      }
      entry.xattrs.emplace_back(name, bytes.value_or(""));
    });
  }
  if (members.has("database")) {
    MC_ASSIGN(file.database,
              parse_database(members.at("database"), dsl::text("files[{}].database", number)));
  }
  file.torn = members.has("torn");
  MC_TRY(members.check());
  return file;
}

Result<UnitRecord> parse_unit(const json::value& value) {
  Members members(value, "units");
  UnitRecord unit;
  unit.name = members.string("name");
  unit.root = members.string("root");
  unit.version = members.string("version");
  unit.generation = members.integer("generation");
  unit.spec_sha256 = members.string("spec_sha256");
  unit.shares_root = members.boolean("shares_root");
  unit.problems = strings(members, "problems");
  // It becomes part of paths.
  if (unit.name.empty() || unit.name.front() == '.' || unit.name.find('/') != std::string::npos ||
      !unit.root.starts_with('/')) {
    members.fault("name or root");
  }
  MC_TRY(members.check());
  return unit;
}

Result<Manifest> parse_members(const json::value& document) {
  Members members(document, "the top");
  const std::int64_t format = members.integer("format");
  MC_TRY(members.check());
  if (format != kFormat) {
    return fail(Code::kFailedPrecondition, "the point has format {}, this program knows {}", format,
                kFormat)
        .hint("use the version of mcp-agent that made it, or a newer one");
  }
  Manifest manifest;
  manifest.id = members.string("id");
  manifest.sequence = members.integer("sequence");
  manifest.domain = members.string("domain");
  manifest.node = members.string("node");
  manifest.tool = members.string("tool");
  manifest.begun_ms = members.integer("begun_ms");
  manifest.ended_ms = members.integer("ended_ms");
  members.each("tags", [&](const std::string& name, const json::value& value) {
    manifest.tags[name] = value.is_string() ? std::string(value.get_string()) : "";
  });
  manifest.selection = members.boolean("selection");
  Members user(members.at("user"), "user");
  manifest.user = user.string("name");
  manifest.uid = user.id("uid");
  manifest.gid = user.id("gid");
  for (const json::value& value : user.array("map")) {
    Members range(value, "user.map");
    manifest.uid_map.push_back({range.id("inside"), range.id("outside"), range.id("count")});
    MC_TRY(range.check());
  }
  MC_TRY(user.check());
  for (const json::value& value : members.array("units")) {
    MC_ASSIGN(UnitRecord unit, parse_unit(value));
    manifest.units.push_back(std::move(unit));
  }
  for (const json::value& value : members.array("files")) {
    MC_ASSIGN(FileRecord file, parse_file(value, manifest.files.size()));
    manifest.files.push_back(std::move(file));
  }
  for (const json::value& value : members.array("images")) {
    Members image(value, "images");
    manifest.images.push_back(
        {image.string("reference"), image.string("digest"), image.string("file")});
    MC_TRY(image.check());
  }
  manifest.recipients = strings(members, "recipients");
  Members previous(members.at("previous"), "previous");
  manifest.previous = {previous.string("id"), previous.string("manifest_sha256")};
  MC_TRY(previous.check());
  MC_TRY(members.check());
  return manifest;
}

}  // namespace

std::string_view name(Extent extent) {
  switch (extent) {
    case Extent::kWhole:
      return "whole";
    case Extent::kSelection:
      return "selection";
    case Extent::kPartial:
      break;
  }
  return "partial";
}

std::optional<Extent> parse_extent(std::string_view text) {
  for (const Extent extent : {Extent::kWhole, Extent::kSelection, Extent::kPartial}) {
    if (name(extent) == text) {
      return extent;
    }
  }
  return std::nullopt;
}

Extent Manifest::extent() const {
  const bool complete = std::all_of(units.begin(), units.end(),
                                    [](const UnitRecord& unit) { return unit.problems.empty(); });
  return !complete ? Extent::kPartial : selection ? Extent::kSelection : Extent::kWhole;
}

std::uint64_t Manifest::bytes() const {
  std::uint64_t total = 0;
  for (const FileRecord& file : files) {
    total += file.entry.size_bytes;
  }
  return total;
}

const UnitRecord* Manifest::unit(std::string_view name) const {
  const auto found = std::find_if(units.begin(), units.end(),
                                  [&](const UnitRecord& unit) { return unit.name == name; });
  return found == units.end() ? nullptr : &*found;
}

Result<std::string> to_json(const Manifest& manifest) {
  json::array units;
  for (const UnitRecord& unit : manifest.units) {
    units.push_back({{"name", unit.name},
                     {"root", unit.root},
                     {"version", unit.version},
                     {"generation", unit.generation},
                     {"spec_sha256", unit.spec_sha256},
                     {"shares_root", unit.shares_root},
                     {"problems", json::value_from(unit.problems)}});
  }
  json::array files;
  files.reserve(manifest.files.size());
  for (const FileRecord& file : manifest.files) {
    files.push_back(to_object(file));
  }
  json::array images;
  for (const ImageRecord& image : manifest.images) {
    images.push_back(
        {{"reference", image.reference}, {"digest", image.digest}, {"file", image.file}});
  }
  json::array map;
  for (const IdRange& range : manifest.uid_map) {
    map.push_back({{"inside", range.inside}, {"outside", range.outside}, {"count", range.count}});
  }
  json::object tags;
  for (const auto& [name, value] : manifest.tags) {
    tags[name] = value;
  }
  json::object document;
  document["format"] = kFormat;
  document["id"] = manifest.id;
  document["sequence"] = manifest.sequence;
  document["domain"] = manifest.domain;
  document["node"] = manifest.node;
  document["tool"] = manifest.tool;
  document["begun_ms"] = manifest.begun_ms;
  document["ended_ms"] = manifest.ended_ms;
  document["tags"] = std::move(tags);
  document["selection"] = manifest.selection;
  document["user"] = {
      {"name", manifest.user}, {"uid", manifest.uid}, {"gid", manifest.gid}, {"map", map}};
  document["units"] = std::move(units);
  document["files"] = std::move(files);
  document["images"] = std::move(images);
  document["recipients"] = json::value_from(manifest.recipients);
  document["previous"] = {{"id", manifest.previous.id},
                          {"manifest_sha256", manifest.previous.manifest_sha256}};
  MC_ASSIGN(std::string text, dsl::json::canonical(json::value(std::move(document))));
  return text + "\n";
}

Result<Manifest> parse_manifest(std::string_view text) {
  boost::system::error_code error;
  const json::value document = json::parse(text, error);
  if (error) {
    return fail(Code::kDataLoss, "the manifest is no JSON: {}", error.message());
  }
  return parse_members(document);
}

}  // namespace mcp::recovery
