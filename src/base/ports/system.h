// All ports of one process (in the simulator: of one node), passed down from apps/ to whoever needs one of them.
#pragma once

namespace vigil {

class Clock;
class Entropy;
class Network;
class FileSystem;
class TaskPool;

struct System {
  Clock& clock;
  Entropy& entropy;
  Network& network;
  FileSystem& files;
  TaskPool& tasks;
};

}  // namespace vigil
