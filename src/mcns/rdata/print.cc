#include "mcns/rdata/print.h"

#include "dsl/json/canonical.h"
#include "mcns/rdata/encodings.h"
#include "mcns/rdata/loc.h"
#include "mcns/rdata/mnemonics.h"
#include "mcns/rdata/rdata.h"
#include "mcns/rdata/svcb.h"

namespace mcns {
namespace {

std::string name_text(BytesView wire, const Name* origin) {
  const auto name = Name::from_wire(wire);
  MC_ASSERT(name.has_value(), "the field was checked");
  return origin == nullptr ? name->text() : name->text_below(*origin);
}

void append_strings(std::string& out, BytesView octets) {
  while (!octets.empty()) {
    const std::size_t size = get8(octets, 0);
    out += ' ';
    append_quoted(out, octets.substr(1, size));
    octets.remove_prefix(1 + size);
  }
}

// RFC 4034 section 4.1.2.
void append_types(std::string& out, BytesView octets) {
  while (!octets.empty()) {
    const std::size_t size = get8(octets, 1);
    for (std::size_t bit = 0; bit < size * 8; ++bit) {
      if ((get8(octets, 2 + bit / 8) & (0x80U >> (bit % 8))) != 0) {
        out += ' ';
        out += text(static_cast<Type>(std::size_t{get8(octets, 0)} * 256 + bit));
      }
    }
    octets.remove_prefix(2 + size);
  }
}

// Fields of one word.
std::string word_text(FieldKind kind, BytesView octets) {
  switch (kind) {
    case FieldKind::kNumber8:
    case FieldKind::kAlgorithm:
      return std::to_string(get8(octets, 0));
    case FieldKind::kNumber16:
      return std::to_string(get16(octets, 0));
    case FieldKind::kNumber32:
    case FieldKind::kPeriod:
      return std::to_string(get32(octets, 0));
    case FieldKind::kTime:
      return time_text(get32(octets, 0));
    case FieldKind::kType:
      return text(static_cast<Type>(get16(octets, 0)));
    case FieldKind::kCertificateType:
      return certificate_type_text(get16(octets, 0));
    case FieldKind::kIpv4:
      return ipv4_text(octets);
    case FieldKind::kIpv6:
      return ipv6_text(octets);
    case FieldKind::kTag:
      return std::string(octets.substr(1));
    case FieldKind::kSalt:
      return octets.size() == 1 ? "-" : hex(octets.substr(1));
    case FieldKind::kHash:
      return base32hex(octets.substr(1));
    case FieldKind::kHex:
      return hex(octets);
    case FieldKind::kBase64:
      return dsl::json::base64(octets);
    default:
      return "";
  }
}

std::string generic_text(BytesView rdata) {
  std::string out = "\\# " + std::to_string(rdata.size());
  if (!rdata.empty()) {
    out += " " + hex(rdata);
  }
  return out;
}

}  // namespace

void append_field(std::string& out, const Field& field, BytesView octets, const Name* origin) {
  switch (field.kind) {
    case FieldKind::kStrings:
      append_strings(out, octets);
      return;
    case FieldKind::kTypes:
      append_types(out, octets);
      return;
    case FieldKind::kParameters:
      append_parameters(out, octets);
      return;
    default:
      break;
  }
  out += ' ';
  switch (field.kind) {
    case FieldKind::kName:
      out += name_text(octets, origin);
      return;
    case FieldKind::kString:
      append_quoted(out, octets.substr(1));
      return;
    case FieldKind::kLongString:
    case FieldKind::kLongStringSome:
      append_quoted(out, octets);
      return;
    case FieldKind::kLocation:
      append_location(out, octets);
      return;
    default:
      out += word_text(field.kind, octets);
  }
}

std::string rdata_text(Type type, BytesView rdata, const Name* origin) {
  const TypeInfo* info = find_type_info(type);
  if (info == nullptr || !check_rdata(type, rdata)) {
    return generic_text(rdata);
  }
  std::string out;
  (void)each_field(*info, rdata, [&](const Field& field, std::size_t, BytesView octets) {
    append_field(out, field, octets, origin);  // checked above
  });
  return out.substr(1);
}

}  // namespace mcns
