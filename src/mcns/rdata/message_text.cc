// Message::text (message.h): here, since it takes to know how records look.
#include "mcns/rdata/encodings.h"
#include "mcns/rdata/rdata.h"
#include "mcns/wire/message.h"

namespace mcns {
namespace {

constexpr std::size_t kNameColumns = 24;  // dig's

std::string opcode_text(Opcode opcode) {
  switch (opcode) {
    case Opcode::kQuery:
      return "QUERY";
    case Opcode::kStatus:
      return "STATUS";
    case Opcode::kNotify:
      return "NOTIFY";
    case Opcode::kUpdate:
      return "UPDATE";
  }
  return "OPCODE" + std::to_string(static_cast<unsigned>(opcode));
}

std::string flags_text(const Message& message) {
  std::string out;
  const auto flag = [&out](bool set, std::string_view name) {
    out += set ? " " : "";
    out += set ? name : "";
  };
  flag(message.response, "qr");
  flag(message.authoritative, "aa");
  flag(message.truncated, "tc");
  flag(message.recursion_desired, "rd");
  flag(message.recursion_available, "ra");
  flag(message.authentic_data, "ad");
  flag(message.checking_disabled, "cd");
  return out;
}

// With blanks up to the next column.
std::string padded(std::string name) {
  name.append(name.size() < kNameColumns ? kNameColumns - name.size() : 1, ' ');
  return name;
}

std::string_view meaning(ExtendedError error) {
  switch (error) {
    case ExtendedError::kOther:
      return "Other";
    case ExtendedError::kStaleAnswer:
      return "Stale Answer";
    case ExtendedError::kCachedError:
      return "Cached Error";
    case ExtendedError::kNotReady:
      return "Not Ready";
    case ExtendedError::kBlocked:
      return "Blocked";
    case ExtendedError::kProhibited:
      return "Prohibited";
    case ExtendedError::kStaleNxdomainAnswer:
      return "Stale NXDOMAIN Answer";
    case ExtendedError::kNotAuthoritative:
      return "Not Authoritative";
    case ExtendedError::kNotSupported:
      return "Not Supported";
    case ExtendedError::kNoReachableAuthority:
      return "No Reachable Authority";
    case ExtendedError::kNetworkError:
      return "Network Error";
    case ExtendedError::kInvalidData:
      return "Invalid Data";
  }
  return "?";
}

std::string option_text(const EdnsOption& option) {
  std::string out = "; ";
  if (option.code == kOptionExtendedError && option.data.size() >= 2) {
    const std::uint16_t code = get16(option.data, 0);
    out += dsl::text("EDE: {} ({})", code, meaning(static_cast<ExtendedError>(code)));
    if (option.data.size() > 2) {
      out += ": ";
      append_quoted(out, BytesView(option.data).substr(2));
    }
  } else if (option.code == kOptionNsid) {
    out += "NSID: ";
    append_quoted(out, option.data);
  } else if (option.code == kOptionCookie) {
    out += "COOKIE: " + hex(option.data);
  } else {
    out += dsl::text("OPT={}: {}", option.code, hex(option.data));
  }
  return out + "\n";
}

std::string edns_text(const Edns& edns) {
  std::string out = dsl::text("\n;; OPT PSEUDOSECTION:\n; EDNS: version: {}, flags:{}; udp: {}\n",
                              edns.version, edns.dnssec_ok ? " do" : "", edns.udp_size);
  for (const EdnsOption& option : edns.options) {
    out += option_text(option);
  }
  return out;
}

std::string section_text(std::string_view title, const std::vector<Record>& records) {
  if (records.empty()) {
    return "";
  }
  std::string out = dsl::text("\n;; {} SECTION:\n", title);
  for (const Record& record : records) {
    out += dsl::text("{}{} {} {} {}\n", padded(record.name.text()), record.ttl,
                     mcns::text(record.dns_class), mcns::text(record.type),
                     rdata_text(record.type, record.rdata));
  }
  return out;
}

}  // namespace

std::string Message::text() const {
  std::string out = dsl::text(
      ";; ->>HEADER<<- opcode: {}, status: {}, id: {}\n"
      ";; flags:{}; QUERY: {}, ANSWER: {}, AUTHORITY: {}, ADDITIONAL: {}\n",
      opcode_text(opcode), mcns::text(rcode), id, flags_text(*this), questions.size(),
      answers.size(), authorities.size(), additionals.size() + (edns ? 1 : 0));
  if (edns) {
    out += edns_text(*edns);
  }
  if (!questions.empty()) {
    out += "\n;; QUESTION SECTION:\n";
    for (const Question& question : questions) {
      out += dsl::text("{}{} {}\n", padded(";" + question.name.text()),
                       mcns::text(question.dns_class), mcns::text(question.type));
    }
  }
  return out + section_text("ANSWER", answers) + section_text("AUTHORITY", authorities) +
         section_text("ADDITIONAL", additionals);
}

}  // namespace mcns
