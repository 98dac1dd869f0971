// What each library's script does with its adapter: one of the programs below, as the first argument says. Its result, or
// the error that ended it, is the last line of the output, as JSON. An adapter has
//
//   open(config)                        -> {call(...words), pipeline(commands), transaction(commands), close()}
//   listen(config, what, onMessage)     -> {close()}; what: {channels, patterns}; onMessage(channel, text)
//   cached(config)                      -> {get(key), close()}: reads through a cache that the server invalidates
//   monitor(config, onLine)             -> {close()}; onLine(command, args)
//   steadfast(config)                   -> {push(key, text), close()}: to a group that fails over; config: {sentinels, group}
//                                       or, of a cluster, {nodes}
//   inOrder                             whether it sends concurrent commands in the order in which they were given to it
import assert from 'node:assert/strict';

const kPatienceMs = 60_000;
const kPipelined = 2000;

// Resolves when all of it has been written.
function say(value) {
  return new Promise((resolve) => process.stdout.write(JSON.stringify(value) + '\n', resolve));
}

// What the test says on the standard input: one line.
async function told() {
  let text = '';
  for await (const chunk of process.stdin) {
    text += chunk;
    if (text.includes('\n')) return JSON.parse(text);
  }
  throw new Error('the standard input has ended');
}

async function within(what, condition) {
  const end = Date.now() + kPatienceMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within ${kPatienceMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

// Commands of all kinds and the types of their replies, many at once in one connection.
async function session(adapter, config) {
  const client = await adapter.open(config);
  const info = String(await client.call('CLIENT', 'INFO'));
  const text = 'a text with ünïcödé \r\n and line ends';
  assert.equal(await client.call('SET', 'text', text), 'OK');
  assert.equal(await client.call('GET', 'text'), text);
  assert.equal(await client.call('GET', 'none'), null);
  assert.equal(await client.call('EXISTS', 'text', 'none'), 1);
  assert.equal(await client.call('RPUSH', 'list', 'a', 'b', 'c'), 3);
  assert.deepEqual(await client.call('LRANGE', 'list', '0', '-1'), ['a', 'b', 'c']);
  await assert.rejects(async () => client.call('INCR', 'text'), /value is not an integer/);
  await assert.rejects(async () => client.call('LPUSH', 'text', 'x'), /WRONGTYPE/);
  const increments = Array.from({length: kPipelined}, () => ['INCR', 'counter']);
  assert.deepEqual(await client.pipeline(increments), increments.map((_, index) => index + 1));
  const many = await Promise.all(increments.map(() => client.call('INCR', 'counter')));
  if (!adapter.inOrder) many.sort((a, b) => a - b);
  assert.deepEqual(many, increments.map((_, index) => kPipelined + index + 1));
  assert.deepEqual(await client.transaction([['SET', 'a', '1'], ['INCR', 'a'], ['GET', 'a']]), ['OK', 2, '2']);
  await client.close();
  return {info};
}

// Who must not come in.
async function refused(adapter, config) {
  try {
    const client = await adapter.open(config);
    await client.call('PING');
    await client.close();
  } catch (error) {
    return {error: String(error?.message ?? error)};
  }
  return {error: null};
}

// Counts the messages of each channel, which are numbers from 0, and notes the first that is out of its order.
async function pubsub(adapter, config) {
  const next = {};
  let wrong = null;
  const hear = (channel, text) => {
    const expected = next[channel] ?? 0;
    if (Number(text) !== expected && wrong === null) wrong = {channel, text, expected};
    next[channel] = expected + 1;
  };
  const listener = await adapter.listen(config, config.what, hear);
  say('ready');
  const channels = Object.entries(await told());
  await within('all messages', () => wrong !== null || channels.every(([channel, count]) => (next[channel] ?? 0) >= count));
  await listener.close();
  return {next, wrong};
}

// Reads counters that only grow through the cache, until it is told their last values, which the cache must then have.
async function tracking(adapter, config) {
  const client = await adapter.cached(config);
  const last = {};
  let reads = 0;
  let back = null;
  const read = async (key) => {
    const value = Number(await client.get(key));
    ++reads;
    if (value < (last[key] ?? 0) && back === null) back = {key, value, before: last[key]};
    last[key] = value;
    return value;
  };
  for (const key of config.keys) await read(key);
  say('ready');
  let values = null;
  const asked = told().then((answer) => { values = answer; });
  while (values === null) {
    for (const key of config.keys) await read(key);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await asked;
  const settled = async () => {
    for (const key of config.keys) {
      if ((await read(key)) !== values[key]) return false;
    }
    return true;
  };
  let stale = null;
  await within('the last values', settled).catch((error) => { stale = {error: error.message, last, values}; });
  await client.close();
  return {reads, back, stale};
}

// Shows what others do.
async function monitor(adapter, config) {
  const lines = [];
  const watcher = await adapter.monitor(config, (command, args) => lines.push([command, ...args]));
  say('ready');
  const count = await told();
  await within('all lines', () => lines.length >= count);
  await watcher.close();
  return {lines};
}

// Appends numbers to lists, several at once, until it is told to stop, whatever becomes of the servers meanwhile: which of
// them were acknowledged, what the others failed of, and for how long at most nothing was acknowledged.
async function writing(adapter, config) {
  const client = await adapter.steadfast(config);
  const acknowledged = [];
  const errors = {};
  let next = 0;
  let stopped = false;
  let last = Date.now();
  let longestGapMs = 0;
  const write = async () => {
    while (!stopped) {
      const number = next++;
      try {
        await client.push(config.keys[number % config.keys.length], String(number));
        acknowledged.push(number);
        longestGapMs = Math.max(longestGapMs, Date.now() - last);
        last = Date.now();
      } catch (error) {
        const what = String(error?.message ?? error).split('\n')[0];
        errors[what] = (errors[what] ?? 0) + 1;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  };
  const writers = Array.from({length: 4}, write);
  say('ready');
  await told();
  stopped = true;
  await Promise.all(writers);
  await client.close();
  return {acknowledged, errors, longestGapMs};
}

const kPrograms = {session, refused, pubsub, tracking, monitor, writing};

export async function run(adapter) {
  const config = JSON.parse(process.argv[3]);
  let result;
  try {
    result = await kPrograms[process.argv[2]](adapter, config);
  } catch (error) {
    result = {failed: String(error?.stack ?? error)};
  }
  await say(result);
  process.exit(0);  // libraries keep sockets and timers
}
