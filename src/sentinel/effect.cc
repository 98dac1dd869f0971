#include "sentinel/effect.h"

namespace vigil::sentinel {

namespace {

std::string_view channelName(Channel channel) { return channel == Channel::kCommands ? "commands" : "messages"; }

std::string describe(const Effect& effect) {
  const std::string where = std::to_string(effect.instance) + " " + std::string(channelName(effect.channel));
  std::string words;
  for (const std::string& word : effect.words) words.append(" ").append(word);
  switch (effect.kind) {
    case Effect::Kind::kPersist:
      return "persist";
    case Effect::Kind::kLog:
      return "log " + effect.text;
    case Effect::Kind::kPublish:
      return "publish " + effect.name + " " + effect.text;
    case Effect::Kind::kConnect:
      return "connect " + where + " to " + effect.address.host + ":" + std::to_string(effect.address.port);
    case Effect::Kind::kDisconnect:
      return "disconnect " + where;
    case Effect::Kind::kSend:
      return "send " + where + words;
    case Effect::Kind::kScript:
      return "script" + words;
    case Effect::Kind::kExit:
      return "exit";
  }
  return {};
}

}  // namespace

std::string describe(const Effects& effects) {
  std::string text;
  for (const Effect& effect : effects) text += describe(effect) + "\n";
  return text;
}

}  // namespace vigil::sentinel
