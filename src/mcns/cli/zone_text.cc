#include "mcns/cli/zone_text.h"

#include <algorithm>
#include <iostream>
#include <iterator>
#include <optional>

#include "dsl/env/path.h"
#include "mcns/v1/zone.pb.h"
#include "mcns/zonefile/zonefile.h"

namespace mcns::cli {

using dsl::Code;
using dsl::fail;

namespace {

constexpr std::size_t kFileMax = 256u << 20;  // as the service takes
constexpr std::size_t kRequestMax = 1u << 20;
constexpr std::size_t kPiece = 512u << 10;
constexpr std::uint32_t kDefaultTtl = 3600;

Result<std::string> read_content(dsl::env::Env& env, const std::string& file) {
  if (file != "-") {
    return env.files().read_file(file, kFileMax);
  }
  std::string content(std::istreambuf_iterator<char>(std::cin), {});
  if (content.size() > kFileMax) {
    return fail(Code::kTooLarge, "a zone file may have {} MiB", kFileMax >> 20U);
  }
  return content;
}

bool has_include(const std::string& content) {
  static constexpr std::string_view kWord = "$INCLUDE";
  const auto found = std::search(content.begin(), content.end(), kWord.begin(), kWord.end(),
                                 [](char a, char b) { return to_lower(a) == to_lower(b); });
  return found != content.end();
}

Result<std::vector<Record>> records_of(dsl::env::Env& env, const ZoneText& file,
                                       const std::string& path, const Name& origin) {
  std::vector<Record> records;
  ZonefileOptions options;
  options.origin = origin;
  options.default_ttl = kDefaultTtl;
  options.include_dir = path == "-" ? "" : dsl::env::folder_of(path);
  MC_TRY(
      read_zonefile(env, file.name, file.content, options, [&](Record record, int) -> Result<void> {
        records.push_back(std::move(record));
        return {};
      }));
  return records;
}

const Record* soa_of(const std::vector<Record>& records) {
  const auto soa = std::find_if(records.begin(), records.end(),
                                [](const Record& record) { return record.type == Type::kSoa; });
  return soa == records.end() ? nullptr : &*soa;
}

std::string without_dot(const Name& name) {
  std::string shown = name.text();
  if (shown.size() > 1) {
    shown.pop_back();
  }
  return shown;
}

}  // namespace

Result<ZoneText> read_zone_text(dsl::env::Env& env, const std::string& path,
                                const std::string& zone) {
  ZoneText file;
  file.zone = zone;
  file.name = path == "-" ? "stdin" : dsl::env::name_of(path);
  MC_ASSIGN(file.content, read_content(env, path));
  const bool includes = has_include(file.content);
  if (!zone.empty() && !includes) {
    return file;
  }
  Name origin;
  if (!zone.empty()) {
    const Name root;
    MC_ASSIGN(origin, Name::parse(zone, &root));
  }
  MC_ASSIGN(const std::vector<Record> records, records_of(env, file, path, origin));
  const Record* soa = soa_of(records);
  if (zone.empty()) {
    if (soa == nullptr || soa->name.is_root()) {
      return fail(Code::kInvalidArgument, "{} does not say which zone it is", file.name)
          .hint("name it with --zone; or begin the file with $ORIGIN and an SOA record");
    }
    origin = soa->name;
    file.zone = without_dot(origin);
  }
  if (!includes) {
    return file;
  }
  if (soa == nullptr) {
    return fail(Code::kInvalidArgument, "{} has $INCLUDE, and no SOA record", file.name)
        .hint("a file in parts must be a whole zone; or give the parts one by one");
  }
  file.content = write_zonefile(origin, kDefaultTtl, records);
  return file;
}

bool fits_a_request(const std::string& content) {
  return content.size() <= kRequestMax && std::all_of(content.begin(), content.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x80 && c != '\0';
         });
}

Result<std::string> upload(Client& client, const std::string& content) {
  v1::UploadZonefileRequest request;
  do {
    request.set_data(content.substr(request.offset(), kPiece));
    MC_ASSIGN(const v1::UploadState state,
              client.call<v1::UploadState>("ZoneService.UploadZonefile", request));
    request.set_upload(state.upload());
    request.set_offset(state.size());
  } while (request.offset() < content.size());
  return request.upload();
}

}  // namespace mcns::cli
