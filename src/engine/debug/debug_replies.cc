// DEBUG PROTOCOL, ERROR, STRINGMATCH-LEN, STRINGMATCH-TEST.
#include <string>

#include "base/ports/clock.h"
#include "base/ports/entropy.h"
#include "base/text.h"
#include "engine/debug/debug_commands.h"
#include "engine/debug/debug_registry.h"
#include "engine/engine.h"
#include "engine/execution.h"

namespace vigil::engine {

namespace {

using command::Context;
using command::Reply;

void attributed(Reply& reply) {
  if (reply.protocol() > 2) {
    reply.attribute(1);
    reply.bulk("key-popularity");
    reply.array(2);
    reply.bulk("key:123");
    reply.integer(90);
  }
  reply.bulk("Some real reply following the attribute");
}

void pushed(Reply& reply) {
  if (reply.protocol() < 3) return reply.error("ERR RESP2 is not supported by this command");
  reply.push(2);
  reply.bulk("server-cpu-usage");
  reply.integer(42);
  reply.bulk("Some real reply following the push reply");
}

void counted(Reply& reply) {
  for (int i = 0; i < 3; ++i) reply.integer(i);
}

struct Sample {
  std::string_view name;
  void (*write)(Reply& reply);
};

constexpr Sample kSamples[] = {
    {"string", [](Reply& reply) { reply.bulk("Hello World"); }},
    {"integer", [](Reply& reply) { reply.integer(12345); }},
    {"double", [](Reply& reply) { reply.number(3.141); }},
    {"bignum", [](Reply& reply) { reply.bigNumber("1234567999999999999999999999999999999"); }},
    {"null", [](Reply& reply) { reply.null(); }},
    {"array",
     [](Reply& reply) {
       reply.array(3);
       counted(reply);
     }},
    {"set",
     [](Reply& reply) {
       reply.set(3);
       counted(reply);
     }},
    {"map",
     [](Reply& reply) {
       reply.map(3);
       for (int i = 0; i < 3; ++i) {
         reply.integer(i);
         reply.boolean(i == 1);
       }
     }},
    {"attrib", attributed},
    {"push", pushed},
    {"verbatim", [](Reply& reply) { reply.verbatim("txt", "This is a verbatim\nstring"); }},
    {"true", [](Reply& reply) { reply.boolean(true); }},
    {"false", [](Reply& reply) { reply.boolean(false); }},
};

void protocol(Context& ctx) {
  for (const Sample& sample : kSamples) {
    if (equalsIgnoreCase(sample.name, ctx.arg(2))) return sample.write(ctx.reply());
  }
  std::string names;
  for (const Sample& sample : kSamples) names += (names.empty() ? "" : "|") + std::string(sample.name);
  ctx.reply().error("ERR Wrong protocol type name. Please use one of the following: " + names);
}

void error(Context& ctx) { ctx.reply().error(ctx.arg(2)); }

void stringMatchLen(Context& ctx) { ctx.reply().integer(stringMatch(ctx.arg(2), ctx.arg(3))); }

// Patterns and texts of a few letters and all that means something in a pattern, for a tenth of a second.
void stringMatchTest(Context& ctx) {
  static constexpr std::string_view kAlphabet = "ab*?[]^-\\\\*a";
  constexpr MonoUs kFor = 100'000;
  const System& system = static_cast<Execution&>(ctx).engine().system();
  const MonoUs end = system.clock.mono() + kFor;
  const auto text = [&system](size_t most) {
    std::string out(system.entropy.next64() % (most + 1), ' ');
    for (char& c : out) c = kAlphabet[system.entropy.next64() % kAlphabet.size()];
    return out;
  };
  size_t matches = 0;
  while (system.clock.mono() < end) matches += stringMatch(text(20), text(30));
  ctx.reply().simple(matches > 0 ? "Apparently Redis did not crash: test passed" : "No pattern matched: test failed");
}

constexpr std::string_view kProtocolHelp[] = {
    "PROTOCOL <type>",
    "    Reply with a test value of the specified type. <type> can be: string,",
    "    integer, double, bignum, null, array, set, map, attrib, push, verbatim,",
    "    true, false.",
};
constexpr std::string_view kErrorHelp[] = {
    "ERROR <string>",
    "    Return a Redis protocol error with <string> as message. Useful for clients",
    "    unit tests to simulate Redis errors.",
};
constexpr std::string_view kMatchHelp[] = {
    "STRINGMATCH-LEN <pattern> <string>",
    "    Reply 1 if the glob-style pattern matches the string, else 0.",
};
constexpr std::string_view kMatchTestHelp[] = {
    "STRINGMATCH-TEST",
    "    Run a fuzz tester against the stringmatchlen() function.",
};

}  // namespace

void addDebugReplies(DebugRegistry& registry) {
  registry.add({"PROTOCOL", 1, 1, kProtocolHelp, protocol});
  registry.add({"ERROR", 1, 1, kErrorHelp, error});
  registry.add({"STRINGMATCH-LEN", 2, 2, kMatchHelp, stringMatchLen});
  registry.add({"STRINGMATCH-TEST", 0, 0, kMatchTestHelp, stringMatchTest});
}

}  // namespace vigil::engine
