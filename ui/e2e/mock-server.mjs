/**
 * A small stand-in for the program: serves dist and the management API from
 * canned data, with the event stream. Run by itself it listens on a fixed port,
 * for working on the UI; the tests start their own.
 */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as data from './mock-data.mjs';
import { Mock } from './mock-state.mjs';

/** The build that is shown; `UI_DIST` names another one. */
const DIST = process.env.UI_DIST ?? fileURLToPath(new URL('../dist/', import.meta.url));
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

function answer(mock, method, path, query, body) {
  const [, name, id, verb] = path.split('/');
  const key = `${method} ${name}`;
  if (key === 'GET status') return mock.status();
  if (key === 'GET orgs' && id === undefined)
    return { orgs: mock.orgs.map((org) => mock.counted(org)) };
  if (key === 'GET routes') return { routes: mock.routes.map((route) => mock.counted(route)) };
  if (name === 'relay') return id === 'pause' ? mock.pause(body?.until) : mock.resume();
  if (key === 'GET activity') {
    const entries = mock.logged(query);
    return id === 'export' ? lines(entries, query) : mock.cut('activity', entries, query);
  }
  if (key === 'GET items' && id === undefined) return mock.page(query);
  if (key === 'GET items' && id === 'export') {
    return lines(mock.page(new URLSearchParams([...query, ['limit', '1000000']])).items, query);
  }
  if (key === 'GET items') return mock.detail(decodeURIComponent(id));
  if (key === 'POST items' && id === 'preflight') return mock.preflight(body);
  if (key === 'POST items') return mock.act(id, body);
  if (key === 'GET work-items') return mock.workItems(query);
  if (key === 'GET failures') return { failures: mock.failures() };
  if (key === 'GET runs' && id === undefined) {
    const runs = mock.runs.map(({ refusals: _, ...run }) => run);
    return mock.cut('runs', runs, query);
  }
  if (key === 'GET runs') return mock.run(id);
  if (['stats', 'settings', 'store', 'tokens', 'diagnostics'].includes(name)) {
    return systemAnswer(mock, key, id, query, body);
  }
  if (key === 'DELETE crash') return (mock.crash = null);
  if (name === 'orgs' && verb === 'sync-items' && method === 'POST') {
    return ownAnswer(
      mock,
      mock.orgs.find((one) => one.orgId === id),
      body,
    );
  }
  if (name === 'identities') return linkAnswer(mock, method, verb, query, body);
  if (name === 'orgs') return orgAnswer(mock, method, id, verb, body);
  if (key === 'POST routes') {
    const route = {
      id: `route-${mock.routes.length + 1}`,
      ...body,
      createdAt: new Date().toISOString(),
      queueDepth: 0,
    };
    mock.routes.push(route);
    return route;
  }
  if (key === 'DELETE routes') {
    mock.routes = mock.routes.filter((one) => one.id !== id);
    return null;
  }
  if (key === 'PATCH routes') {
    const route = mock.routes.find((one) => one.id === id);
    route.enabled = body.enabled;
    const onIt = (item) =>
      item.sourceOrgId === route.sourceOrgId && item.targetOrgId === route.targetOrgId;
    mock.hold(onIt, 'routePaused', !body.enabled);
    return route;
  }
  return undefined;
}

/** Rows as a file: one JSON text a line, or their first columns as CSV. */
function lines(rows, query) {
  if (query.get('format') !== 'csv') {
    return new Text(rows.map((row) => JSON.stringify(row)).join('\n'));
  }
  const names = Object.keys(rows[0] ?? { id: '' });
  const line = (row) => names.map((name) => JSON.stringify(row[name] ?? '')).join(',');
  return new Text([names.join(','), ...rows.map(line)].join('\r\n'));
}

/** An answer that is no JSON. */
class Text {
  constructor(text) {
    this.text = text;
  }
}

function systemAnswer(mock, key, id, query, body) {
  const { program } = mock;
  switch (id === undefined ? key : `${key} ${key.startsWith('DELETE') ? '' : id}`) {
    case 'GET stats':
      return program.stats(query.get('window') ?? '24h', query.get('targetOrgId'));
    case 'GET settings':
      return program.told();
    case 'PATCH settings':
      return program.change(body);
    case 'GET store':
      return program.store(mock.items.length);
    case 'POST store check':
      return program.checked;
    case 'POST store backup':
      return program.backup();
    case 'GET tokens':
      return { tokens: program.tokens };
    case 'POST tokens':
      return program.createToken(body);
    case 'DELETE tokens ':
      return program.revokeToken(id);
    case 'GET diagnostics':
      return program.diagnostics(mock.status());
    default:
      return undefined;
  }
}

/** The package's own queue in an org: what is queued again or dismissed goes. */
function ownAnswer(mock, org, body) {
  mock.own = mock.own.filter((one) => !body.ids.includes(one.id));
  org.ownQueue.count = mock.own.length;
  return { changed: body.ids.length, refused: [] };
}

/** Which records somebody said are one. */
function linkAnswer(mock, method, id, query, body) {
  if (method === 'GET') {
    const of = query.get('orgId');
    const links = mock.links.filter((one) => [one.one.orgId, one.other.orgId].includes(of));
    return mock.cut('links', links, query);
  }
  if (method === 'DELETE') {
    mock.links = mock.links.filter((one) => one.id !== id);
    return null;
  }
  const externalId = `${body.one.orgId}:${body.one.recordId}`;
  const linkedAt = new Date().toISOString();
  const made = { ...body, id: randomUUID(), externalId, linkedAt, actor: 'user:ada' };
  mock.links.unshift(made);
  return { externalId, orgIds: [body.one.orgId, body.other.orgId] };
}

function orgAnswer(mock, method, id, verb, body) {
  const org = mock.orgs.find((one) => one.orgId === id) ?? null;
  const signIn = mock.signIns.get(verb)?.signIn;
  switch (`${method} ${['login', 'cli', 'import'].includes(id) ? id : `org ${verb ?? ''}`}`) {
    case 'POST login':
      return mock.begin(null, body.alias);
    case 'GET login':
      return signIn;
    case 'DELETE login':
      signIn.state = 'cancelled';
      return null;
    case 'GET cli':
      return { orgs: data.CLI_ORGS };
    case 'POST cli':
    case 'POST import':
      return mock.connect(null, body.alias);
    case 'POST org login':
      return mock.begin(org, null);
    case 'POST org test':
      return { ...org, checks: data.CHECKS };
    case 'POST org pause':
    case 'POST org resume':
      org.health = verb === 'pause' ? 'paused' : 'connected';
      mock.hold((item) => item.targetOrgId === id, 'orgPaused', verb === 'pause');
      return org;
    case 'PATCH org ':
      return Object.assign(org, { ...body, alias: body.alias === '' ? null : body.alias });
    case 'POST org pull':
      return { changes: 2, conflicts: 0, echoes: 1, deleted: 0 };
    case 'PATCH org pull':
      org.pull.enabled = body.enabled;
      return org;
    case 'GET org mapping':
      return { members: mock.mapping };
    case 'PUT org mapping':
      mock.mapping = body.members;
      return { members: mock.mapping };
    case 'DELETE org mapping':
      mock.mapping = data.MAPPING;
      return null;
    case 'GET org sync-items':
      return mock.readOwn(org);
    case 'DELETE org ':
      mock.orgs = mock.orgs.filter((one) => one !== org);
      return null;
    default:
      return undefined;
  }
}

async function handle(mock, request, response) {
  const url = new URL(request.url, 'http://localhost');
  if (url.pathname === '/open') {
    response.writeHead(303, { Location: '/' }).end();
    return;
  }
  if (!url.pathname.startsWith('/api/v1/')) {
    const name = url.pathname === '/' ? 'index.html' : normalize(url.pathname).slice(1);
    const file = await readFile(join(DIST, name)).catch(() => null);
    response.writeHead(file === null ? 404 : 200, {
      'Content-Type': TYPES[extname(name)] ?? 'application/octet-stream',
      'Content-Security-Policy': CSP,
    });
    response.end(file ?? '');
    return;
  }
  if (request.headers['x-sync-monitor'] !== '1') {
    response.writeHead(401).end();
    return;
  }
  const path = url.pathname.slice('/api/v1'.length);
  if (path === '/events') {
    if (mock.refuseStreams) {
      response.writeHead(503).end();
      return;
    }
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write(': hello\n\n');
    mock.streams.add(response);
    request.on('close', () => mock.streams.delete(response));
    return;
  }
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const body = text === '' ? null : JSON.parse(text);
  const call = `${request.method} ${path}`;
  mock.calls.push(call);
  if (body !== null) mock.bodies.push(body);
  const send = (status, value) => {
    const type = status < 400 ? 'application/json' : 'application/problem+json';
    response.writeHead(status, { 'Content-Type': type });
    response.end(value === null ? '' : JSON.stringify(value));
  };
  await mock.delays.get(call);
  const problem = mock.problems.get(call);
  if (problem !== undefined) {
    if (problem.always !== true) mock.problems.delete(call);
    send(problem.status, { title: 'Error', ...problem });
    return;
  }
  const result = answer(mock, request.method, path, url.searchParams, body);
  if (result === undefined) {
    send(404, { title: 'Not found', status: 404, detail: '', code: 'NOT_FOUND' });
  } else if (result instanceof Text) {
    response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' });
    response.end(result.text);
  } else if (typeof result?.status === 'number' && typeof result.detail === 'string') {
    send(result.status, { title: 'Refused', code: 'REFUSED', ...result });
  } else {
    send(result === null ? 204 : 200, result);
  }
}

/** Starts a mock; without `connected` it is new and empty; `mock` is its state, `cut` ends it with all connections, `start` revives it. */
export async function startMock({ port = 0, failed = 12, demo = true, connected = true } = {}) {
  const mock = new Mock({ failed, demo, connected });
  let bound = port;
  let server;
  async function start() {
    server = createServer((request, response) => void handle(mock, request, response));
    await new Promise((resolve) => server.listen(bound, '127.0.0.1', resolve));
    bound = server.address().port;
  }
  async function cut() {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }
  await start();
  return { mock, start, cut, url: `http://127.0.0.1:${bound}/` };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await startMock({ port: 7438 });
  process.stdout.write(`${url}\n`);
}
