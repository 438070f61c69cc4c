#include "mcns/zone/image.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "dsl/hash/sha256.h"
#include "mcns/zone/page.h"

namespace mcns::zone {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

constexpr std::size_t kPiece = std::size_t{1} << 20U;  // octets that are read or written at once
constexpr std::size_t kBuildMax = 64;
constexpr std::size_t kSumSize = 64;  // SHA-256 as hexadecimal digits

struct Header {
  std::array<char, 8> magic{'M', 'C', 'N', 'S', 'Z', 'O', 'N', '2'};
  std::uint64_t zones_size = 0;      // octets of pages and names
  std::uint64_t catalogue_size = 0;  // octets of what says where each zone begins
  HashSecrets secrets{};
  std::array<char, kBuildMax> build{};
};
static_assert(std::has_unique_object_representations_v<Header>);

Header header_of(std::string_view build) {
  Header out;
  std::memcpy(out.build.data(), build.data(), std::min(build.size(), kBuildMax));
  return out;
}

template <class Value>
std::span<const std::byte> octets_of(const Value& value) {
  return std::as_bytes(std::span(&value, 1));
}

dsl::Failure damaged(std::string_view what) {
  return fail(Code::kDataLoss, "the image of the zones is damaged: {}", what)
      .hint("remove it; the zones are read from the database");
}

// Pieces of a file, one behind the other, and the sum of all.
class Output {
 public:
  explicit Output(dsl::env::File& file) : file_(file) {}

  void append(std::string_view octets) { buffer_ += octets; }
  std::uint64_t size() const { return at_ - sizeof(Header) + buffer_.size(); }
  Result<void> flush(std::size_t from) {
    if (buffer_.size() < from) {
      return {};
    }
    const auto octets = std::as_bytes(std::span(buffer_));
    sum_.add(octets);
    MC_TRY(file_.write_at(at_, octets));
    at_ += buffer_.size();
    buffer_.clear();
    return {};
  }
  Result<void> finish(const Header& header) {
    MC_TRY(flush(0));
    sum_.add(octets_of(header));
    MC_TRY(file_.write_at(0, octets_of(header)));
    const std::string sum = sum_.finish();
    MC_TRY(file_.write_at(at_, std::as_bytes(std::span(sum))));
    return file_.sync();
  }

 private:
  dsl::env::File& file_;
  std::uint64_t at_ = sizeof(Header);
  std::string buffer_;
  dsl::Sha256 sum_;
};

// The catalogue while it is written: numbers as the machine has them.
class Catalogue {
 public:
  template <class Value>
  void put(const Value& value) {
    static_assert(std::is_trivially_copyable_v<Value>);
    text_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  void put_octets(std::string_view octets) {
    put(static_cast<std::uint32_t>(octets.size()));
    text_ += octets;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// The same while it is read. What does not fit reads as zero and is told by `ok`.
class CatalogueReader {
 public:
  explicit CatalogueReader(std::string_view text) : rest_(text) {}

  template <class Value>
  Value take() {
    Value value{};
    if (const std::string_view octets = take(sizeof(value)); !octets.empty()) {
      std::memcpy(&value, octets.data(), sizeof(value));
    }
    return value;
  }
  std::string_view take_octets() { return take(take<std::uint32_t>()); }
  std::string_view take(std::size_t size) {
    if (size > rest_.size()) {
      ok_ = false;
      size = 0;
    }
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

// Knows the insides of zones and stores. Names and pages get new places, side by side.
class Image {
 public:
  Image(const Version& version, Output& output) : version_(version), output_(output) {}

  Result<void> write(Header header) {
    for (const auto& zone : version_.zones()) {
      MC_TRY(write_zone(*zone));
    }
    header.zones_size = output_.size();
    header.catalogue_size = catalogue_.text().size();
    header.secrets = hash_secrets();
    output_.append(catalogue_.text());
    return output_.finish(header);
  }

  // Of a store that is empty.
  static Arena& arena(Store& store) { return store.arena_; }

  // kDataLoss for a catalogue that does not fit to the arena.
  static Result<std::vector<ImageZone>> publish(std::string_view catalogue, Store& store) {
    std::vector<ImageZone> out;
    auto next = std::make_unique<Version>();
    next->number_ = store.owned_->number_ + 1;
    CatalogueReader in(catalogue);
    while (!in.at_end()) {
      auto zone = std::make_shared<Zone>();
      const bool has_dname = read_zone(in, store.arena_, *zone);
      if (!in.ok() || !is_whole(*zone)) {
        return damaged("its catalogue makes no sense");
      }
      out.push_back({zone->id_, zone->origin_, zone->serial_, has_dname});
      next->zones_.push_back(std::move(zone));
    }
    next->index();
    store.replace(std::move(next), {});
    return out;
  }

 private:
  Offset place(std::string_view octets) {
    const Offset at = next_;
    const std::size_t units = (octets.size() + kUnit - 1) / kUnit;
    output_.append(octets);
    output_.append(std::string_view("\0\0\0\0\0\0\0", units * kUnit - octets.size()));
    next_ += static_cast<Offset>(units);
    return at;
  }

  Offset place_node(Node node) {
    has_dname_ = has_dname_ || node.has(Node::kDname);
    return place(node.block());
  }

  Offset place_page(const Page& page) {
    alignas(Page) std::array<char, Page::size_bytes(Page::kSlotsMax)> room;
    std::memcpy(room.data(), &page, page.size_bytes());
    auto* copy = reinterpret_cast<Page*>(room.data());
    for (unsigned i = 0; i < page.slots(); ++i) {
      if (const Offset node = page.slot(i).node; node != 0) {
        copy->set(i, place_node(Node(arena_->at(node))));
      }
    }
    return place({room.data(), page.size_bytes()});
  }

  Result<void> write_zone(const Zone& zone) {
    arena_ = zone.arena_;
    has_dname_ = false;
    const Offset apex = place_node(zone.apex());
    std::vector<Offset> directory;
    directory.reserve(zone.directory_.size());
    Offset before = 0;
    for (const Offset block : zone.directory_) {
      // Entries that share a page lie side by side.
      directory.push_back(block == before
                              ? directory.back()
                              : place_page(*reinterpret_cast<const Page*>(arena_->at(block))));
      before = block;
      MC_TRY(output_.flush(kPiece));
    }
    catalogue_.put_octets(zone.origin_.wire());
    catalogue_.put(zone.id_);
    catalogue_.put(zone.depth_);
    catalogue_.put(apex);
    catalogue_.put(zone.serial_);
    catalogue_.put(zone.names_);
    catalogue_.put(zone.records_);
    catalogue_.put(has_dname_);
    catalogue_.put(zone.deepest_cut_);
    catalogue_.put(zone.cut_depths_);
    catalogue_.put(zone.soa_);
    catalogue_.put_octets(
        {reinterpret_cast<const char*>(directory.data()), directory.size() * sizeof(Offset)});
    return {};
  }

  // Whether a name of it has a DNAME.
  static bool read_zone(CatalogueReader& in, const Arena& arena, Zone& zone) {
    zone.arena_ = &arena;
    zone.origin_ = Name::from_wire(in.take_octets()).value_or(Name());
    zone.origin_labels_ = static_cast<std::uint8_t>(zone.origin_.label_count());
    zone.id_ = in.take<std::int64_t>();
    zone.depth_ = in.take<std::uint8_t>();
    zone.apex_ = in.take<Offset>();
    zone.serial_ = in.take<std::uint32_t>();
    zone.names_ = in.take<std::uint64_t>();
    zone.records_ = in.take<std::uint64_t>();
    const bool has_dname = in.take<bool>();
    zone.deepest_cut_ = in.take<std::uint8_t>();
    zone.cut_depths_ = in.take<DepthCounts>();
    zone.soa_ = in.take<Zone::NegativeSoa>();
    const std::string_view directory = in.take_octets();
    zone.directory_.resize(directory.size() / sizeof(Offset));
    if (!zone.directory_.empty()) {
      std::memcpy(zone.directory_.data(), directory.data(),
                  zone.directory_.size() * sizeof(Offset));
    }
    return has_dname;
  }

  static bool is_whole(const Zone& zone) {
    const auto is_there = [&](Offset block) { return block != 0 && block < zone.arena_->end(); };
    const std::size_t entries = zone.directory_.size();
    return is_there(zone.apex_) && zone.depth_ < 32 &&
           (entries == 0 || entries == std::size_t{1} << zone.depth_) &&
           std::all_of(zone.directory_.begin(), zone.directory_.end(), is_there);
  }

  const Version& version_;
  Output& output_;
  Catalogue catalogue_;
  Offset next_ = 1;  // as in an arena that has nothing else
  const Arena* arena_ = nullptr;
  bool has_dname_ = false;  // of the zone that is being written
};

namespace {

Result<void> read_all(dsl::env::File& file, std::uint64_t at, std::span<std::byte> out,
                      dsl::Sha256& sum) {
  while (!out.empty()) {
    const auto piece = out.first(std::min(out.size(), kPiece));
    MC_ASSIGN(const std::size_t got, file.read_at(at, piece));
    if (got == 0) {
      return damaged("it is cut short");
    }
    sum.add(piece.first(got));
    out = out.subspan(got);
    at += got;
  }
  return {};
}

// No sum has vouched for it yet.
std::string build_of(const Header& header) {
  const std::string_view all(header.build.data(), header.build.size());
  const std::string_view build = all.substr(0, all.find('\0'));
  const bool is_text = !build.empty() && std::all_of(build.begin(), build.end(),
                                                     [](char c) { return c > ' ' && c <= '~'; });
  return is_text ? std::string(build) : "another form";
}

Result<Header> read_header(dsl::env::File& file, std::string_view build) {
  Header header;
  const Header expected = header_of(build);
  MC_ASSIGN(const std::size_t got, file.read_at(0, std::as_writable_bytes(std::span(&header, 1))));
  if (got != sizeof(header) || header.magic != expected.magic) {
    return damaged("it does not begin as one");
  }
  if (header.build != expected.build) {
    return fail(Code::kFailedPrecondition,
                "the image of the zones is of the build {}, and this is {}", build_of(header),
                build);
  }
  MC_ASSIGN(const std::uint64_t size, file.size());
  const std::uint64_t rest = size - std::min<std::uint64_t>(size, sizeof(Header) + kSumSize);
  if (header.zones_size > rest || header.catalogue_size != rest - header.zones_size) {
    return damaged("it has another size than it says");
  }
  return header;
}

Result<std::vector<ImageZone>> read_zones(dsl::env::File& file, const Header& header,
                                          Store& store) {
  Arena& arena = Image::arena(store);
  dsl::Sha256 sum;
  std::uint64_t at = sizeof(Header);
  if (header.zones_size > 0) {
    std::uint8_t* zones = arena.at(arena.allocate(header.zones_size));
    MC_TRY(read_all(file, at, std::as_writable_bytes(std::span(zones, header.zones_size)), sum));
    at += header.zones_size;
  }
  std::string catalogue(header.catalogue_size, '\0');
  MC_TRY(read_all(file, at, std::as_writable_bytes(std::span(catalogue)), sum));
  at += catalogue.size();
  sum.add(octets_of(header));
  std::string stored(kSumSize, '\0');
  dsl::Sha256 ignored;
  MC_TRY(read_all(file, at, std::as_writable_bytes(std::span(stored)), ignored));
  if (sum.finish() != stored) {
    return damaged("its sum is another");
  }
  set_hash_secrets(header.secrets);
  return Image::publish(catalogue, store);
}

}  // namespace

std::uint64_t empty_image_size() { return sizeof(Header) + kSumSize; }

Result<void> write_image(const Version& version, std::string_view build, dsl::env::File& file) {
  Output output(file);
  return Image(version, output).write(header_of(build));
}

Result<std::vector<ImageZone>> read_image(dsl::env::File& file, std::string_view build,
                                          Store& store) {
  MC_ASSERT(store.is_empty(), "an image is read into an empty store");
  MC_ASSIGN(const Header header, read_header(file, build));
  auto zones = read_zones(file, header, store);
  if (!zones) {
    Image::arena(store).cut(1);
  }
  return zones;
}

}  // namespace mcns::zone
