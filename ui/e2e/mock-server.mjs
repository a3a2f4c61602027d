/**
 * A small stand-in for the program: serves dist and the management API from
 * canned data, with the event stream. Run by itself it listens on a fixed port,
 * for working on the UI; the tests start their own.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as data from './mock-data.mjs';

const DIST = fileURLToPath(new URL('../dist/', import.meta.url));
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The API's answers over a mutable state. */
class Mock {
  constructor({ failed, demo }) {
    const now = Date.now();
    this.demo = demo;
    this.items = data.items(now, failed);
    this.orgs = data.orgs(now);
    this.routes = data.routes(now);
    this.activity = [
      {
        id: '1',
        at: new Date(now).toISOString(),
        actor: 'admin',
        action: 'items.dismiss',
        subject: 'failed-41',
        reason: 'Test data, not needed',
        count: 1,
        detail: null,
      },
    ];
    this.streams = new Set();
    /** The sign-ins so far, by ID; a test finishes them. */
    this.signIns = new Map();
    /** What is answered in place of the next call, by `METHOD path`: a problem's status, code and detail. */
    this.problems = new Map();
    /** The bodies of the calls so far that had one. */
    this.bodies = [];
    /** The calls so far, as `METHOD path`. */
    this.calls = [];
    this.eventId = 0;
  }

  status() {
    const counts = Object.fromEntries(
      ['queued', 'processing', 'retrying', 'failed', 'synced', 'superseded'].map((status) => [
        status,
        this.items.filter((item) => item.status === status && item.dismissedAt === null).length,
      ]),
    );
    const due = this.items.map((item) => item.nextAttemptAt).filter((at) => at !== null);
    return {
      version: '0.1.0',
      uptimeSeconds: 4200,
      counts,
      held: this.items.filter((item) => item.heldBy !== null).length,
      dismissed: this.items.filter((item) => item.dismissedAt !== null).length,
      suppressedEchoes: 68,
      nextAttemptAt: due.sort()[0] ?? null,
      orgs: this.orgs.length,
      demo: this.demo,
      listenAddress: '127.0.0.1:7437',
      schedule: ['0s', '30s', '2m', '10m', '1h'],
      serverTime: new Date().toISOString(),
      demoLoginUrl: this.demo ? 'http://127.0.0.1:9' : null,
    };
  }

  matching(filter) {
    const dismissed = String(filter.dismissed ?? 'false') === 'true';
    const statuses = filter.status?.split(',');
    return this.items.filter(
      (item) =>
        (item.dismissedAt !== null) === dismissed &&
        (statuses === undefined || statuses.includes(item.status)) &&
        (filter.targetOrgId === undefined || item.targetOrgId === filter.targetOrgId) &&
        (filter.held === undefined || String(item.heldBy !== null) === String(filter.held)),
    );
  }

  page(query) {
    const all = this.matching(Object.fromEntries(query));
    const from = Number(query.get('cursor') ?? 0);
    const to = from + Number(query.get('limit') ?? 100);
    return {
      items: all.slice(from, to).map(({ attemptLog: _a, payloadText: _p, ...item }) => item),
      nextCursor: to < all.length ? String(to) : null,
      total: all.length,
    };
  }

  act(name, body) {
    const ids = body.ids ?? this.matching(body.filter).map((item) => item.id);
    const refused = [];
    let changed = 0;
    for (const id of ids) {
      const item = this.items.find((one) => one.id === id);
      if (item?.status !== 'failed') {
        refused.push({ id, reason: item === undefined ? 'no such item' : `it is ${item.status}` });
        continue;
      }
      changed += 1;
      const dismissing = name === 'dismiss';
      item.dismissedAt = dismissing ? new Date().toISOString() : null;
      item.dismissReason = dismissing ? body.reason : null;
      if (name === 'retry') {
        Object.assign(item, { status: 'queued', attempts: 0, cycle: item.cycle + 1 });
      }
      item.updatedAt = new Date().toISOString();
    }
    this.emit({ items: ids, orgs: false, routes: false });
    return { changed, refused };
  }

  begin(org, alias) {
    const id = `sign-in-${this.signIns.size + 1}`;
    const signIn = {
      id,
      state: 'waiting',
      authorizeUrl: `https://login.example/services/oauth2/authorize?state=${id}`,
      expiresAt: new Date(Date.now() + 600_000).toISOString(),
      orgId: null,
      problem: null,
    };
    this.signIns.set(id, { signIn, org, alias });
    return signIn;
  }

  /** The browser came back: the sign-in is over. */
  finish(id, problem = null) {
    const entry = this.signIns.get(id);
    if (problem !== null) {
      Object.assign(entry.signIn, { state: 'failed', authorizeUrl: null, problem });
      return;
    }
    const org = this.connect(entry.org, entry.alias);
    Object.assign(entry.signIn, { state: 'connected', authorizeUrl: null, orgId: org.orgId });
    this.emit({ items: [], orgs: true, routes: false });
  }

  connect(org, alias) {
    if (org !== null) {
      Object.assign(org, { health: 'connected', healthDetail: null });
      return org;
    }
    const made = data.newcomer(Date.now(), alias);
    this.orgs = [...this.orgs.filter((one) => one.orgId !== made.orgId), made];
    return made;
  }

  emit(change) {
    this.eventId += 1;
    const text = `event: changed\nid: ${this.eventId}\ndata: ${JSON.stringify(change)}\n\n`;
    for (const stream of this.streams) stream.write(text);
  }
}

function answer(mock, method, path, query, body) {
  const [, name, id, verb] = path.split('/');
  const key = `${method} ${name}`;
  if (key === 'GET status') return mock.status();
  if (key === 'GET orgs' && id === undefined) return { orgs: mock.orgs };
  if (key === 'GET routes') return { routes: mock.routes };
  if (key === 'GET activity') return { activity: mock.activity, nextCursor: null };
  if (key === 'GET items' && id === undefined) return mock.page(query);
  if (key === 'GET items') return mock.items.find((item) => item.id === decodeURIComponent(id));
  if (key === 'POST items') return mock.act(id, body);
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
    return route;
  }
  return undefined;
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
      mock.emit({ items: [], orgs: true, routes: false });
      return org;
    case 'PATCH org ':
      return Object.assign(org, { ...body, alias: body.alias === '' ? null : body.alias });
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
  const problem = mock.problems.get(call);
  if (problem !== undefined) {
    mock.problems.delete(call);
    send(problem.status, { title: 'Error', ...problem });
    return;
  }
  const result = answer(mock, request.method, path, url.searchParams, body);
  if (result === undefined) {
    send(404, { title: 'Not found', status: 404, detail: '', code: 'NOT_FOUND' });
  } else {
    send(result === null ? 204 : 200, result);
  }
}

/** Starts a mock; `mock` is its state, `cut` ends it with all connections, `start` revives it. */
export async function startMock({ port = 0, failed = 12, demo = true } = {}) {
  const mock = new Mock({ failed, demo });
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
