/**
 * `npm run cluster [-- --port N]`: PostgreSQL, an object storage, three servers and a balancer on this machine, in a temporary folder.
 * Ctrl-C ends them and removes all.
 */
import { parseArgs } from 'node:util';
import { clusterPackages } from './cluster-packages.js';
import { ensureBuild, ensureDebianPackages, ensureDependencies, say } from './prepare.js';
import { loadStage } from './stage.js';

/** The port of the balancer. Throws where an option is wrong. */
function readPort() {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '8080' } } });
  const port = Number(values.port);
  if (!/^\d{1,5}$/.test(values.port) || port > 65_535) throw new Error('--port is a number from 0 to 65535.');
  return port;
}

function describe({ server, nodes, engines }) {
  const line = ({ name, port, pid }) => `  ${name}     http://127.0.0.1:${port}   kill -9 ${pid}`;
  return [
    'A cluster of three Firn servers. Connect a WebDAV program to the balancer:',
    '',
    `  address   ${server.pathMount}`,
    `  user      ${server.user}`,
    `  password  ${server.password}`,
    '',
    'From a second terminal, what to kill; a server that was killed is started again after five seconds:',
    '',
    ...nodes.map(line),
    `  database  127.0.0.1:${engines.primary.port}         PostgreSQL`,
    `  bucket    ${engines.ceph.settings.endpoint.origin}   Ceph`,
    '',
    'Ctrl-C ends it and removes everything.',
    '',
  ].join('\n');
}

/** Starts a server again that ends before all are told to. */
function keepAlive(node, isOver) {
  node.ended().then(async () => {
    if (isOver()) return;
    say(`${node.name} ended; it starts again in 5 s`);
    await new Promise((resolve) => setTimeout(resolve, 5000));
    if (isOver()) return;
    await node.start();
    say(`${node.name} runs again: kill -9 ${node.pid}`);
    keepAlive(node, isOver);
  });
}

async function main() {
  const port = readPort();
  ensureDependencies();
  ensureBuild();
  ensureDebianPackages(clusterPackages, 'a cluster needs a database, an object storage and a balancer');
  say('starting PostgreSQL, Ceph, three servers and haproxy …');
  let cluster = null;
  let isOver = false;
  const end = async () => {
    if (isOver) return;
    isOver = true;
    say('ending …');
    // Ctrl-C reaches the servers, too: they may be on their way.
    await cluster?.discard();
    // What is still being started goes when this process ends.
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void end());
  const { Cluster, close } = await loadStage();
  cluster = await Cluster.start({ isNew: true, port });
  await close();
  for (const node of cluster.nodes) keepAlive(node, () => isOver);
  process.stdout.write(describe(cluster));
}

try {
  await main();
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}
