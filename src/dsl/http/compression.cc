#include "dsl/http/compression.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include <zlib.h>
#include <zstd.h>

#include "dsl/http/message.h"

namespace dsl::http {

namespace {

constexpr std::size_t kWorthIt = 1024;  // bytes; below it the answer fits a packet anyway
constexpr int kZstdLevel = 3;
constexpr int kGzipLevel = 5;
constexpr int kGzipWindow = 15 + 16;  // zlib's way to say: with a gzip header

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  const auto last = text.find_last_not_of(" \t");
  return first == std::string_view::npos ? "" : text.substr(first, last - first + 1);
}

// Whether ";q=0" (or 0.0, ...) refuses a coding. Weights beyond that are not honoured: what is
// accepted at all is sent in our order.
bool is_refused(std::string_view parameters) {
  const auto q = parameters.find("q=");
  if (q == std::string_view::npos) {
    return false;
  }
  const std::string_view weight = trimmed(parameters.substr(q + 2));
  return !weight.empty() && weight.find_first_not_of("0.") == std::string_view::npos;
}

std::string gzip(std::string_view body) {
  z_stream stream{};
  MC_ASSERT(
      deflateInit2(&stream, kGzipLevel, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) == Z_OK,
      "zlib: out of memory");
  std::string out(deflateBound(&stream, body.size()), '\0');
  stream.next_in = static_cast<Bytef*>(const_cast<void*>(static_cast<const void*>(body.data())));
  stream.avail_in = static_cast<uInt>(body.size());
  stream.next_out = static_cast<Bytef*>(static_cast<void*>(out.data()));
  stream.avail_out = static_cast<uInt>(out.size());
  MC_ASSERT(deflate(&stream, Z_FINISH) == Z_STREAM_END, "deflateBound is a bound");
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd(std::string_view body) {
  std::string out(ZSTD_compressBound(body.size()), '\0');
  const std::size_t size =
      ZSTD_compress(out.data(), out.size(), body.data(), body.size(), kZstdLevel);
  MC_ASSERT(ZSTD_isError(size) == 0, "ZSTD_compressBound is a bound");
  out.resize(size);
  return out;
}

std::string* find_header(Headers& headers, std::string_view name) {
  const auto found = std::find_if(headers.begin(), headers.end(), [&](const auto& header) {
    return same_name(header.first, name);
  });
  return found == headers.end() ? nullptr : &found->second;
}

}  // namespace

std::string_view coding_name(Coding coding) {
  switch (coding) {
    case Coding::kIdentity:
      return "identity";
    case Coding::kGzip:
      return "gzip";
    case Coding::kZstd:
      return "zstd";
  }
  return "identity";
}

Coding choose_coding(std::string_view accept_encoding) {
  bool gzip_named = false, gzip_ok = false, zstd_ok = false, any_ok = false;
  while (!accept_encoding.empty()) {
    const auto comma = accept_encoding.find(',');
    const std::string_view entry = accept_encoding.substr(0, comma);
    const auto semicolon = entry.find(';');
    const std::string_view name = trimmed(entry.substr(0, semicolon));
    const bool accepted =
        semicolon == std::string_view::npos || !is_refused(entry.substr(semicolon));
    if (same_name(name, "zstd")) {
      zstd_ok = accepted;
    } else if (same_name(name, "gzip") || same_name(name, "x-gzip")) {
      gzip_named = true;
      gzip_ok = accepted;
    } else if (name == "*") {
      any_ok = accepted;
    }
    accept_encoding.remove_prefix(comma == std::string_view::npos ? accept_encoding.size()
                                                                  : comma + 1);
  }
  if (zstd_ok) {
    return Coding::kZstd;
  }
  return gzip_ok || (any_ok && !gzip_named) ? Coding::kGzip : Coding::kIdentity;
}

bool is_compressible(std::string_view content_type) {
  const std::string type = lower_case(trimmed(content_type.substr(0, content_type.find(';'))));
  // Events are flushed one by one and must not wait for a compressor.
  if (type == "text/event-stream") {
    return false;
  }
  constexpr std::array<std::string_view, 5> kTypes{"application/json", "application/javascript",
                                                   "application/xml", "image/svg+xml",
                                                   "application/wasm"};
  return type.starts_with("text/") || type.ends_with("+json") || type.ends_with("+xml") ||
         std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

std::string compress(Coding coding, std::string_view body) {
  switch (coding) {
    case Coding::kIdentity:
      return std::string(body);
    case Coding::kGzip:
      return gzip(body);
    case Coding::kZstd:
      return zstd(body);
  }
  return std::string(body);
}

void compress_reply(const Exchange& exchange, Reply& reply) {
  const std::string* type = find_header(reply.headers, "content-type");
  // 206: a range is of the bytes as they are named. zlib counts in 32 bits.
  if (type == nullptr || !is_compressible(*type) || reply.status == 206 ||
      find_header(reply.headers, "content-encoding") != nullptr || reply.body.size() < kWorthIt ||
      reply.body.size() > std::numeric_limits<std::uint32_t>::max() / 2) {
    return;
  }
  reply.headers.emplace_back("vary", "accept-encoding");
  const Coding coding = choose_coding(exchange.header("accept-encoding"));
  if (coding == Coding::kIdentity) {
    return;
  }
  std::string smaller = compress(coding, reply.body);
  if (smaller.size() >= reply.body.size()) {
    return;
  }
  reply.body = std::move(smaller);
  reply.headers.emplace_back("content-encoding", coding_name(coding));
  if (std::string* etag = find_header(reply.headers, "etag");
      etag != nullptr && !etag->starts_with("W/")) {
    *etag = "W/" + *etag;
  }
}

}  // namespace dsl::http
