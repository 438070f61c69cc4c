#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "dsl/archive/inflate.h"
#include "dsl/archive/openpgp.h"
#include "dsl/archive/openpgp_armor.h"
#include "dsl/archive/openpgp_cipher.h"
#include "dsl/archive/openpgp_packets.h"
#include "dsl/archive/openpgp_session.h"

namespace dsl::archive {

namespace {

constexpr std::size_t kPrefixBytes = kPgpBlockBytes + 2;
constexpr std::size_t kMdcBytes = 2 + 20;
constexpr std::size_t kPassphrasesMax = 16;  // each costs up to a fifth of a second
constexpr std::size_t kPacketMax = 512;      // of one for a passphrase or a key that is skipped

Failure unsupported(std::string_view what) {
  return fail(Code::kUnimplemented, "OpenPGP: the file uses {}, which is not supported", what)
      .hint("encrypt it with: gpg --symmetric --cipher-algo AES256");
}

// The body of a protected packet, decrypted. Holds back what may be the modification detection
// code, and checks it at the end.
class Opened {
 public:
  // `prefix` was taken from the body and is encrypted still; the key fits it.
  Opened(PgpPackets& packets, const Secret& key, std::array<std::byte, kPrefixBytes> prefix)
      : packets_(packets), cipher_(PgpCfb::Use::kOpen, key) {
    cipher_.apply(prefix);
    mdc_.add(prefix);
  }
  ~Opened() { wipe(bytes_); }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;

  // As Source says.
  Result<std::size_t> read(std::span<std::byte> out) {
    while (ready_ == taken_ && !ended_) {
      MC_TRY(refill());
    }
    const std::size_t size = std::min(out.size(), ready_ - taken_);
    if (size > 0) {
      std::memcpy(out.data(), bytes_.data() + taken_, size);
      taken_ += size;
    }
    return size;
  }

 private:
  // What is held back moves to the front, and more is put behind it.
  Result<void> refill() {
    std::copy(bytes_.begin() + static_cast<std::ptrdiff_t>(taken_),
              bytes_.begin() + static_cast<std::ptrdiff_t>(taken_ + held_), bytes_.begin());
    const auto room = std::span(bytes_).subspan(held_);
    MC_ASSIGN(const std::size_t size, packets_.read(room));
    cipher_.apply(room.first(size));
    const std::size_t all = held_ + size;
    if (all < kMdcBytes) {
      return pgp_damaged("the file ends before its modification detection code");
    }
    taken_ = 0;
    ready_ = all - kMdcBytes;
    held_ = kMdcBytes;
    mdc_.add(std::span(bytes_).first(ready_));
    ended_ = size < room.size();
    return ended_ ? check() : Result<void>();
  }

  Result<void> check() {
    const auto code = std::span<const std::byte>(bytes_).subspan(ready_, kMdcBytes);
    mdc_.add(code.first(2));
    const std::array<std::byte, 20> hash = mdc_.finish();
    // Section 5.14: the head of the packet, then the hash.
    if (code[0] != std::byte{0xD3} || code[1] != std::byte{20} ||
        !std::equal(hash.begin(), hash.end(), code.subspan(2).begin())) {
      return pgp_damaged("the file is damaged: it is not what was encrypted");
    }
    return {};
  }

  PgpPackets& packets_;
  PgpCfb cipher_;
  PgpSha1 mdc_;
  std::vector<std::byte> bytes_ = std::vector<std::byte>(kPgpPartBytes);
  std::size_t taken_ = 0;  // of bytes_: handed on
  std::size_t ready_ = 0;  // up to here they may be
  std::size_t held_ = 0;   // behind that
  bool ended_ = false;
};

}  // namespace

struct OpenPgpReader::State {
  explicit State(Source source) : file(std::move(source)) {}

  Result<void> open(const Secret& passphrase) {
    // Section 4.2: no text begins with a byte like that of a packet.
    MC_ASSIGN(const std::string_view start, file.peek(1));
    if (start.empty()) {
      return pgp_damaged("the file is empty");
    }
    if ((static_cast<unsigned char>(start.front()) & 0x80U) == 0) {
      armor.emplace(file);
      armored.emplace([this](std::span<std::byte> out) { return armor->read(out); });
    }
    outer.emplace(armored ? *armored : file);
    MC_ASSIGN(const auto keys, read_keys(passphrase));
    MC_TRY(open_body(keys));
    opened_input.emplace([this](std::span<std::byte> out) { return opened->read(out); });
    inner.emplace(*opened_input);
    return find_literal();
  }

  // The session keys that the packets before the encrypted one may give.
  Result<std::vector<Secret>> read_keys(const Secret& passphrase) {
    std::vector<Secret> keys;
    std::optional<Error> not_supported;
    bool for_keys = false;
    std::size_t count = 0;
    while (true) {
      MC_ASSIGN(const std::optional<int> tag, outer->next());
      if (!tag) {
        return pgp_damaged("the file ends before its content");
      }
      switch (*tag) {
        case kPgpKeyForPassphrase: {
          if (++count > kPassphrasesMax) {
            return pgp_damaged("the file is encrypted under too many passphrases");
          }
          MC_ASSIGN(const std::string body, outer->read_all(kPacketMax));
          const auto packet = PgpPassphrasePacket::parse(body);
          if (!packet) {
            if (packet.error().code() != Code::kUnimplemented) {
              return fail(packet.error());
            }
            not_supported = packet.error();
          } else if (auto key = packet->session_key(passphrase)) {
            keys.push_back(std::move(*key));
          }
          break;
        }
        case kPgpKeyForKey:
          for_keys = true;
          [[fallthrough]];
        case kPgpMarker:
          MC_TRY(outer->skip());
          break;
        case kPgpProtected:
          if (keys.empty() && not_supported) {
            return fail(*not_supported);
          }
          if (keys.empty() && for_keys && count == 0) {
            return fail(Code::kWrongKey, "OpenPGP: the file is not encrypted under a passphrase")
                .hint("it is encrypted to keys: decrypt it with gpg, where they are");
          }
          return keys;
        case kPgpEncrypted:
          return pgp_damaged("the file has no modification detection, so it may be anyone's");
        case kPgpAead:
          return unsupported("authenticated encryption of a draft");
        case kPgpCompressed:
        case kPgpLiteral:
        case kPgpOnePassSignature:
        case kPgpSignature:
          return pgp_damaged("the file is not encrypted");
        default:
          return pgp_damaged("this is no OpenPGP message");
      }
    }
  }

  Result<void> open_body(const std::vector<Secret>& keys) {
    std::byte version{};
    std::array<std::byte, kPrefixBytes> prefix;
    MC_ASSIGN(std::size_t size, outer->read({&version, 1}));
    if (size == 1 && version != std::byte{1}) {
      return unsupported(text("encryption of version {}", std::to_integer<int>(version)));
    }
    MC_ASSIGN(size, outer->read(prefix));
    if (size < prefix.size()) {
      return pgp_damaged("the file ends before its content");
    }
    for (const Secret& key : keys) {
      std::array<std::byte, kPrefixBytes> plain = prefix;
      PgpCfb(PgpCfb::Use::kOpen, key).apply(plain);
      if (std::equal(plain.end() - 4, plain.end() - 2, plain.end() - 2)) {
        opened = std::make_unique<Opened>(*outer, key, prefix);
        return {};
      }
    }
    return fail(Code::kWrongKey, "OpenPGP: the passphrase does not open the file")
        .hint("try another passphrase; if none opens it, its first bytes are damaged");
  }

  // Goes to the content, through what compresses it.
  Result<void> find_literal() {
    while (true) {
      MC_ASSIGN(const std::optional<int> tag, inner->next());
      if (tag == kPgpLiteral) {
        return read_literal_head();
      }
      if (tag == kPgpCompressed && !unpacked) {
        MC_TRY(unpack());
      } else if (tag == kPgpOnePassSignature || tag == kPgpSignature || tag == kPgpMarker) {
        MC_TRY(inner->skip());  // who has signed is not asked
      } else {
        return pgp_damaged("there is no content in it");
      }
    }
  }

  Result<void> unpack() {
    std::byte kind{};
    MC_ASSIGN(const std::size_t size, inner->read({&kind, 1}));
    if (size == 0) {
      return pgp_damaged("a compressed packet is empty");
    }
    // Section 9.3.
    compressed.emplace(*inner);
    Source body = [this](std::span<std::byte> out) { return compressed->read(out); };
    switch (std::to_integer<int>(kind)) {
      case 0:
        unpacked.emplace(std::move(body));
        break;
      case 1:
      case 2:
        inflate.emplace(std::move(body),
                        kind == std::byte{1} ? DeflateForm::kRaw : DeflateForm::kZlib, "OpenPGP");
        unpacked.emplace([this](std::span<std::byte> out) { return inflate->read(out); });
        break;
      default:
        return unsupported("another compression than zip and zlib");
    }
    inner.emplace(*unpacked);
    return {};
  }

  // Section 5.9: how it is to be taken, a name, a date.
  Result<void> read_literal_head() {
    std::array<std::byte, 2> kind_and_length;
    MC_ASSIGN(std::size_t size, inner->read(kind_and_length));
    std::array<std::byte, 255 + 4> rest;
    const std::size_t rest_size = std::to_integer<std::size_t>(kind_and_length[1]) + 4;
    MC_ASSIGN(const std::size_t more, inner->read(std::span(rest).first(rest_size)));
    return size == 2 && more == rest_size ? Result<void>() : pgp_damaged("the content has no head");
  }

  Result<std::size_t> read(std::span<std::byte> out) {
    MC_ASSIGN(const std::size_t size, inner->read(out));
    if (size == 0 && !ended) {
      MC_TRY(expect_end());
      ended = true;
    }
    return size;
  }

  // Reads every layer to its end, the innermost first: that is where each is checked.
  Result<void> expect_end() {
    MC_TRY(expect_last(*inner, true));
    if (compressed) {
      MC_TRY(compressed->skip());  // what is left is nothing, or `inflate` has said so
      MC_TRY(expect_last(*compressed, true));
    }
    return expect_last(*outer, false);
  }
  static Result<void> expect_last(PgpPackets& packets, bool signatures) {
    while (true) {
      MC_ASSIGN(const std::optional<int> tag, packets.next());
      if (!tag) {
        return {};
      }
      if (!signatures || *tag != kPgpSignature) {
        return pgp_damaged("something follows the content");
      }
      MC_TRY(packets.skip());
    }
  }

  // Each layer reads the one before it.
  BufferedSource file;
  std::optional<PgpArmorReader> armor;
  std::optional<BufferedSource> armored;
  std::optional<PgpPackets> outer;
  std::unique_ptr<Opened> opened;
  std::optional<BufferedSource> opened_input;
  std::optional<PgpPackets> compressed;  // in whose body the others lie
  std::optional<InflateReader> inflate;
  std::optional<BufferedSource> unpacked;
  std::optional<PgpPackets> inner;
  bool ended = false;
  std::optional<Error> error;  // what every further read says
};

OpenPgpReader::OpenPgpReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
OpenPgpReader::~OpenPgpReader() = default;
OpenPgpReader::OpenPgpReader(OpenPgpReader&&) noexcept = default;
OpenPgpReader& OpenPgpReader::operator=(OpenPgpReader&&) noexcept = default;

Result<OpenPgpReader> OpenPgpReader::open(Source source, const Secret& passphrase) {
  MC_TRY(check_pgp_passphrase(passphrase));
  auto state = std::make_unique<State>(std::move(source));
  MC_TRY(state->open(passphrase));
  return OpenPgpReader(std::move(state));
}

Result<std::size_t> OpenPgpReader::read(std::span<std::byte> out) {
  MC_ASSERT(!out.empty(), "a source is given room");
  State& state = *state_;
  if (state.error) {
    return fail(*state.error);
  }
  auto size = state.read(out);
  if (!size) {
    state.error = size.error();
  }
  return size;
}

}  // namespace dsl::archive
