// node-redis.
import {readFileSync} from 'node:fs';

import {BasicClientSideCache, createClient, createCluster, createSentinel} from 'redis';

import {run} from './program.mjs';

async function connect({host, port, unix, user, password, protocol, tls}, more = {}) {
  const socket = unix ? {path: unix} : {host, port};
  if (tls) {
    Object.assign(socket, {tls: true, ca: readFileSync(tls.ca)});
    if (tls.cert) Object.assign(socket, {cert: readFileSync(tls.cert), key: readFileSync(tls.key)});
  }
  const client = createClient({
    RESP: protocol,
    username: user,
    password,
    socket: {...socket, reconnectStrategy: false},
    ...more,
  });
  client.on('error', () => {});  // the call that failed says it too
  await client.connect();
  return client;
}

async function open(config) {
  const client = await connect(config);
  return {
    call: (...words) => client.sendCommand(words),
    pipeline: (commands) => Promise.all(commands.map((words) => client.sendCommand(words))),
    transaction: (commands) => {
      const batch = client.multi();
      for (const words of commands) batch.addCommand(words);
      return batch.exec();
    },
    close: () => client.close(),
  };
}

async function listen(config, {channels, patterns}, onMessage) {
  const client = await connect(config);
  const hear = (text, channel) => onMessage(channel, text);
  if (channels.length) await client.subscribe(channels, hear);
  if (patterns.length) await client.pSubscribe(patterns, hear);
  return {close: () => client.close()};
}

async function cached(config) {
  const cache = new BasicClientSideCache({ttl: 0, maxEntries: 0, evictPolicy: 'LRU'});
  const client = await connect(config, {clientSideCache: cache});
  return {get: (key) => client.get(key), close: () => client.close()};
}

async function monitor(config, onLine) {
  const client = await connect(config);
  await client.monitor((line) => {
    const words = [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1]);
    onLine(words[0], words.slice(1));
  });
  return {close: () => client.destroy()};
}

async function steadfast({sentinels, group, nodes, protocol}) {
  const client = nodes
    ? createCluster({rootNodes: nodes.map((socket) => ({socket})), RESP: protocol, useReplicas: false})
    : createSentinel({name: group, sentinelRootNodes: sentinels, RESP: protocol, scanInterval: 500});
  client.on('error', () => {});
  await client.connect();
  return {push: (key, text) => client.rPush(key, text), close: () => client.close()};
}

await run({open, listen, cached, monitor, steadfast, inOrder: true});
