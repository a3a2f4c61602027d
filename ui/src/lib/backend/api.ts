import type {
  ActivityPage,
  Backend,
  BulkResult,
  ChangeListener,
  Check,
  CliOrg,
  Desktop,
  FailureGroup,
  ItemDetail,
  ItemPage,
  Org,
  Preflight,
  Relay,
  Route,
  RunDetail,
  RunPage,
  Settings,
  SignIn,
  Stats,
  Status,
  StoreInfo,
  Token,
  WorkItemPage,
} from './backend';
import { Problem } from './backend';
import type { LinkPage, MappedMember, OwnDone, OwnItems, Pulled } from './package';

/** What a transport brings back: the status and the unparsed body. */
export interface RawAnswer {
  status: number;
  body: string;
}

/** Carries one request to the program. Both adapters differ only in this. */
export type Transport = (method: string, path: string, body: string | null) => Promise<RawAnswer>;

/** Starts the event stream; the result stops it. */
export type EventSourceStarter = (listener: ChangeListener) => () => void;

const BASE = '/api/v1';

/** Turns an unsuccessful answer into the error the UI shows. */
export function problemOf({ status, body }: RawAnswer): Problem {
  let parsed: Partial<Record<'code' | 'title' | 'detail', unknown>> = {};
  try {
    const value: unknown = JSON.parse(body);
    if (value !== null && typeof value === 'object') parsed = value;
  } catch {
    // Not a problem document (a proxy's page, an empty body): the status must do.
  }
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return new Problem(
    status,
    text(parsed.code),
    text(parsed.title) || `HTTP ${status}`,
    text(parsed.detail),
  );
}

/** A query string; what is not set is left out. */
export function queryOf(parameters: object): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null && value !== '') query.set(name, String(value));
  }
  return query.toString();
}

/** The management API over any transport. */
export function apiBackend(
  transport: Transport,
  listen: EventSourceStarter,
  openUrl: (url: string) => Promise<void>,
  desktop: Desktop | null = null,
): Backend {
  async function text(method: string, path: string, body?: unknown): Promise<string> {
    const answer = await transport(
      method,
      BASE + path,
      body === undefined ? null : JSON.stringify(body),
    );
    if (answer.status < 200 || answer.status > 299) throw problemOf(answer);
    return answer.body;
  }

  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await text(method, path, body);
    return (answer === '' ? undefined : JSON.parse(answer)) as T;
  }

  const id = encodeURIComponent;

  return {
    status: () => call<Status>('GET', '/status'),
    orgs: async () => (await call<{ orgs: Org[] }>('GET', '/orgs')).orgs,
    routes: async () => (await call<{ routes: Route[] }>('GET', '/routes')).routes,
    pauseRelay: (until) => call<Relay>('POST', '/relay/pause', { until }),
    resumeRelay: () => call<Relay>('POST', '/relay/resume'),
    items: (filter, limit, cursor, sort) =>
      call<ItemPage>('GET', `/items?${queryOf({ ...filter, sort, limit, cursor })}`),
    item: (itemId) => call<ItemDetail>('GET', `/items/${id(itemId)}`),
    exportItems: (filter, format) => text('GET', `/items/export?${queryOf({ ...filter, format })}`),
    workItems: (q, limit, cursor) =>
      call<WorkItemPage>('GET', `/work-items?${queryOf({ q, limit, cursor })}`),
    failures: async () => (await call<{ failures: FailureGroup[] }>('GET', '/failures')).failures,
    stats: (window, targetOrgId) =>
      call<Stats>('GET', `/stats?${queryOf({ window, targetOrgId })}`),
    preflight: (selection) => call<Preflight>('POST', '/items/preflight', selection),
    retry: (selection) => call<BulkResult>('POST', '/items/retry', selection),
    dismiss: (selection, reason) =>
      call<BulkResult>('POST', '/items/dismiss', { ...selection, reason }),
    restore: (selection) => call<BulkResult>('POST', '/items/restore', selection),
    sendNow: (selection) => call<BulkResult>('POST', '/items/send-now', selection),
    runs: (limit, cursor) => call<RunPage>('GET', `/runs?${queryOf({ limit, cursor })}`),
    run: (runId) => call<RunDetail>('GET', `/runs/${id(runId)}`),
    activity: (limit, cursor, filter = {}) =>
      call<ActivityPage>('GET', `/activity?${queryOf({ ...filter, limit, cursor })}`),
    exportActivity: (filter, format) =>
      text('GET', `/activity/export?${queryOf({ ...filter, format })}`),
    importOrg: (sfdxAuthUrl, alias) =>
      call<Org>('POST', '/orgs/import', alias === '' ? { sfdxAuthUrl } : { sfdxAuthUrl, alias }),
    login: (loginUrl, clientId, alias) =>
      call<SignIn>('POST', '/orgs/login', {
        loginUrl,
        ...(clientId === '' ? {} : { clientId }),
        ...(alias === '' ? {} : { alias }),
      }),
    loginAgain: (orgId) => call<SignIn>('POST', `/orgs/${id(orgId)}/login`),
    signIn: (signInId) => call<SignIn>('GET', `/orgs/login/${id(signInId)}`),
    cancelSignIn: (signInId) => call<void>('DELETE', `/orgs/login/${id(signInId)}`),
    cliOrgs: async () => (await call<{ orgs: CliOrg[] }>('GET', '/orgs/cli')).orgs,
    connectCliOrg: (username, alias) =>
      call<Org>('POST', '/orgs/cli', alias === '' ? { username } : { username, alias }),
    testOrg: (orgId) => call<Org & { checks: Check[] }>('POST', `/orgs/${id(orgId)}/test`),
    changeOrg: (orgId, change) => call<Org>('PATCH', `/orgs/${id(orgId)}`, change),
    disconnectOrg: (orgId) => call<void>('DELETE', `/orgs/${id(orgId)}`),
    addRoute: (sourceOrgId, targetOrgId) =>
      call<Route>('POST', '/routes', { sourceOrgId, targetOrgId, enabled: true }),
    removeRoute: (routeId) => call<void>('DELETE', `/routes/${id(routeId)}`),
    openUrl,
    package: {
      pullNow: (orgId) => call<Pulled>('POST', `/orgs/${id(orgId)}/pull`),
      setPull: (orgId, enabled) => call<Org>('PATCH', `/orgs/${id(orgId)}/pull`, { enabled }),
      mapping: async (orgId) =>
        (await call<{ members: MappedMember[] }>('GET', `/orgs/${id(orgId)}/mapping`)).members,
      setMapping: async (orgId, members) => {
        const path = `/orgs/${id(orgId)}/mapping`;
        await (members === null ? call('DELETE', path) : call('PUT', path, { members }));
      },
      links: (orgId, cursor) =>
        call<LinkPage>('GET', `/identities/links?${queryOf({ orgId, cursor })}`),
      linkRecords: (object, one, other) => call('POST', '/identities/link', { object, one, other }),
      unlinkRecords: (linkId) => call<void>('DELETE', `/identities/links/${id(linkId)}`),
      ownItems: (orgId) => call<OwnItems>('GET', `/orgs/${id(orgId)}/sync-items`),
      requeueOwn: (orgId, ids) =>
        call<OwnDone>('POST', `/orgs/${id(orgId)}/sync-items/requeue`, { ids }),
      dismissOwn: (orgId, ids, reason) =>
        call<OwnDone>('POST', `/orgs/${id(orgId)}/sync-items/dismiss`, { ids, reason }),
    },
    setOrgPaused: (orgId, paused) =>
      call<Org>('POST', `/orgs/${id(orgId)}/${paused ? 'pause' : 'resume'}`),
    setRouteEnabled: (routeId, enabled) =>
      call<Route>('PATCH', `/routes/${id(routeId)}`, { enabled }),
    tokens: async () => (await call<{ tokens: Token[] }>('GET', '/tokens')).tokens,
    createToken: async (name, sourceOrgIds, expiresAt) =>
      (await call<{ token: string }>('POST', '/tokens', { name, sourceOrgIds, expiresAt })).token,
    revokeToken: (tokenId) => call<void>('DELETE', `/tokens/${id(tokenId)}`),
    settings: () => call<Settings>('GET', '/settings'),
    changeSettings: (changes) => call<Settings>('PATCH', '/settings', changes),
    store: () => call<StoreInfo>('GET', '/store'),
    checkStore: () => call<{ ok: boolean; problems: string[] }>('POST', '/store/check', {}),
    backupStore: () => call<{ path: string; bytes: number }>('POST', '/store/backup', {}),
    diagnostics: () => text('GET', '/diagnostics'),
    seeCrash: () => call<void>('DELETE', '/crash'),
    desktop,
    listen,
  };
}
