// A model of a name service that asks its database for every question: what the memory of mcns is
// held against. One thread, the whole database in memory.
//
//   sqlite_server PORT DATABASE
//
// Tables: zones(id, name, primary_ns, admin_email, serial, refresh, retry, expire, minimum_ttl),
// records(zone_id, name, type, value, ttl), as the schema of a service of this kind.
#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sqlite3.h>
#include <sys/socket.h>

namespace {

constexpr std::size_t kHeader = 12;
constexpr unsigned kTypeA = 1;
constexpr unsigned kTypeSoa = 6;
constexpr unsigned kTypeAaaa = 28;
constexpr unsigned kNxDomain = 3;
constexpr unsigned kRefused = 5;

// One use of a statement, prepared for it alone: what a database library with a `query(text)` does.
class Statement {
 public:
  Statement(sqlite3* database, std::string_view sql) {
    if (sqlite3_prepare_v2(database, sql.data(), static_cast<int>(sql.size()), &statement_,
                           nullptr) != SQLITE_OK) {
      std::fprintf(stderr, "%s\n", sqlite3_errmsg(database));
      std::exit(1);
    }
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void bind(int at, std::string_view text) {
    sqlite3_bind_text(statement_, at, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
  }
  void bind(int at, std::int64_t number) { sqlite3_bind_int64(statement_, at, number); }
  bool step() { return sqlite3_step(statement_) == SQLITE_ROW; }
  std::string text(int column) {
    const auto* value = sqlite3_column_text(statement_, column);
    return value == nullptr ? "" : reinterpret_cast<const char*>(value);
  }
  std::int64_t number(int column) { return sqlite3_column_int64(statement_, column); }

 private:
  sqlite3_stmt* statement_ = nullptr;
};

constexpr std::string_view kZone =
    "SELECT id, name, primary_ns, admin_email, serial, refresh, retry, expire, minimum_ttl "
    "FROM zones WHERE name = ?";
constexpr std::string_view kRecords =
    "SELECT value, ttl FROM records WHERE zone_id = ? AND name = ? AND type = ?";
constexpr std::string_view kExists = "SELECT 1 FROM records WHERE zone_id = ? AND name = ? LIMIT 1";

struct Zone {
  std::int64_t id = 0;
  std::string name;
  std::string primary_ns;
  std::string admin_email;
  std::array<std::int64_t, 5> numbers{};  // serial, refresh, retry, expire, minimum
};

class Server {
 public:
  explicit Server(sqlite3* database) : database_(database) {}

  std::string answer(std::string_view query) {
    std::string name;
    std::size_t at = kHeader;
    while (at < query.size() && query[at] != 0) {
      const auto size = static_cast<std::size_t>(static_cast<unsigned char>(query[at]));
      for (const char c : query.substr(at + 1, size)) {
        name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      }
      name += '.';
      at += 1 + size;
    }
    if (at + 5 > query.size()) {
      return {};
    }
    type_ = static_cast<unsigned char>(query[at + 2]);
    out_.assign(query.substr(0, at + 5));
    out_[6] = out_[7] = out_[8] = out_[9] = out_[10] = out_[11] = 0;

    if (!find_zone(name)) {
      return finish(kRefused, 0, 0);
    }
    const std::string_view below =
        name == zone_.name ? "@"
                           : std::string_view(name).substr(0, name.size() - zone_.name.size() - 1);
    const unsigned count = add_records(below, type_ == kTypeAaaa ? "AAAA" : "A");
    if (count > 0) {
      return finish(0, count, 0);
    }
    // An alias could be there instead, or the name alone.
    Statement alias(database_, kRecords);
    alias.bind(1, zone_.id);
    alias.bind(2, below);
    alias.bind(3, "CNAME");
    (void)alias.step();
    Statement exists(database_, kExists);
    exists.bind(1, zone_.id);
    exists.bind(2, below);
    add_soa(at);
    return finish(exists.step() ? 0 : kNxDomain, 0, 1);
  }

 private:
  // By each suffix of the name, the longest first.
  bool find_zone(std::string_view name) {
    for (std::string_view suffix = name; !suffix.empty();
         suffix.remove_prefix(suffix.find('.') + 1)) {
      Statement zone(database_, kZone);
      zone.bind(1, suffix);
      if (zone.step()) {
        zone_ = {zone.number(0), zone.text(1), zone.text(2), zone.text(3), {}};
        for (int i = 0; i < 5; ++i) {
          zone_.numbers[static_cast<std::size_t>(i)] = zone.number(4 + i);
        }
        return true;
      }
    }
    return false;
  }

  unsigned add_records(std::string_view below, std::string_view type) {
    Statement records(database_, kRecords);
    records.bind(1, zone_.id);
    records.bind(2, below);
    records.bind(3, type);
    unsigned count = 0;
    for (; records.step(); ++count) {
      std::array<char, 16> address;
      const int family = type == "A" ? AF_INET : AF_INET6;
      if (::inet_pton(family, records.text(0).c_str(), address.data()) != 1) {
        continue;
      }
      add_head(static_cast<unsigned>(kHeader), type == "A" ? kTypeA : kTypeAaaa, records.number(1));
      const std::size_t size = type == "A" ? 4 : 16;
      put16(static_cast<unsigned>(size));
      out_.append(address.data(), size);
    }
    return count;
  }

  void add_soa(std::size_t question_end) {
    add_head(static_cast<unsigned>(question_end - zone_.name.size()), kTypeSoa, zone_.numbers[4]);
    const std::size_t length_at = out_.size();
    put16(0);
    add_name(zone_.primary_ns);
    add_name(zone_.admin_email);
    for (const std::int64_t number : zone_.numbers) {
      put32(number);
    }
    const std::size_t size = out_.size() - length_at - 2;
    out_[length_at] = static_cast<char>(size >> 8U);
    out_[length_at + 1] = static_cast<char>(size);
  }

  void add_head(unsigned owner, unsigned type, std::int64_t ttl) {
    put16(0xc000U | owner);
    put16(type);
    put16(1);
    put32(ttl);
  }
  void add_name(std::string_view name) {
    while (!name.empty()) {
      const std::string_view label = name.substr(0, name.find('.'));
      out_ += static_cast<char>(label.size());
      out_ += label;
      name.remove_prefix(std::min(name.size(), label.size() + 1));
    }
    out_ += '\0';
  }
  void put16(unsigned value) {
    out_ += static_cast<char>(value >> 8U);
    out_ += static_cast<char>(value);
  }
  void put32(std::int64_t value) {
    put16(static_cast<unsigned>(value >> 16) & 0xffffU);
    put16(static_cast<unsigned>(value) & 0xffffU);
  }

  std::string finish(unsigned rcode, unsigned answers, unsigned authorities) {
    out_[2] = static_cast<char>(rcode == kRefused ? 0x80 : 0x84);
    out_[3] = static_cast<char>(rcode);
    out_[7] = static_cast<char>(answers);
    out_[9] = static_cast<char>(authorities);
    out_[11] = 1;
    out_.append("\0\0\x29\x04\xd0\0\0\0\0\0\0", 11);  // OPT, 1232 octets
    return out_;
  }

  sqlite3* database_;
  Zone zone_;
  unsigned type_ = 0;
  std::string out_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: sqlite_server PORT DATABASE\n");
    return 2;
  }
  sqlite3* database = nullptr;
  if (sqlite3_open_v2(argv[2], &database, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr) !=
      SQLITE_OK) {
    std::fprintf(stderr, "%s\n", sqlite3_errmsg(database));
    return 1;
  }
  sqlite3_exec(database, "PRAGMA mmap_size = 1073741824; PRAGMA cache_size = -262144", nullptr,
               nullptr, nullptr);
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[1])));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    std::perror("bind");
    return 1;
  }
  Server server(database);
  std::array<char, 4096> buffer;
  while (true) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    const ssize_t got =
        ::recvfrom(fd, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size);
    if (got < static_cast<ssize_t>(kHeader)) {
      continue;
    }
    const std::string reply = server.answer({buffer.data(), static_cast<std::size_t>(got)});
    ::sendto(fd, reply.data(), reply.size(), 0, reinterpret_cast<const sockaddr*>(&peer), size);
  }
}
