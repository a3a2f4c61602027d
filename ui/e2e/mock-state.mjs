/** The state of the mock server: items, orgs, runs, sign-ins, and what is done with them. */
import { randomUUID } from 'node:crypto';
import * as data from './mock-data.mjs';
import { Program } from './mock-system.mjs';

const PAGE = 100;

/** What a list of items shows of each. */
const short = ({ attemptLog: _a, payloadText: _p, history: _h, runs: _r, ...item }) => item;

/** Compares two items by a member, and where that is equal by ID. */
const by = (sort) => {
  const [sign, name] = sort.startsWith('-') ? [-1, sort.slice(1)] : [1, sort];
  return (a, b) => {
    const [one, other] = [a[name] ?? '', b[name] ?? ''];
    if (one !== other) return one < other ? -sign : sign;
    return a.id < b.id ? -sign : sign;
  };
};

const OPEN = ['queued', 'processing', 'retrying'];

/** The order of a list where none is asked for. */
function usualSort(status) {
  const statuses = status?.split(',') ?? [];
  if (statuses.length > 0 && statuses.every((one) => OPEN.includes(one))) return 'nextAttemptAt';
  return statuses.length === 1 ? '-updatedAt' : '-createdAt';
}

/** Why nothing can be done with an item; null where it can. */
function refusalOf(action, item, wanted) {
  if (item === undefined) return { reason: 'notFound', message: 'There is no such item.' };
  if (item.status !== wanted) {
    const reason = action === 'sendNow' ? 'notRetrying' : 'notFailed';
    return { reason, message: `it is ${item.status}` };
  }
  if (action === 'retry' && item.superseded === true) {
    const message = 'A newer change of the same record is synced already.';
    return { reason: 'superseded', message };
  }
  if (action === 'restore' && item.dismissedAt === null) {
    return { reason: 'notDismissed', message: 'The item is not dismissed.' };
  }
  return null;
}

/** The API's answers over a mutable state. */
export class Mock {
  constructor({ failed, demo, connected }) {
    const now = Date.now();
    this.demo = demo;
    this.items = connected ? data.items(now, failed) : [];
    this.orgs = connected ? data.orgs(now) : [];
    this.mapping = data.MAPPING;
    this.own = data.own(now);
    this.links = [];
    this.routes = connected ? data.routes(now) : [];
    this.runs = [];
    this.activity = connected ? data.activity(now) : [];
    this.relay = { paused: false, pausedUntil: null };
    /** Settings, store, tokens and statistics. */
    this.program = new Program(now, connected);
    this.streams = new Set();
    /** Whether nobody may listen to events. */
    this.refuseStreams = false;
    /** The sign-ins so far, by ID; a test finishes them. */
    this.signIns = new Map();
    /** What is answered in place of the next call, by `METHOD path`: a problem's status, code and detail; `always` for every call. */
    this.problems = new Map();
    /** Calls that are not answered before the promise is kept, by `METHOD path`. */
    this.delays = new Map();
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
      suppressedEchoes: 1968,
      nextAttemptAt: due.sort()[0] ?? null,
      orgs: this.orgs.length,
      demo: this.demo,
      listenAddress: '127.0.0.1:7437',
      schedule: this.program.schedule(),
      serverTime: new Date().toISOString(),
      demoLoginUrl: this.demo ? 'http://127.0.0.1:9' : null,
      relay: this.relay,
      crash: this.crash ?? null,
    };
  }

  /** Holds what waits on a way for a reason, or lets it go. */
  hold(onWay, reason, held) {
    for (const item of this.items.filter(onWay)) {
      const waits = ['queued', 'retrying'].includes(item.status);
      if (held && waits && item.heldBy === null) item.heldBy = reason;
      if (!held && item.heldBy === reason) item.heldBy = null;
    }
    this.emit({ items: null, orgs: true, routes: true });
  }

  pause(until) {
    this.relay = { paused: true, pausedUntil: until ?? null };
    this.log('relay.pause', null, { detail: until ?? null });
    this.emit({ items: null, orgs: true, routes: false });
    return this.relay;
  }

  resume() {
    this.relay = { paused: false, pausedUntil: null };
    this.log('relay.resume', null);
    this.emit({ items: null, orgs: true, routes: false });
    return this.relay;
  }

  log(action, subject, more = {}) {
    const at = new Date().toISOString();
    const id = this.activity.length + 1;
    const rest = { reason: null, count: null, detail: null, via: 'browser' };
    this.activity.unshift({ id, at, actor: 'user:ada', action, subject, ...rest, ...more });
  }

  matching(filter) {
    // Of what a run changed everything is shown, unless it is asked for otherwise.
    const everyMark = filter.dismissed === undefined && filter.runId !== undefined;
    const dismissed = String(filter.dismissed ?? 'false') === 'true';
    const statuses = filter.status?.split(',');
    const q = filter.q?.toLowerCase();
    return this.items.filter(
      (item) =>
        (everyMark || (item.dismissedAt !== null) === dismissed) &&
        (statuses === undefined || statuses.includes(item.status)) &&
        (filter.targetOrgId === undefined || item.targetOrgId === filter.targetOrgId) &&
        (filter.sourceOrgId === undefined || item.sourceOrgId === filter.sourceOrgId) &&
        (filter.held === undefined || String(item.heldBy !== null) === String(filter.held)) &&
        (filter.externalId === undefined || item.externalIds.includes(filter.externalId)) &&
        (filter.failureKey === undefined || item.failureKey === filter.failureKey) &&
        (filter.runId === undefined || item.runs.includes(filter.runId)) &&
        (filter.since === undefined || item.createdAt >= filter.since) &&
        (filter.until === undefined || item.createdAt < filter.until) &&
        (filter.asOf === undefined || item.updatedAt <= filter.asOf) &&
        (q === undefined ||
          [item.title, item.transactionId, item.lastError?.message, ...item.externalIds].some(
            (text) => text?.toLowerCase().includes(q),
          )),
    );
  }

  page(query) {
    const all = this.matching(Object.fromEntries(query));
    const sort = query.get('sort') ?? usualSort(query.get('status') ?? undefined);
    const compare = by(sort);
    all.sort(compare);
    // A place in the order and not a number: what comes or goes before it moves nothing.
    const place = JSON.parse(query.get('cursor') ?? 'null');
    const from = place === null ? 0 : all.findIndex((item) => compare(item, place) > 0);
    const rest = from < 0 ? [] : all.slice(from);
    const rows = rest.slice(0, Number(query.get('limit') ?? PAGE));
    const last = rows.at(-1);
    const name = sort.replace('-', '');
    const more = rest.length > rows.length;
    return {
      items: rows.map(short),
      nextCursor: more ? JSON.stringify({ [name]: last[name], id: last.id }) : null,
      total: all.length,
    };
  }

  /** A page of a list, under its name. */
  cut(name, all, query) {
    const from = Number(query.get('cursor') ?? 0);
    const to = from + Number(query.get('limit') ?? PAGE);
    return {
      [name]: all.slice(from, to),
      nextCursor: to < all.length ? String(to) : null,
    };
  }

  detail(id) {
    const item = this.items.find((one) => one.id === id);
    if (item === undefined) return undefined;
    const { runs: _, ...detail } = item;
    const standing = ['failed', 'retrying', 'queued', 'processing'].includes(item.status);
    return { ...detail, cause: standing ? data.causeOf(item.lastError) : null };
  }

  workItems(query) {
    const q = (query.get('q') ?? '').toLowerCase();
    const found = new Map();
    for (const item of [...this.items].sort(by('updatedAt'))) {
      for (const externalId of item.externalIds) {
        const known = found.get(externalId) ?? { items: 0, orgs: [] };
        found.delete(externalId);
        found.set(externalId, {
          externalId,
          title: item.title,
          lastItemId: item.id,
          lastStatus: item.status,
          lastAt: item.updatedAt,
          items: known.items + 1,
          orgs: [...new Set([...known.orgs, item.sourceOrgId, item.targetOrgId])],
        });
      }
    }
    const all = [...found.values()]
      .reverse()
      .filter((one) => `${one.externalId} ${one.title}`.toLowerCase().includes(q));
    return this.cut('workItems', all, query);
  }

  failures() {
    const groups = new Map();
    for (const item of this.matching({ status: 'failed' })) {
      const { httpStatus, errorCode, message } = item.lastError;
      const group = groups.get(item.failureKey) ?? {
        failureKey: item.failureKey,
        targetOrgId: item.targetOrgId,
        httpStatus,
        errorCode,
        count: 0,
        firstSeenAt: item.updatedAt,
        lastSeenAt: item.updatedAt,
        sampleMessage: message,
        sampleItemId: item.id,
        cause: data.causeOf(item.lastError),
      };
      group.count += 1;
      if (item.updatedAt < group.firstSeenAt) group.firstSeenAt = item.updatedAt;
      if (item.updatedAt > group.lastSeenAt) group.lastSeenAt = item.updatedAt;
      groups.set(item.failureKey, group);
    }
    return [...groups.values()].sort((a, b) => b.count - a.count);
  }

  /** An org or a route with the number of what waits for it. */
  /** What an org's own queue holds; how much that is, is known from then on. */
  readOwn(org) {
    const readAt = new Date().toISOString();
    org.ownQueue = { count: this.own.length, more: false, readAt };
    this.emit({ items: [], orgs: true, routes: false });
    return { syncItems: this.own, readAt };
  }

  counted(of) {
    const { sourceOrgId, targetOrgId = of.orgId } = of;
    const status = 'queued,processing,retrying';
    return { ...of, queueDepth: this.matching({ status, sourceOrgId, targetOrgId }).length };
  }

  /** The items that a bulk command means, and the IDs that are none. */
  selected(body) {
    const ids = body.ids ?? this.matching(body.filter).map((item) => item.id);
    const known = new Map(this.items.map((item) => [item.id, item]));
    return ids.map((id) => ({ id, item: known.get(id) }));
  }

  preflight(body) {
    const told = { selected: 0, send: 0, superseded: 0, notFailed: 0, notFound: 0 };
    const orgs = new Map();
    for (const { item } of this.selected(body)) {
      told.selected += 1;
      if (item === undefined) told.notFound += 1;
      else if (item.status !== 'failed' || item.dismissedAt !== null) told.notFailed += 1;
      else {
        const org = this.orgs.find((one) => one.orgId === item.targetOrgId);
        const held = { connected: null, paused: 'orgPaused' };
        const line = orgs.get(item.targetOrgId) ?? {
          orgId: item.targetOrgId,
          send: 0,
          superseded: 0,
          heldBy: org === undefined ? 'signInRequired' : (held[org.health] ?? org.health),
          apiCalls: 0,
          apiUsage: org?.apiUsage ?? null,
        };
        if (org?.health === 'connected') line.heldBy = null;
        const superseded = item.superseded === true;
        told[superseded ? 'superseded' : 'send'] += 1;
        line[superseded ? 'superseded' : 'send'] += 1;
        line.apiCalls = line.send;
        orgs.set(item.targetOrgId, line);
      }
    }
    const sorted = [...orgs.values()].sort((a, b) => b.send - a.send);
    return { asOf: new Date().toISOString(), ...told, orgs: sorted };
  }

  act(name, body) {
    const at = new Date().toISOString();
    const action = name === 'send-now' ? 'sendNow' : name;
    const runId = randomUUID();
    const refused = [];
    const wanted = action === 'sendNow' ? 'retrying' : 'failed';
    const selected = this.selected(body);
    const reason = body.reason ?? null;
    for (const { id, item } of selected) {
      const refusal = refusalOf(action, item, wanted);
      if (refusal !== null) {
        refused.push({ id, ...refusal });
        continue;
      }
      const dismissing = action === 'dismiss';
      item.dismissedAt = dismissing ? at : null;
      item.dismissReason = dismissing ? reason : null;
      if (action === 'retry') {
        const cycle = item.cycle + 1;
        Object.assign(item, { status: 'queued', attempts: 0, cycle, nextAttemptAt: at });
      }
      if (action === 'sendNow') item.nextAttemptAt = at;
      item.updatedAt = at;
      item.history = [
        ...item.history,
        { at, actor: 'user:ada', via: 'browser', action, reason, runId },
      ];
      item.runs = [...item.runs, runId];
    }
    const changed = selected.length - refused.length;
    this.runs.unshift({
      id: runId,
      at,
      endedAt: at,
      state: 'done',
      actor: 'user:ada',
      via: 'browser',
      action,
      reason,
      selected: selected.length,
      changed,
      refused: refused.length,
      filter: body.filter ?? null,
      refusals: refused,
    });
    this.log(`item.${action}`, selected.length === 1 ? selected[0].id : null, {
      reason,
      count: changed,
    });
    const ids = selected.map(({ id }) => id);
    this.emit({ items: ids.length > 200 ? null : ids, orgs: false, routes: false });
    return { changed, refused, runId };
  }

  run(id) {
    const run = this.runs.find((one) => one.id === id);
    if (run === undefined) return undefined;
    const now = { queued: 0, processing: 0, retrying: 0, failed: 0, dismissed: 0, synced: 0 };
    const stands = { ...now, superseded: 0 };
    for (const item of this.items) {
      if (!item.runs.includes(id)) continue;
      stands[item.dismissedAt === null ? item.status : 'dismissed'] += 1;
    }
    const refusals = run.refusals.slice(0, 1000).map((one) => {
      const item = this.items.find((known) => known.id === one.id);
      return { ...one, title: item?.title ?? null, externalIds: item?.externalIds ?? [] };
    });
    return { ...run, refusals, now: stands };
  }

  logged(query) {
    const filter = Object.fromEntries(query);
    const all = this.activity.filter(
      (entry) =>
        (filter.action === undefined ||
          (filter.action.endsWith('.')
            ? entry.action.startsWith(filter.action)
            : entry.action === filter.action)) &&
        (filter.actor === undefined || entry.actor === filter.actor) &&
        (filter.subject === undefined || entry.subject === filter.subject) &&
        (filter.since === undefined || entry.at >= filter.since) &&
        (filter.until === undefined || entry.at < filter.until),
    );
    return all;
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

  /** Ends the event streams, and lets nobody in again before it is told so. */
  cutStreams() {
    this.refuseStreams = true;
    for (const stream of this.streams) stream.end();
  }

  emit(change) {
    this.eventId += 1;
    const text = `event: changed\nid: ${this.eventId}\ndata: ${JSON.stringify(change)}\n\n`;
    for (const stream of this.streams) stream.write(text);
  }
}
