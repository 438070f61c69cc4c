// Compressed answers: RFC 9110 sections 8.4 and 12.5.3.
#pragma once

#include <string>
#include <string_view>

#include "dsl/http/server.h"

namespace dsl::http {

enum class Coding { kIdentity, kGzip, kZstd };
std::string_view coding_name(Coding coding);  // as in Content-Encoding

// The best coding that an Accept-Encoding header allows: zstd, gzip, none.
Coding choose_coding(std::string_view accept_encoding);
// Whether a body of this type gains by it: text, JSON, XML, SVG, JavaScript; not what is compressed
// already.
bool is_compressible(std::string_view content_type);
std::string compress(Coding coding, std::string_view body);

// Compresses `reply` as the request accepts when its type and size are worth it and it has no
// coding yet; adds Vary, and weakens its ETag, since the bytes differ from those that it names.
void compress_reply(const Exchange& exchange, Reply& reply);

}  // namespace dsl::http
