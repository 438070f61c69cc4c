#include "mcns/rdata/read_rdata.h"

#include "mcns/rdata/encodings.h"
#include "mcns/rdata/fields.h"
#include "mcns/rdata/rdata.h"
#include "mcns/rdata/read_field.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

constexpr std::size_t kRdataMax = 65535;

// RFC 3597 section 5: \# LENGTH DIGITS...
bool is_generic(std::span<const Token> words) {
  return !words.empty() && !words[0].quoted && words[0].raw == "\\#";
}

Result<Bytes> read_generic(WordReader& words) {
  (void)words.take();  // the mark
  const auto length = words.at_end() ? std::nullopt : parse_number(words.take().raw, kRdataMax);
  if (!length) {
    return fail(Code::kInvalidArgument, "behind \\# there is no length from 0 to 65535");
  }
  const auto octets = from_hex(words.take_joined());
  if (!octets) {
    return fail(Code::kInvalidArgument,
                "the data behind \\# are not hexadecimal digits, two for each octet");
  }
  if (octets->size() != *length) {
    return fail(Code::kInvalidArgument, "\\# says {} octets, but {} follow", *length,
                octets->size());
  }
  return *octets;
}

Result<Bytes> read_fields(const TypeInfo& info, WordReader& words) {
  Bytes rdata;
  for (const Field* field = info.fields.data(); field->kind != FieldKind::kEnd; ++field) {
    MC_ASSIGN(const Bytes octets, read_field(*field, words));
    rdata += octets;
  }
  if (!words.at_end()) {
    return fail(Code::kInvalidArgument, "\"{}\" is more than belongs there",
                words.take().raw.substr(0, 60));
  }
  return rdata;
}

Result<Bytes> read(Type type, const TypeInfo* info, bool generic, WordReader& words) {
  if (is_meta_type(type)) {
    return fail(Code::kInvalidArgument, "this type cannot stand in a zone");
  }
  if (info == nullptr && !generic) {
    return fail(Code::kInvalidArgument, "the form of this type is not known")
        .hint("write its octets: \\# 4 c0000201");
  }
  MC_ASSIGN(Bytes rdata, generic ? read_generic(words) : read_fields(*info, words));
  if (rdata.size() > kRdataMax) {
    return fail(Code::kInvalidArgument, "the data have {} octets, but at most 65535 are possible",
                rdata.size());
  }
  return rdata;
}

}  // namespace

RdataRead read_rdata(Type type, std::span<const Token> words, const Name& origin) {
  const TypeInfo* info = find_type_info(type);
  const bool generic = is_generic(words);
  WordReader reader(words, origin);
  RdataRead outcome{.rdata = read(type, info, generic, reader)};
  if (outcome.rdata && info != nullptr) {
    // Rdata read field by field can be wrong only between the fields.
    const Result<void> checked = generic                  ? check_rdata(type, *outcome.rdata)
                                 : info->check != nullptr ? info->check(*outcome.rdata)
                                                          : Result<void>();
    if (!checked) {
      outcome.rdata = tl::unexpected(checked.error());
    }
  }
  if (!outcome.rdata) {
    dsl::Error& error = outcome.rdata.error();
    outcome.word = reader.last();
    if (!generic) {
      error.add_context(text(type));
    }
    if (info != nullptr && error.hint().empty()) {
      error.set_hint(dsl::text("for example: {} {}", text(type), info->example));
    }
  }
  return outcome;
}

}  // namespace mcns
