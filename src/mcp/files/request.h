// What is asked of those who work below a service's directory, and what they answer: as values, and
// as the bytes between the agent and the namespace helper.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcp::files {

enum class Op : std::uint8_t {
  kLook = 1,         // what `path` is; of a link with `follow`, what it leads to
  kList = 2,         // the entries of the directory `path`, in a file of their own
  kOpen = 3,         // the regular file `path`, for reading
  kOpenPartial = 4,  // the file `partial` in the directory `path`, for writing; made when missing
  kCommit = 5,       // gives `partial` in `path` its owner, `mode` and the name `target`
  kDropPartial = 6,  // removes `partial` from `path`
  kSweep = 7,        // removes partial files of `path` that were last written before `before_s`
};

struct Request {
  Op op = Op::kLook;
  std::string path;
  std::string partial;  // is_partial_name
  std::string target;   // is_file_name
  std::uint32_t mode = 0;
  std::int64_t before_s = 0;
  bool follow = true;
  bool operator==(const Request&) const = default;
};

enum class Kind : std::uint8_t { kNone = 0, kFile = 1, kDirectory = 2, kLink = 3, kOther = 4 };

struct Info {
  Kind kind = Kind::kNone;
  std::uint32_t mode = 0;  // permission bits
  std::uint32_t uid = 0;   // as whoever answers sees them
  std::uint32_t gid = 0;
  std::uint64_t size_bytes = 0;
  std::int64_t modified_ns = 0;
  bool operator==(const Info&) const = default;
};

// What an error is about.
enum class Stage : std::uint8_t { kPath = 0, kFolder = 1, kFile = 2, kOwner = 3, kSync = 4 };

struct Answer {
  std::int32_t error = 0;  // errno; 0 = done
  Stage stage = Stage::kPath;
  Info info;         // of what the path is; of an open partial and of what was committed, that
  bool cut = false;  // of a list: there are more
  bool operator==(const Answer&) const = default;
};

// An entry of a list.
struct Entry {
  std::string name;
  std::string link;  // of a link: where it leads
  Info info;
  bool operator==(const Entry&) const = default;
};

// ".mcp-push-" and 32 hex digits: what is not whole yet. Such names are nobody else's.
inline constexpr std::string_view kPartialPrefix = ".mcp-push-";
inline constexpr std::size_t kPartialDigits = 32;
bool is_partial_name(std::string_view name);

// Nothing when it is not wholly a request, as nobody of ours would send it.
std::string encode(const Request& request);
std::optional<Request> decode_request(std::string_view bytes);
std::string encode(const Answer& answer);
std::optional<Answer> decode_answer(std::string_view bytes);

void append(std::string& out, const Entry& entry);
// Nothing when the bytes are not whole entries with names of files.
std::optional<std::vector<Entry>> decode_entries(std::string_view bytes);

}  // namespace mcp::files
