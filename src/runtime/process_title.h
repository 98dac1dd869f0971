// The process's title: what ps shows as its command line. For the main thread, before there are others, except set().
//
// Linux shows the bytes that argv and the environment stand in, so the title is written over them; the environment moves
// elsewhere first.
#pragma once

#include <string>
#include <string_view>

#include "base/mutex.h"

namespace vigil::runtime {

class ProcessTitle {
 public:
  // As main() was given them; before anything holds pointers into the environment. argv is not to be used afterwards.
  ProcessTitle(int argc, char** argv);

  const std::string& program() const { return program_; }  // argv[0]
  void set(std::string_view title) EXCLUDES(mutex_);        // any thread

 private:
  std::string program_;
  Mutex mutex_;
  char* begin_ GUARDED_BY(mutex_) = nullptr;
  size_t room_ = 0;  // bytes, the last of which stays 0
};

struct TitleParts {
  std::string title;         // argv[0]
  std::string listenAddress;  // "*:6379", or a Unix socket's path
  std::string serverMode;    // "", "[cluster]", "[sentinel]"
  std::string port;
  std::string tlsPort;
  std::string unixSocket;
  std::string configFile;
};
// proc-title-template with its parts filled in, without blanks at the end.
std::string fillTitle(std::string_view form, const TitleParts& parts);

}  // namespace vigil::runtime
