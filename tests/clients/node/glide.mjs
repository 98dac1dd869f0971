// valkey-glide. It knows no Unix sockets.
import {readFileSync} from 'node:fs';

import {
  Batch, ClientSideCache, GlideClient, GlideClusterClient, GlideMonitorClient, Logger, ProtocolVersion,
} from '@valkey/valkey-glide';

import {run} from './program.mjs';

Logger.init('off');

function options({host, port, user, password, protocol, tls}, more = {}) {
  return {
    addresses: [{host, port}],
    protocol: protocol === 3 ? ProtocolVersion.RESP3 : ProtocolVersion.RESP2,
    credentials: password && {username: user, password},
    requestTimeout: 60_000,
    inflightRequestsLimit: 10_000,
    useTLS: Boolean(tls),
    ...more,
    advancedConfiguration: tls && {tlsAdvancedConfiguration: {rootCertificates: readFileSync(tls.ca)}},
  };
}

function filled(batch, commands) {
  for (const words of commands) batch.customCommand(words);
  return batch;
}

async function open(config) {
  const client = await GlideClient.createClient(options(config));
  return {
    call: (...words) => client.customCommand(words),
    pipeline: (commands) => client.exec(filled(new Batch(false), commands), true),
    transaction: (commands) => client.exec(filled(new Batch(true), commands), true),
    close: async () => client.close(),
  };
}

async function listen(config, {channels, patterns}, onMessage) {
  const subscriptions = {
    channelsAndPatterns: {0: new Set(channels), 1: new Set(patterns)},
    callback: ({channel, message}) => onMessage(String(channel), String(message)),
    context: null,
  };
  const client = await GlideClient.createClient(options(config, {pubsubSubscriptions: subscriptions}));
  return {close: async () => client.close()};
}

async function cached(config) {
  const cache = ClientSideCache.create(1024, 0, {serverAssisted: true});
  const client = await GlideClient.createClient(options(config, {clientSideCache: cache}));
  return {get: (key) => client.get(key), close: async () => client.close()};
}

async function monitor(config, onLine) {
  return GlideMonitorClient.create(options(config), ({command, args}) => onLine(command, args));
}

// It knows no Sentinels.
async function steadfast({nodes, protocol}) {
  const client = await GlideClusterClient.createClient({
    addresses: nodes,
    protocol: protocol === 3 ? ProtocolVersion.RESP3 : ProtocolVersion.RESP2,
    requestTimeout: 5000,
  });
  return {push: (key, text) => client.rpush(key, [text]), close: async () => client.close()};
}

await run({open, listen, cached, monitor, steadfast, inOrder: false});
