// What the tests of tar share.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "dsl/archive/age_fixture.h"
#include "dsl/archive/tar.h"
#include "support/result_matchers.h"

namespace dsl::archive {

// How GoogleTest prints them.
inline void PrintTo(const TarEntry& entry, std::ostream* out) {
  *out << text("{} kind {} mode {} owner {}:{} {}:{} mtime {} size {} link '{}' xattrs {}",
               entry.path, static_cast<int>(entry.kind), entry.mode, entry.uid, entry.gid,
               entry.user, entry.group, entry.mtime_ns, entry.size_bytes, entry.link,
               entry.xattrs.size());
}

struct Packed {
  TarEntry entry;
  std::string content;
  bool operator==(const Packed&) const = default;
};

inline void PrintTo(const Packed& packed, std::ostream* out) { PrintTo(packed.entry, out); }

inline Packed a_file(std::string path, std::string content) {
  Packed packed{.content = std::move(content)};
  packed.entry.path = std::move(path);
  packed.entry.mode = 0640;
  packed.entry.size_bytes = packed.content.size();
  return packed;
}

inline Packed a(TarKind kind, std::string path, std::string link = "") {
  Packed packed;
  packed.entry.kind = kind;
  packed.entry.path = std::move(path);
  packed.entry.mode = kind == TarKind::kDirectory ? 0750 : 0777;
  packed.entry.link = std::move(link);
  return packed;
}

inline std::string tar_of(const std::vector<Packed>& all) {
  std::string out;
  TarWriter writer = test::require_ok(TarWriter::begin(append_to(out)));
  for (const Packed& packed : all) {
    test::require_ok(writer.add(packed.entry));
    test::require_ok(writer.write(bytes_of(packed.content)));
  }
  test::require_ok(writer.finish());
  return out;
}

inline Result<std::string> content_of(TarReader& reader, std::size_t room_size) {
  std::string content, room(room_size, '\0');
  while (true) {
    MC_ASSIGN(const std::size_t size,
              reader.read(std::as_writable_bytes(std::span(room.data(), room.size()))));
    if (size == 0) {
      return content;
    }
    content.append(room, 0, size);
  }
}

inline Result<std::vector<Packed>> read_tar(Source source, std::size_t room_size = 100'000) {
  TarReader reader(std::move(source));
  std::vector<Packed> all;
  while (true) {
    MC_ASSIGN(auto entry, reader.next());
    if (!entry) {
      return all;
    }
    MC_ASSIGN(std::string content, content_of(reader, room_size));
    all.push_back({.entry = std::move(*entry), .content = std::move(content)});
  }
}

inline Result<std::vector<Packed>> read_tar(std::string_view file) {
  return read_tar(source_of(file));
}

// One header block, as ustar has it, for what no writer of ours makes.
inline std::string header_block(char type, std::string_view path, std::size_t size,
                                std::string_view link = "") {
  std::string block(512, '\0');
  const auto put = [&](std::size_t at, std::string_view field) {
    block.replace(at, field.size(), field);
  };
  const auto octal = [](std::size_t value) {
    std::string digits(11, '0');
    for (std::size_t i = digits.size(); value > 0; value /= 8) {
      digits[--i] = static_cast<char>('0' + value % 8);
    }
    return digits;
  };
  put(0, path);
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put(124, octal(size));
  put(136, octal(0));
  put(148, "        ");
  block[156] = type;
  put(157, link);
  put(257, std::string_view("ustar\00000", 8));
  std::size_t sum = 0;
  for (const char c : block) {
    sum += static_cast<unsigned char>(c);
  }
  put(148, octal(sum).substr(5) + std::string("\0 ", 2));
  return block;
}

inline std::string padded(std::string content) {
  content.resize((content.size() + 511) / 512 * 512);
  return content;
}

inline std::string pax_record(std::string_view key, std::string_view value) {
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest + 1;
  while (length != rest + std::to_string(length).size()) {
    ++length;
  }
  return std::to_string(length) + " " + std::string(key) + "=" + std::string(value) + "\n";
}

// An entry with extended records before it.
inline std::string with_pax(const std::string& records, const std::string& entry, char type = 'x') {
  return header_block(type, "pax", records.size()) + padded(records) + entry;
}

inline const std::string kTarEnd = std::string(1024, '\0');

}  // namespace dsl::archive
