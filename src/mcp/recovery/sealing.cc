#include "mcp/recovery/sealing.h"

#include "dsl/archive/age.h"
#include "dsl/archive/openpgp.h"

namespace mcp::recovery {

using dsl::Code;
using dsl::fail;
using dsl::archive::AgeReader;
using dsl::archive::AgeWriter;
using dsl::archive::OpenPgpReader;
using dsl::archive::OpenPgpWriter;
using dsl::archive::Sink;
using dsl::archive::Source;

namespace {

template <class Writer>
class SealerOf final : public Sealer {
 public:
  explicit SealerOf(Writer writer) : writer_(std::move(writer)) {}
  Result<void> write(std::span<const std::byte> plain) override { return writer_.write(plain); }
  Result<void> finish() override { return writer_.finish(); }

 private:
  Writer writer_;
};

template <class Reader>
Source source_of(Reader reader) {
  const auto shared = std::make_shared<Reader>(std::move(reader));  // a Source can be copied
  return [shared](std::span<std::byte> out) { return shared->read(out); };
}

}  // namespace

Result<std::unique_ptr<Sealer>> Sealer::begin(dsl::env::Env& env, const PointKeys& keys,
                                              Sink sink) {
  if (keys.passphrase != nullptr) {
    MC_ASSIGN(OpenPgpWriter writer,
              OpenPgpWriter::begin(*keys.passphrase, std::move(sink), {.random = &env.random()}));
    return std::make_unique<SealerOf<OpenPgpWriter>>(std::move(writer));
  }
  MC_ASSIGN(AgeWriter writer, AgeWriter::begin(env.random(), keys.recipients, std::move(sink)));
  return std::make_unique<SealerOf<AgeWriter>>(std::move(writer));
}

Result<Source> open_sealed(Seal seal, Source source, const ReadKeys& keys) {
  if (seal == Seal::kOpenPgp) {
    if (!keys.passphrase) {
      return fail(Code::kInvalidArgument, "a passphrase opens this point")
          .hint("--passphrase-file FILE");
    }
    MC_ASSIGN(OpenPgpReader reader, OpenPgpReader::open(std::move(source), *keys.passphrase));
    return source_of(std::move(reader));
  }
  if (keys.identities.empty()) {
    return fail(Code::kInvalidArgument, "an identity opens this point: this machine has none")
        .hint("--identity FILE, the one of mcp-agent backup key create");
  }
  MC_ASSIGN(AgeReader reader, AgeReader::open(std::move(source), keys.identities));
  return source_of(std::move(reader));
}

}  // namespace mcp::recovery
