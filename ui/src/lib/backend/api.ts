import type {
  ActivityPage,
  Backend,
  BulkResult,
  ChangeListener,
  Check,
  CliOrg,
  ItemDetail,
  ItemFilter,
  ItemPage,
  Org,
  Route,
  Selection,
  SignIn,
  Status,
} from './backend';
import { Problem } from './backend';

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

/** The query string of a filter; members that are not set are left out. */
export function itemQuery(filter: ItemFilter, limit: number, cursor: string | null): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) {
    if (value !== undefined) query.set(name, String(value));
  }
  query.set('limit', String(limit));
  if (cursor !== null) query.set('cursor', cursor);
  return query.toString();
}

/** The management API over any transport. */
export function apiBackend(
  transport: Transport,
  listen: EventSourceStarter,
  openUrl: (url: string) => Promise<void>,
): Backend {
  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await transport(
      method,
      BASE + path,
      body === undefined ? null : JSON.stringify(body),
    );
    if (answer.status < 200 || answer.status > 299) throw problemOf(answer);
    return (answer.body === '' ? undefined : JSON.parse(answer.body)) as T;
  }

  const id = encodeURIComponent;

  return {
    status: () => call<Status>('GET', '/status'),
    orgs: async () => (await call<{ orgs: Org[] }>('GET', '/orgs')).orgs,
    routes: async () => (await call<{ routes: Route[] }>('GET', '/routes')).routes,
    items: (filter, limit, cursor) =>
      call<ItemPage>('GET', `/items?${itemQuery(filter, limit, cursor)}`),
    item: (itemId) => call<ItemDetail>('GET', `/items/${id(itemId)}`),
    retry: (selection: Selection) => call<BulkResult>('POST', '/items/retry', selection),
    dismiss: (selection, reason) =>
      call<BulkResult>('POST', '/items/dismiss', { ...selection, reason }),
    restore: (selection) => call<BulkResult>('POST', '/items/restore', selection),
    activity: (limit, cursor) => {
      const query = new URLSearchParams({ limit: String(limit) });
      if (cursor !== null) query.set('cursor', cursor);
      return call<ActivityPage>('GET', `/activity?${query}`);
    },
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
    setOrgPaused: (orgId, paused) =>
      call<Org>('POST', `/orgs/${id(orgId)}/${paused ? 'pause' : 'resume'}`),
    setRouteEnabled: (routeId, enabled) =>
      call<Route>('PATCH', `/routes/${id(routeId)}`, { enabled }),
    listen,
  };
}
