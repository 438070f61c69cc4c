// A model of a name service that asks its database for every question: what the memory of mcns is
// held against. One thread, prepared statements, the whole database in the page cache.
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

class Statement {
 public:
  Statement(sqlite3* database, const char* sql) {
    if (sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr) !=
        SQLITE_OK) {
      std::fprintf(stderr, "%s\n", sqlite3_errmsg(database));
      std::exit(1);
    }
  }
  void begin() { sqlite3_reset(statement_); }
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

class Server {
 public:
  explicit Server(sqlite3* database)
      : zone_(database,
              "SELECT id, name, primary_ns, admin_email, serial, refresh, retry, expire, "
              "minimum_ttl FROM zones WHERE name = ?"),
        records_(database,
                 "SELECT value, ttl FROM records WHERE zone_id = ? AND name = ? AND type = ?"),
        exists_(database, "SELECT 1 FROM records WHERE zone_id = ? AND name = ? LIMIT 1") {}

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
        name == zone_name_ ? "@"
                           : std::string_view(name).substr(0, name.size() - zone_name_.size() - 1);
    // A service of this kind looks for an alias when the type itself is not there.
    unsigned count = add_records(below, type_ == kTypeAaaa ? "AAAA" : "A");
    if (count > 0) {
      return finish(0, count, 0);
    }
    records_.begin();
    records_.bind(1, zone_id_);
    records_.bind(2, below);
    records_.bind(3, std::string_view("CNAME"));
    (void)records_.step();
    exists_.begin();
    exists_.bind(1, zone_id_);
    exists_.bind(2, below);
    const bool exists = exists_.step();
    add_soa(at);
    return finish(exists ? 0 : kNxDomain, 0, 1);
  }

 private:
  // By each suffix of the name, the longest first.
  bool find_zone(std::string_view name) {
    for (std::string_view suffix = name; !suffix.empty();
         suffix.remove_prefix(suffix.find('.') + 1)) {
      zone_.begin();
      zone_.bind(1, suffix);
      if (zone_.step()) {
        zone_id_ = zone_.number(0);
        zone_name_ = zone_.text(1);
        return true;
      }
    }
    return false;
  }

  unsigned add_records(std::string_view below, std::string_view type) {
    records_.begin();
    records_.bind(1, zone_id_);
    records_.bind(2, below);
    records_.bind(3, type);
    unsigned count = 0;
    for (; records_.step(); ++count) {
      std::array<char, 16> address;
      const int family = type == "A" ? AF_INET : AF_INET6;
      if (::inet_pton(family, records_.text(0).c_str(), address.data()) != 1) {
        continue;
      }
      add_head(static_cast<unsigned>(kHeader), type == "A" ? kTypeA : kTypeAaaa,
               records_.number(1));
      const std::size_t size = type == "A" ? 4 : 16;
      put16(static_cast<unsigned>(size));
      out_.append(address.data(), size);
    }
    return count;
  }

  void add_soa(std::size_t question_end) {
    const std::size_t at = question_end - (zone_name_.size());
    add_head(static_cast<unsigned>(at), kTypeSoa, zone_.number(8));
    const std::size_t length_at = out_.size();
    put16(0);
    add_name(zone_.text(2));
    add_name(zone_.text(3));
    for (int column = 4; column <= 8; ++column) {
      put32(zone_.number(column));
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

  Statement zone_;
  Statement records_;
  Statement exists_;
  std::int64_t zone_id_ = 0;
  std::string zone_name_;
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
