// Files on their way into a service's directory. The bytes come in pieces and go into a partial
// file beside the target, which takes the target's name when all are there and are those that were
// announced. A partial file stays for a day, so that an upload that broke off goes on where it was.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "mcp/agent/events.h"
#include "mcp/agent/service_files.h"

namespace mcp::agent {

// Thread-safe; the pieces of one upload are taken one after the other. Bounds: kUploadsMax at once,
// and for each what has come before its turn.
class Uploads {
 public:
  Uploads(dsl::env::Env& env, ServiceFiles& files, EventLog& events)
      : env_(env), files_(files), events_(events) {}

  // The caller's `subject` alone may go on with what it began. An upload of the same bytes to the
  // same place ends another that is under way, and goes on from there.
  Result<pb::PutFileState> begin(const std::string& subject,
                                 const pb::BeginPutFileRequest& request);
  // Pieces may come a little out of order. The answer says what is there without a gap.
  Result<pb::PutFileState> chunk(const std::string& subject,
                                 const pb::PutFileChunkRequest& request);
  Result<pb::FileState> finish(const std::string& subject, const std::string& upload);

  static constexpr std::size_t kUploadsMax = 64;

 private:
  class Upload;

  // Where the file will be; kInvalidArgument where no file can be.
  Result<FilePlace> target_of(const pb::BeginPutFileRequest& request);
  Result<std::shared_ptr<Upload>> find(const std::string& subject, const std::string& id);
  // Takes the place of one for the same file; kRateLimited when there are too many.
  Result<void> admit(const std::shared_ptr<Upload>& upload);
  void forget(const std::string& id);

  dsl::env::Env& env_;
  ServiceFiles& files_;
  EventLog& events_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Upload>> uploads_;  // by id; guarded by mutex_
};

}  // namespace mcp::agent
