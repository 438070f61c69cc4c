#include "mcns/forward/http2_asker.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <system_error>
#include <utility>

#include <nghttp2/nghttp2.h>

#include "dsl/result/text.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

constexpr std::string_view kMessageType = "application/dns-message";
constexpr std::size_t kTypeMax = 128;            // of a content type that is looked at
constexpr std::uint32_t kHeaderListMax = 16384;  // of an answer
constexpr std::size_t kOutboundAcksMax = 100;    // answers to PING and SETTINGS that wait
constexpr std::size_t kOutputMax = 64u << 10;    // of one turn

std::string_view view_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// nghttp2 copies them.
nghttp2_nv header(std::string_view name, std::string_view value) {
  const auto octets = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));  // it only reads them
  };
  return {octets(name), octets(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

// RFC 9110 section 8.3.1: without its parameters, in any case.
bool is_message_type(std::string_view type) {
  type = type.substr(0, type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) {
    type.remove_suffix(1);
  }
  return equal_ignoring_case(type, kMessageType);
}

}  // namespace

struct Http2Asker::Callbacks {
  static Http2Asker& of(void* self) { return *static_cast<Http2Asker*>(self); }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t, void* self) {
    Stream* stream = of(self).find(frame->hd.stream_id);
    if (stream == nullptr) {
      return 0;
    }
    const std::string_view key = view_of(name, name_size);
    const std::string_view text = view_of(value, value_size);
    if (key == ":status") {
      (void)std::from_chars(text.data(), text.data() + text.size(), stream->status);
    } else if (key == "content-type") {
      stream->type = text.substr(0, kTypeMax);
    } else if (key == "age") {
      // RFC 9111 section 1.2.2: what is too large counts as the largest number.
      const auto read = std::from_chars(text.data(), text.data() + text.size(), stream->age_s);
      stream->age_s = read.ec == std::errc::result_out_of_range ? UINT32_MAX : stream->age_s;
    }
    return 0;
  }

  static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t id,
                     const std::uint8_t* data, std::size_t size, void* self) {
    Stream* stream = of(self).find(id);
    if (stream == nullptr || stream->too_long) {
      return 0;
    }
    stream->too_long = stream->body.size() + size > kBodyMax;
    if (stream->too_long) {
      return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    }
    stream->body += view_of(data, size);
    return 0;
  }

  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* self) {
    of(self).end(id, code);
    return 0;
  }

  // A request that waited for its turn when the server took no more.
  static int on_not_sent(nghttp2_session*, const nghttp2_frame* frame, int, void* self) {
    if (frame->hd.type == NGHTTP2_HEADERS) {
      of(self).end(frame->hd.stream_id, NGHTTP2_REFUSED_STREAM);
    }
    return 0;
  }

  static ssize_t read_request(nghttp2_session*, std::int32_t id, std::uint8_t* out,
                              std::size_t room, std::uint32_t* flags, nghttp2_data_source*,
                              void* self) {
    Stream* stream = of(self).find(id);
    if (stream == nullptr) {
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // resets the stream
    }
    const std::string_view rest = std::string_view(stream->request).substr(stream->sent);
    const std::size_t size = std::min(room, rest.size());
    std::copy_n(rest.data(), size, out);
    stream->sent += size;
    if (size == rest.size()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
    }
    return static_cast<ssize_t>(size);
  }
};

Http2Asker::Http2Asker(Target target) : target_(std::move(target)) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* options = nullptr;
  MC_ASSERT(nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&options) == 0,
            "nghttp2: out of memory");
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::on_close);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, Callbacks::on_not_sent);
  nghttp2_option_set_max_outbound_ack(options, kOutboundAcksMax);
  const int made = nghttp2_session_client_new2(&session_, callbacks, this, options);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_option_del(options);
  MC_ASSERT(made == 0, "nghttp2: out of memory");

  // RFC 8484 section 5.2: what is pushed would be an answer to no question of ours.
  const std::array<nghttp2_settings_entry, 2> settings{
      {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}, {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kHeaderListMax}}};
  (void)nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
}

Http2Asker::~Http2Asker() { nghttp2_session_del(session_); }

bool Http2Asker::takes_more() const {
  return failure_.empty() && nghttp2_session_check_request_allowed(session_) != 0;
}

Result<std::int32_t> Http2Asker::ask(Bytes message) {
  if (!takes_more()) {
    return fail(Code::kUnavailable, "the connection takes no more requests");
  }
  const std::string size = std::to_string(message.size());
  // RFC 8484 section 4.1.
  const std::array<nghttp2_nv, 7> headers{
      {header(":method", "POST"), header(":scheme", "https"),
       header(":authority", target_.authority), header(":path", target_.path),
       header("accept", kMessageType), header("content-type", kMessageType),
       header("content-length", size)}};
  nghttp2_data_provider body{};
  body.read_callback = Callbacks::read_request;
  const std::int32_t id =
      nghttp2_submit_request(session_, nullptr, headers.data(), headers.size(), &body, nullptr);
  if (id < 0) {
    return fail(Code::kUnavailable, "no request can be made: {}", nghttp2_strerror(id));
  }
  streams_[id].request = std::move(message);
  return id;
}

void Http2Asker::cancel(std::int32_t id) {
  if (Stream* stream = find(id)) {
    stream->cancelled = true;
    (void)nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  }
}

void Http2Asker::receive(std::string_view input) {
  if (!failure_.empty()) {
    return;
  }
  const ssize_t used = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
  if (used < 0) {
    failure_ = dsl::text("its HTTP/2 is wrong: {}", nghttp2_strerror(static_cast<int>(used)));
  }
  look_for_end();
}

// After a GOAWAY of either side, once nothing is under way: that is also how nghttp2 ends what is
// against the protocol.
void Http2Asker::look_for_end() {
  if (failure_.empty() && nghttp2_session_want_read(session_) == 0 &&
      nghttp2_session_want_write(session_) == 0) {
    failure_ = "its HTTP/2 has come to an end";
  }
}

void Http2Asker::produce(Bytes& output) {
  while (failure_.empty() && output.size() < kOutputMax) {
    const std::uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &data);
    if (size < 0) {
      failure_ = dsl::text("no request can be made: {}", nghttp2_strerror(static_cast<int>(size)));
    }
    if (size <= 0) {
      break;
    }
    output += view_of(data, static_cast<std::size_t>(size));
  }
  look_for_end();
}

Http2Asker::Stream* Http2Asker::find(std::int32_t id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : &found->second;
}

void Http2Asker::end(std::int32_t id, std::uint32_t code) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) {
    return;
  }
  Stream stream = std::move(found->second);
  streams_.erase(found);
  if (stream.cancelled) {
    return;
  }
  Done done{.stream = id};
  if (stream.too_long) {
    done.why = "its answer is longer than any DNS message";
  } else if (code != NGHTTP2_NO_ERROR) {
    done.why = dsl::text("it has reset the request: {}", nghttp2_http2_strerror(code));
    // RFC 9113 section 8.7: then it was not processed.
    done.unseen = code == NGHTTP2_REFUSED_STREAM;
  } else if (stream.status != 200) {
    done.why = dsl::text("said HTTP {}", stream.status);  // RFC 8484 section 4.2.1
  } else if (!is_message_type(stream.type)) {
    done.why = dsl::text("sent \"{}\" in place of a DNS message", stream.type);
  } else {
    done.message = std::move(stream.body);
    done.age_s = stream.age_s;
  }
  done_.push_back(std::move(done));
}

}  // namespace mcns
