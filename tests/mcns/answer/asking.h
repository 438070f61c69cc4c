// Asks the real answerer through the wire, as a client would.
#pragma once

#include <cstdint>
#include <string>

#include "mcns/answer/answer.h"
#include "mcns/wire/message.h"
#include "mcns/zone/store.h"

namespace mcns::test {

struct Asked {
  Question question;
  std::uint16_t edns_size = 1232;  // 0 = without EDNS
  bool dnssec_ok = false;
  bool recursion_desired = false;
  Client client;
};

struct Reply {
  Answer answer;
  Name target;      // of kForward
  Message message;  // what was written; of kForward the records so far
};

// Ends the test binary when the question or the response is malformed.
Reply ask(Answerer& answerer, const zone::Version& version, const Asked& asked);

}  // namespace mcns::test
