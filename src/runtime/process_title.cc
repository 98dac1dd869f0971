#include "runtime/process_title.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

namespace vigil::runtime {

ProcessTitle::ProcessTitle(int argc, char** argv) : program_(argc > 0 ? argv[0] : "") {
  if (argc == 0) return;
  char* const begin = argv[0];
  char* end = begin;
  auto extend = [&end](char* word) {
    if (word == end) end = word + std::strlen(word) + 1;
  };
  for (int i = 0; i < argc; ++i) extend(argv[i]);
  std::vector<std::string> environment;
  for (char** word = environ; *word != nullptr; ++word) {
    extend(*word);
    environment.emplace_back(*word);
  }
  clearenv();
  for (const std::string& word : environment) {
    const size_t equals = word.find('=');
    if (equals != std::string::npos) setenv(word.substr(0, equals).c_str(), word.c_str() + equals + 1, 1);
  }
  MutexLock guard(mutex_);
  begin_ = begin;
  room_ = static_cast<size_t>(end - begin);
}

void ProcessTitle::set(std::string_view title) {
  MutexLock guard(mutex_);
  if (room_ < 2) return;
  const size_t length = std::min(title.size(), room_ - 1);
  std::memcpy(begin_, title.data(), length);
  std::memset(begin_ + length, 0, room_ - length);
}

std::string fillTitle(std::string_view form, const TitleParts& parts) {
  const std::pair<std::string_view, std::string> values[] = {
      {"{title}", parts.title},
      {"{listen-addr}", parts.listenAddress},
      {"{server-mode}", parts.serverMode},
      {"{port}", parts.port},
      {"{tls-port}", parts.tlsPort},
      {"{unixsocket}", parts.unixSocket},
      {"{config-file}", parts.configFile},
  };
  std::string text;
  while (!form.empty()) {
    auto value = std::ranges::find_if(values, [&](const auto& v) { return form.starts_with(v.first); });
    if (value == std::end(values)) {
      text += form.front();
      form.remove_prefix(1);
    } else {
      text += value->second;
      form.remove_prefix(value->first.size());
    }
  }
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

}  // namespace vigil::runtime
