// Speaks RESP2 only. Its cache is of the old kind: invalidations are messages to a second connection.
import {readFileSync} from 'node:fs';

import Redis from 'ioredis';

import {run} from './program.mjs';

const kChannel = '__redis__:invalidate';

function options({host, port, unix, user, password, tls}) {
  return {
    ...(unix ? {path: unix} : {host, port}),
    username: user,
    password,
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    ...(tls && {
      tls: {ca: readFileSync(tls.ca), cert: tls.cert && readFileSync(tls.cert), key: tls.key && readFileSync(tls.key)},
    }),
  };
}

async function connect(config) {
  const client = new Redis(options(config));
  let problem = null;
  client.on('error', (error) => { problem = error; });
  // A server that refuses a certificate of TLS 1.3 may do so when the library takes itself for connected: its promise is
  // then forgotten, and only this event comes.
  const ended = new Promise((_, reject) => { client.once('end', () => reject(new Error('the connection ended'))); });
  try {
    await Promise.race([client.connect(), ended]);
  } catch (error) {
    throw problem ?? error;
  }
  return client;
}

async function replies(commands, result) {
  return (await result.exec()).map(([error, reply]) => {
    if (error) throw error;
    return reply;
  });
}

async function open(config) {
  const client = await connect(config);
  const fill = (batch, commands) => {
    for (const [name, ...args] of commands) batch.call(name, ...args);
    return batch;
  };
  return {
    call: (name, ...args) => client.call(name, ...args),
    pipeline: (commands) => replies(commands, fill(client.pipeline(), commands)),
    transaction: (commands) => replies(commands, fill(client.multi(), commands)),
    close: () => client.quit(),
  };
}

async function listen(config, {channels, patterns}, onMessage) {
  const client = await connect(config);
  client.on('message', onMessage);
  client.on('pmessage', (pattern, channel, text) => onMessage(channel, text));
  if (channels.length) await client.subscribe(...channels);
  if (patterns.length) await client.psubscribe(...patterns);
  return {close: () => client.quit()};
}

async function cached(config) {
  const listener = await connect(config);
  const client = await connect(config);
  const values = new Map();
  const id = await listener.client('ID');
  listener.on('message', (channel, key) => (key === '' ? values.clear() : values.delete(String(key))));
  await listener.subscribe(kChannel);
  await client.client('TRACKING', 'ON', 'REDIRECT', id);
  return {
    async get(key) {
      if (values.has(key)) return values.get(key);
      const reading = client.get(key);
      values.set(key, reading);  // an invalidation that comes before the reply takes it out again
      return reading;
    },
    close: () => Promise.all([listener.quit(), client.quit()]),
  };
}

async function monitor(config, onLine) {
  const client = await connect(config);
  const watcher = await client.monitor();
  watcher.on('monitor', (time, [command, ...args]) => onLine(command, args));
  return {close: () => watcher.disconnect()};
}

async function steadfast({sentinels, group, nodes}) {
  const again = () => 50;
  const client = nodes
    ? new Redis.Cluster(nodes, {clusterRetryStrategy: again, slotsRefreshTimeout: 5000})
    : new Redis({sentinels, name: group, sentinelRetryStrategy: again, retryStrategy: again, failoverDetector: true});
  client.on('error', () => {});  // the call that failed says it too
  await client.set('warm', 'up');
  return {push: (key, text) => client.rpush(key, text), close: () => client.disconnect()};
}

await run({open, listen, cached, monitor, steadfast, inOrder: true});
